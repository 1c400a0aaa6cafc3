"""The report's convolutional autoencoder."""

from torch import Tensor, nn

from deepdlt.models.blocks import Decoder, Encoder, Reconstruction, code_edge_px, use_channels_last


class AutoEncoder(nn.Module):
    """Three convolution stages down, three transposed convolutions up, a sigmoid at the end.

    The code of a 64 px patch is 128 x 8 x 8 = 8,192 numbers, twice as many as it has pixels:
    this model has no bottleneck. 134,497 parameters with 3 px kernels, 298,849 with 5 px.

    Parameters
    ----------
    size_px : int
        Edge of a patch, px; a multiple of 8.
    kernel_size_px : int
        Edge of the encoder's kernels, px: 3 or 5.
    activation : str
        Name of the activation in encoder and decoder.
    dropout : float
        Share of encoder feature maps dropped in training, in [0, 1).

    Raises
    ------
    ValueError
        If a parameter is out of its bounds.

    Notes
    -----
    The report's Table 1 gives the decoder kernels of 3 px; its code has 2, with stride 2.

    Examples
    --------
    >>> model = AutoEncoder()
    >>> sum(parameter.numel() for parameter in model.parameters())
    134497
    """

    name = "ae"

    def __init__(
        self, *, size_px: int = 64, kernel_size_px: int = 3, activation: str = "relu", dropout: float = 0.2
    ) -> None:
        super().__init__()
        code_edge_px(size_px)
        self.settings: dict[str, int | float | str | bool] = {
            "size_px": size_px,
            "kernel_size_px": kernel_size_px,
            "activation": activation,
            "dropout": dropout,
        }
        self.encoder = Encoder(kernel_size_px=kernel_size_px, activation=activation, dropout=dropout)
        self.decoder = Decoder(activation=activation)
        use_channels_last(self)

    @property
    def size_px(self) -> int:
        """Edge of the patches that this model takes, px."""
        return int(self.settings["size_px"])

    def encode(self, x: Tensor) -> Tensor:
        """Return the code of a batch.

        Parameters
        ----------
        x : Tensor of float32, shape (B, 1, S, S)
            Patches.

        Returns
        -------
        Tensor of float32, shape (B, 128, S/8, S/8)
        """
        code: Tensor = self.encoder(x)
        return code

    def forward(self, x: Tensor) -> Reconstruction:
        """Reconstruct a batch.

        Parameters
        ----------
        x : Tensor of float32, shape (B, 1, S, S)
            Patches.

        Returns
        -------
        Reconstruction
            `reconstruction` (B, 1, S, S) in [0, 1]; no `mu`, no `log_var`.
        """
        return Reconstruction(self.decoder(self.encode(x)))
