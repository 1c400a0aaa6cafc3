"""The report's convolutional autoencoder."""

from deepdlt.models.blocks import CHANNELS, Decoder, Encoder, code_edge_px
from deepdlt.models.deterministic import DeterministicAutoEncoder


class AutoEncoder(DeterministicAutoEncoder):
    """Three convolution stages down, three transposed convolutions up, a sigmoid at the end.

    The report's code of a 64 px patch is 128 x 8 x 8 = 8,192 numbers, twice as many as it has
    pixels: no bottleneck. 134,497 parameters with 3 px kernels, 298,849 with 5 px. With
    `latent_dim`, two linear maps between encoder and decoder make a true bottleneck of it.

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
    latent_dim : int, optional
        Numbers in the code of a patch, at least 1; None for the report's feature maps.

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
        self,
        *,
        size_px: int = 64,
        kernel_size_px: int = 3,
        activation: str = "relu",
        dropout: float = 0.2,
        latent_dim: int | None = None,
    ) -> None:
        edge = code_edge_px(size_px)
        super().__init__(
            Encoder(kernel_size_px=kernel_size_px, activation=activation, dropout=dropout),
            Decoder(activation=activation),
            map_shape=(CHANNELS[-1], edge, edge),
            latent_dim=latent_dim,
            settings={
                "size_px": size_px,
                "kernel_size_px": kernel_size_px,
                "activation": activation,
                "dropout": dropout,
            },
        )
