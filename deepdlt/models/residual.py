"""Our own autoencoder: few numbers a stage, pixels folded into channels, a residual block each way."""

from torch import Tensor, nn

from deepdlt.models.blocks import build_activation, code_edge_px
from deepdlt.models.deterministic import DeterministicAutoEncoder

WIDTH, HIDDEN = 64, 32
"""Feature maps of a stage, and inside a residual block."""

FOLD_PX, CODE_FOLD_PX = 4, 2
"""Pixels that become channels at the way in, and once more before the code."""

CODE_CHANNELS = 64


class ResidualBlock(nn.Module):
    """Two convolutions of 3 px through `HIDDEN` maps, added to what came in, then the activation."""

    def __init__(self, *, activation: str) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(WIDTH, HIDDEN, 3, padding=1, bias=False),
            nn.BatchNorm2d(HIDDEN),
            build_activation(activation),
            nn.Conv2d(HIDDEN, WIDTH, 3, padding=1, bias=False),
            nn.BatchNorm2d(WIDTH),
        )
        self.activation = build_activation(activation)

    def forward(self, x: Tensor) -> Tensor:
        """Return feature maps of the same shape, (B, 64, S/4, S/4)."""
        maps: Tensor = self.activation(x + self.body(x))
        return maps


class ResidualAutoEncoder(DeterministicAutoEncoder):
    """Pixels folded into channels instead of pooled away, one residual block down and one up.

    Nothing is thrown away before the code, as pooling does; so fewer multiplications reconstruct
    more: 24.5 million a patch of 64 px against 43.3 million of the report's. The code has
    64 x 8 x 8 = 4,096 numbers, half as many; with `latent_dim`, two linear maps make a true
    bottleneck of it. 125,712 parameters without.

    Parameters
    ----------
    size_px : int
        Edge of a patch, px; a multiple of 8.
    activation : str
        Name of the activation in encoder and decoder.
    latent_dim : int, optional
        Numbers in the code of a patch, at least 1; None for the feature maps.

    Raises
    ------
    ValueError
        If a parameter is out of its bounds.

    References
    ----------
    He et al. 2016, doi:10.1109/CVPR.2016.90 (residual blocks).
    Shi et al. 2016, doi:10.1109/CVPR.2016.207 (pixels as channels).

    Examples
    --------
    >>> sum(parameter.numel() for parameter in ResidualAutoEncoder().parameters())
    125712
    """

    name = "residual"

    def __init__(self, *, size_px: int = 64, activation: str = "elu", latent_dim: int | None = None) -> None:
        edge = code_edge_px(size_px)
        folded = WIDTH * CODE_FOLD_PX**2
        encoder = nn.Sequential(
            nn.PixelUnshuffle(FOLD_PX),  # (B, 1, S, S) -> (B, 16, S/4, S/4)
            nn.Conv2d(FOLD_PX**2, WIDTH, 3, padding=1),
            ResidualBlock(activation=activation),
            nn.PixelUnshuffle(CODE_FOLD_PX),  # (B, 64, S/4, S/4) -> (B, 256, S/8, S/8)
            nn.Conv2d(folded, CODE_CHANNELS, 1),
        )
        decoder = nn.Sequential(
            nn.Conv2d(CODE_CHANNELS, folded, 1),
            nn.PixelShuffle(CODE_FOLD_PX),
            ResidualBlock(activation=activation),
            nn.Conv2d(WIDTH, FOLD_PX**2, 3, padding=1),
            nn.PixelShuffle(FOLD_PX),  # (B, 16, S/4, S/4) -> (B, 1, S, S)
            nn.Sigmoid(),
        )
        super().__init__(
            encoder,
            decoder,
            map_shape=(CODE_CHANNELS, edge, edge),
            latent_dim=latent_dim,
            settings={"size_px": size_px, "activation": activation},
        )
