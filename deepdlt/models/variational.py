"""The report's variational autoencoder."""

import torch
from torch import Tensor, nn

from deepdlt.models.blocks import (
    CHANNELS,
    CodeKind,
    Decoder,
    Encoder,
    Noisy,
    Reconstruction,
    code_edge_px,
    use_channels_last,
)


class VariationalAutoEncoder(Noisy):
    """The autoencoder's convolutions around a Gaussian code of `latent_dim` numbers.

    3,288,673 parameters at 64 px with 128 latent numbers.

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
    latent_dim : int
        Numbers in the code of a patch, at least 1.
    is_sampling_in_evaluation : bool
        Whether the code is drawn in evaluation too, as in the report, instead of being its mean.

    Raises
    ------
    ValueError
        If a parameter is out of its bounds.

    Examples
    --------
    >>> model = VariationalAutoEncoder()
    >>> sum(parameter.numel() for parameter in model.parameters())
    3288673
    """

    name = "vae"
    code_kind: CodeKind = "mu"

    def __init__(
        self,
        *,
        size_px: int = 64,
        kernel_size_px: int = 3,
        activation: str = "leaky_relu",
        dropout: float = 0.2,
        latent_dim: int = 128,
        is_sampling_in_evaluation: bool = False,
    ) -> None:
        super().__init__()
        if latent_dim < 1:
            raise ValueError(f"latent_dim must be at least 1, got {latent_dim}")
        edge = code_edge_px(size_px)
        self.settings: dict[str, int | float | str | bool | None] = {
            "size_px": size_px,
            "kernel_size_px": kernel_size_px,
            "activation": activation,
            "dropout": dropout,
            "latent_dim": latent_dim,
            "is_sampling_in_evaluation": is_sampling_in_evaluation,
        }
        self.map_shape = (CHANNELS[-1], edge, edge)
        n_features = CHANNELS[-1] * edge * edge
        self.encoder = Encoder(kernel_size_px=kernel_size_px, activation=activation, dropout=dropout)
        self.fc_mu = nn.Linear(n_features, latent_dim)
        self.fc_logvar = nn.Linear(n_features, latent_dim)
        self.fc_decoder = nn.Linear(latent_dim, n_features)
        self.decoder = Decoder(activation=activation)
        use_channels_last(self)

    @property
    def size_px(self) -> int:
        """Edge of the patches that this model takes, px."""
        return int(self.settings["size_px"] or 0)

    @property
    def latent_dim(self) -> int:
        """Numbers in the code of a patch."""
        return int(self.settings["latent_dim"] or 0)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the parameters of the code's distribution.

        Parameters
        ----------
        x : Tensor of float32, shape (B, 1, S, S)
            Patches.

        Returns
        -------
        mu, log_var : Tensor of float32, shape (B, L)
        """
        features = self.encoder(x).flatten(1)  # (B, 128, S/8, S/8) -> (B, 2 S^2)
        return self.fc_mu(features), self.fc_logvar(features)  # (B, L) each

    def mean_code(self, x: Tensor) -> Tensor:
        """Return the mean of each patch's code.

        Parameters
        ----------
        x : Tensor of float32, shape (B, 1, S, S)
            Patches.

        Returns
        -------
        Tensor of float32, shape (B, L)
        """
        return self.encode(x)[0]

    def sample(self, mu: Tensor, log_var: Tensor) -> Tensor:
        """Draw a code: ``mu + std * noise``, differentiable in both.

        Parameters
        ----------
        mu, log_var : Tensor of float32, shape (B, L)
            Mean and log variance.

        Returns
        -------
        Tensor of float32, shape (B, L)
        """
        std = torch.exp(0.5 * log_var)  # (B, L)
        noise = torch.empty(std.shape, device=std.device).normal_(
            generator=self.generator
        )  # (B, L), whatever std is in
        return mu + std * noise

    def decode(self, z: Tensor) -> Tensor:
        """Return the patches that codes stand for.

        Parameters
        ----------
        z : Tensor of float32, shape (B, L)
            Codes.

        Returns
        -------
        Tensor of float32, shape (B, 1, S, S)
            In [0, 1].
        """
        maps = self.fc_decoder(z).unflatten(1, self.map_shape)  # (B, 2 S^2) -> (B, 128, S/8, S/8)
        patches: Tensor = self.decoder(maps.contiguous(memory_format=torch.channels_last))
        return patches

    def forward(self, x: Tensor) -> Reconstruction:
        """Reconstruct a batch through a drawn code, or through its mean.

        Parameters
        ----------
        x : Tensor of float32, shape (B, 1, S, S)
            Patches.

        Returns
        -------
        Reconstruction
            `reconstruction` (B, 1, S, S) in [0, 1], `mu` and `log_var` (B, L).
        """
        mu, log_var = self.encode(x)
        is_sampling = self.training or bool(self.settings["is_sampling_in_evaluation"])
        z = self.sample(mu, log_var) if is_sampling else mu  # (B, L)
        return Reconstruction(self.decode(z), mu, log_var)
