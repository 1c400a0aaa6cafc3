"""What both models are made of: encoder, decoder, seeded dropout, named activations."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Literal, NamedTuple, cast

import torch
from torch import Tensor, nn

from deepdlt.models.pooling import is_for_loops, pooled_convolution, pooled_norm, pooled_scale

CHANNELS = (32, 64, 128)
"""Feature maps of the three encoder stages; the decoder mirrors them."""

REDUCTION = 8
"""Three stages halve the edge: 64 px become 8."""

LEAKY_SLOPE = 0.1

CodeKind = Literal["mu", "bottleneck", "map_means"]
"""What a model's `mean_code` is: the mean of a Gaussian code, a bottleneck, or the means of its code's maps."""

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "elu": nn.ELU,
    "leaky_relu": partial(nn.LeakyReLU, LEAKY_SLOPE),
    "relu": nn.ReLU,
    "selu": nn.SELU,
}
"""All of them rise monotonically, which `EncoderStage` relies on."""


class Reconstruction(NamedTuple):
    """What a model gives back for a batch."""

    reconstruction: Tensor
    """Decoder output in [0, 1], same shape as the input, (B, 1, S, S)."""
    mu: Tensor | None = None
    """Mean of the code, (B, L); None for an autoencoder."""
    log_var: Tensor | None = None
    """Log variance of the code, (B, L); None for an autoencoder."""


def build_activation(name: str) -> nn.Module:
    """Return the activation of that name.

    Parameters
    ----------
    name : str
        One of `ACTIVATIONS`.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    ValueError
        If there is no such activation.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"activation {name!r} is not known: use one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]()


def code_edge_px(size_px: int) -> int:
    """Return the edge of the feature maps between encoder and decoder.

    Parameters
    ----------
    size_px : int
        Edge of a patch, px.

    Returns
    -------
    int
        ``size_px / 8``.

    Raises
    ------
    ValueError
        If the patch cannot be halved three times.
    """
    if size_px < REDUCTION or size_px % REDUCTION:
        raise ValueError(f"a patch of {size_px} px cannot be halved three times: use a multiple of {REDUCTION}")
    return size_px // REDUCTION


class Noisy(nn.Module):
    """A module that draws random numbers, from `generator` where one is set."""

    generator: torch.Generator | None = None


def set_noise(model: nn.Module, generator: torch.Generator | None) -> None:
    """Let every random draw inside a model come from one generator.

    Parameters
    ----------
    model : torch.nn.Module
        Its dropout and its sampling are affected.
    generator : torch.Generator or None
        On the model's device; None goes back to torch's global stream.
    """
    for module in model.modules():
        if isinstance(module, Noisy):
            module.generator = generator


def use_channels_last(model: nn.Module) -> None:
    """Lay the weights out channels last, which makes convolutions on a CPU faster and changes no number's meaning."""
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stubs


class ChannelDropout(Noisy):
    """Drop whole feature maps in training, like `torch.nn.Dropout2d`, from a stream of its own.

    Parameters
    ----------
    p : float
        Share of maps dropped, in [0, 1).

    Raises
    ------
    ValueError
        If `p` is out of bounds.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"dropout must be in [0, 1), got {p}")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` (B, C, H, W) with maps dropped and the others scaled up, or `x` itself in evaluation."""
        if not self.training or self.p == 0:
            return x
        keep = x.new_empty((*x.shape[:2], 1, 1)).bernoulli_(1 - self.p, generator=self.generator)  # (B, C, 1, 1)
        return x * keep.div_(1 - self.p)

    def extra_repr(self) -> str:
        """Say the share in `repr`."""
        return f"p={self.p}"


class EncoderStage(nn.Sequential):
    """Convolution, batch norm, then pool *before* activation and dropout.

    The report pools last. A maximum passes unchanged through any rising function and through a
    factor common to a whole map, so this order is the same function, to the last bit, on a quarter
    of the pixels. In memory, batch norm and pooling are one pass (`deepdlt.models.pooling`).
    """

    def __init__(self, n_in: int, n_out: int, *, kernel_size_px: int, activation: str, dropout: float) -> None:
        super().__init__(
            nn.Conv2d(n_in, n_out, kernel_size_px, padding=kernel_size_px // 2),
            nn.BatchNorm2d(n_out),
            nn.MaxPool2d(2),
            build_activation(activation),
            ChannelDropout(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return feature maps (B, n_out, H/2, W/2) of (B, n_in, H, W)."""
        convolution, norm, pool, activation, dropout = self.children()
        maps = convolution(x)
        if is_for_loops(maps) and (self.training or not torch.is_grad_enabled()):
            maps = self._pooled(maps.float(), cast("nn.BatchNorm2d", norm))
        else:
            maps = pool(norm(maps))
        return cast("Tensor", dropout(activation(maps)))

    def _pooled(self, maps: Tensor, norm: nn.BatchNorm2d) -> Tensor:
        """Return what batch norm and pooling make of maps, from compiled loops."""
        if not self.training:
            scale, shift = scale_and_shift(norm, cast("Tensor", norm.running_mean), cast("Tensor", norm.running_var))
            return pooled_scale(maps, scale, shift)
        pooled, mean, variance = pooled_norm(maps, norm)
        n_places = maps.numel() // maps.shape[1]
        update_running(norm, mean, variance * (n_places / (n_places - 1)))
        return pooled


class FirstStage(EncoderStage):
    """The first stage: its batch norm is worked out from the patches and folded into the convolution.

    A convolution of one grey channel is linear in the few pixels that a kernel sees. So mean and
    variance of its output over a batch, which batch norm divides by, follow from those pixels' means
    and covariances; weights scaled by them give the normalised maps at once. The largest maps of the
    network are then written once and read once, instead of four times each way. The same function up
    to rounding, in value and in gradient; only for patches that ask for no gradient themselves.
    """

    def __init__(self, n_out: int, *, kernel_size_px: int, activation: str, dropout: float) -> None:
        super().__init__(1, n_out, kernel_size_px=kernel_size_px, activation=activation, dropout=dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return feature maps (B, C, S/2, S/2) of patches (B, 1, S, S)."""
        if x.requires_grad:
            return super().forward(x)
        first, second, pool, activation, dropout = self.children()
        convolution, norm = cast("nn.Conv2d", first), cast("nn.BatchNorm2d", second)
        scale, shift = scale_and_shift(norm, *self._statistics(x, convolution, norm))  # (C,) each
        weight = convolution.weight * scale[:, None, None, None]  # (C, 1, k, k)
        bias = shift + scale * cast("Tensor", convolution.bias)
        if is_for_loops(x):
            maps = pooled_convolution(x, weight, bias)
        else:
            maps = pool(nn.functional.conv2d(x, weight, bias, padding=convolution.kernel_size[0] // 2))
        return cast("Tensor", dropout(activation(maps)))

    def _statistics(self, x: Tensor, convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
        """Return mean and variance of the convolution's maps: the batch's in training, else the running ones."""
        if not self.training:
            return cast("Tensor", norm.running_mean), cast("Tensor", norm.running_var)
        pixel_mean, covariance, n_places = kernel_moments(x, kernel_size_px=convolution.kernel_size[0])
        kernels = convolution.weight.flatten(1).to(pixel_mean.dtype)  # (C, k k)
        mean = (kernels @ pixel_mean).to(x.dtype) + cast("Tensor", convolution.bias)
        variance = ((kernels @ covariance) * kernels).sum(1).to(x.dtype)
        update_running(norm, mean.detach(), variance.detach() * (n_places / (n_places - 1)))
        return mean, variance


def kernel_moments(x: Tensor, *, kernel_size_px: int) -> tuple[Tensor, Tensor, int]:
    """Return means and covariances of the pixels under a kernel, over all places of all patches.

    Parameters
    ----------
    x : Tensor, shape (..., B, 1, S, S)
        Patches, each batch for itself; beyond their edge lie zeros, as many as keep the edge of a map at S.
    kernel_size_px : int
        Edge k of the kernel, px; odd.

    Returns
    -------
    mean : Tensor of float64, shape (..., k k)
        Float32 where the device has no wider type.
    covariance : Tensor of float64, shape (..., k k, k k)
        Divided by the number of places.
    n_places : int
        B S S.
    """
    # In float32, the variance of a kernel that answers to fine structure alone would drown in that of the background.
    wide = x.float() if x.device.type == "mps" else x.double()
    size_px = x.shape[-1]
    padded = nn.functional.pad(wide[..., 0, :, :], (kernel_size_px // 2,) * 4)  # (..., B, S + k - 1, S + k - 1)
    steps = range(kernel_size_px)
    shifted = [padded[..., row : row + size_px, column : column + size_px] for row in steps for column in steps]
    pixels = torch.stack(shifted, -4).flatten(-3)  # (..., k k, B S S)
    n_places = pixels.shape[-1]
    mean = pixels.mean(-1)
    return mean, pixels @ pixels.mT / n_places - mean[..., :, None] * mean[..., None, :], n_places


def scale_and_shift(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Return what a batch norm multiplies each map by, and what it adds then, (C,) each."""
    scale = norm.weight / (variance + norm.eps).sqrt()
    return scale, norm.bias - scale * mean


def update_running(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    """Move a batch norm's running statistics towards a batch's, as torch does; `variance` is the sample's."""
    with torch.no_grad():
        cast("Tensor", norm.running_mean).lerp_(mean, cast("float", norm.momentum))
        cast("Tensor", norm.running_var).lerp_(variance, cast("float", norm.momentum))
        cast("Tensor", norm.num_batches_tracked).add_(1)


class Encoder(nn.Sequential):
    """Three stages: (B, 1, S, S) to (B, 128, S/8, S/8)."""

    def __init__(self, *, kernel_size_px: int, activation: str, dropout: float) -> None:
        if kernel_size_px not in (3, 5):
            raise ValueError(f"kernel_size_px must be 3 or 5, got {kernel_size_px}")
        super().__init__(
            FirstStage(CHANNELS[0], kernel_size_px=kernel_size_px, activation=activation, dropout=dropout),
            *(
                EncoderStage(n_in, n_out, kernel_size_px=kernel_size_px, activation=activation, dropout=dropout)
                for n_in, n_out in pairwise(CHANNELS)
            ),
        )


class Doubling(nn.ConvTranspose2d):
    """Transposed convolution whose kernel is as wide as its step: 2 px each.

    Such kernels do not overlap: each place becomes four of its own, by one linear map. So places can
    stand in any order, as rows, and a matrix product does the work.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out, 2, 2)

    def forward(self, rows: Tensor) -> Tensor:  # type: ignore[override]  # rows in, rows out
        """Return the four children of each place, (R, C_in) to (4 R, C_out): upper left, upper right, lower two."""
        kernels = self.weight.permute(0, 2, 3, 1).flatten(1)  # (C_in, C_out, 2, 2) -> (C_in, 2 * 2 * C_out)
        bias = cast("Tensor", self.bias).repeat(4)
        return torch.addmm(bias, rows, kernels).view(-1, self.out_channels)  # (R, 4 * C_out) -> (4 R, C_out)


class Decoder(nn.Sequential):
    """Three doublings of the edge: (B, 128, S/8, S/8) to (B, 1, S, S) in [0, 1].

    Nothing in it looks at a neighbour, so pixels are put in their order once, at the end.
    """

    def __init__(self, *, activation: str) -> None:
        layers: list[nn.Module] = []
        for n_in, n_out in zip(CHANNELS[:0:-1], CHANNELS[-2::-1], strict=True):
            layers += [Doubling(n_in, n_out), nn.BatchNorm2d(n_out), build_activation(activation)]
        super().__init__(*layers, Doubling(CHANNELS[0], 1), nn.Sigmoid())

    def forward(self, maps: Tensor) -> Tensor:
        """Return patches (B, 1, S, S) from feature maps (B, 128, S/8, S/8)."""
        n_patches, _, edge, _ = maps.shape
        *stages, last, sigmoid = self.children()
        rows = maps.permute(0, 2, 3, 1).flatten(0, 2)  # (B, C, H, W) -> (B H W, C)
        for doubling, norm, activation in zip(stages[::3], stages[1::3], stages[2::3], strict=True):
            children = doubling(rows).unflatten(0, (n_patches, -1, 1)).permute(0, 3, 1, 2)  # (B, C, places, 1)
            rows = activation(norm(children)).permute(0, 2, 3, 1).flatten(0, 2)
        pixels: Tensor = sigmoid(last(rows))  # (B * S * S, 1), children beside each other, three levels deep
        tree = pixels.view(n_patches, edge, edge, *(2,) * 6)  # row, column; then row, column of each level
        upright = tree.permute(0, 1, 3, 5, 7, 2, 4, 6, 8)  # all rows, then all columns
        return upright.reshape(n_patches, 1, REDUCTION * edge, REDUCTION * edge)
