"""What autoencoders without a distribution have in common: maps as the code, or a bottleneck."""

import math

import torch
from torch import Tensor, nn

from deepdlt.models.blocks import CodeKind, Reconstruction, use_channels_last


class DeterministicAutoEncoder(nn.Module):
    """An encoder to feature maps and a decoder from them; with `latent_dim`, two linear maps between.

    Parameters
    ----------
    encoder, decoder : torch.nn.Module
        From patches (B, 1, S, S) to maps (B, C, H, W), and back to [0, 1].
    map_shape : tuple of int
        (C, H, W).
    latent_dim : int or None
        Numbers in the code of a patch, at least 1; None for the maps themselves.
    settings : dict
        What builds this model again.

    Raises
    ------
    ValueError
        If `latent_dim` is below 1.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        map_shape: tuple[int, int, int],
        latent_dim: int | None,
        settings: dict[str, int | float | str | bool | None],
    ) -> None:
        super().__init__()
        if latent_dim is not None and latent_dim < 1:
            raise ValueError(f"latent_dim must be at least 1, got {latent_dim}")
        self.settings = settings | {"latent_dim": latent_dim}
        self.map_shape = map_shape
        self.encoder = encoder
        self.decoder = decoder
        if latent_dim is not None:
            self.fc_code = nn.Linear(math.prod(map_shape), latent_dim)
            self.fc_decoder = nn.Linear(latent_dim, math.prod(map_shape))
        use_channels_last(self)

    @property
    def size_px(self) -> int:
        """Edge of the patches that this model takes, px."""
        return int(self.settings["size_px"] or 0)

    @property
    def has_bottleneck(self) -> bool:
        """Whether the code is a row of numbers, not maps."""
        return self.settings["latent_dim"] is not None

    @property
    def code_kind(self) -> CodeKind:
        """What `mean_code` gives."""
        return "bottleneck" if self.has_bottleneck else "map_means"

    def encode(self, x: Tensor) -> Tensor:
        """Return the code of a batch.

        Parameters
        ----------
        x : Tensor of float32, shape (B, 1, S, S)
            Patches.

        Returns
        -------
        Tensor of float32, shape (B, C, H, W), or (B, L) with a bottleneck
        """
        code: Tensor = self.encoder(x)
        if self.has_bottleneck:
            code = self.fc_code(code.flatten(1))  # (B, C, H, W) -> (B, L)
        return code

    def mean_code(self, x: Tensor) -> Tensor:
        """Return a few numbers a patch: the bottleneck, or the mean of each of the code's maps.

        Parameters
        ----------
        x : Tensor of float32, shape (B, 1, S, S)
            Patches.

        Returns
        -------
        Tensor of float32, shape (B, L) or (B, C)
        """
        code = self.encode(x)
        return code if self.has_bottleneck else code.mean((2, 3))

    def decode(self, code: Tensor) -> Tensor:
        """Return the patches that codes stand for.

        Parameters
        ----------
        code : Tensor of float32
            As `encode` gives it.

        Returns
        -------
        Tensor of float32, shape (B, 1, S, S)
            In [0, 1].
        """
        if self.has_bottleneck:
            code = self.fc_decoder(code).unflatten(1, self.map_shape)  # (B, L) -> (B, C, H, W)
            code = code.contiguous(memory_format=torch.channels_last)
        patches: Tensor = self.decoder(code)
        return patches

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
        return Reconstruction(self.decode(self.encode(x)))
