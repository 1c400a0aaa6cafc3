"""Pooling together with what comes before it, on a CPU: a convolution of patches, or a batch norm.

The same functions as torch's layers one after the other, up to rounding, in value and in gradient. Those write the
largest maps of the network several times over, and read them as often: that took half of a training step.
"""

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from deepdlt.compiled import in_threads
from deepdlt.models.kernels import (
    convolve_and_pool,
    gradients_of_kernels,
    gradients_of_maps,
    scale_and_pool,
    sums_of_gradients,
    sums_of_maps,
)

Array = NDArray[Any]


def is_for_loops(x: Tensor) -> bool:
    """Tell whether maps or patches can go through compiled loops: in memory, with even edges, no float64."""
    is_plain = type(x) is Tensor and x.device.type == "cpu" and x.dtype != torch.float64
    return is_plain and not (x.shape[-1] % 2 or x.shape[-2] % 2)


def pooled_convolution(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return the maxima over 2 x 2 places of a convolution of patches.

    Parameters
    ----------
    x : Tensor of float32, shape (B, 1, S, S)
        Patches that ask for no gradient; zeros lie beyond their edge.
    weight : Tensor of float32, shape (C, 1, k, k)
        Kernels with an odd edge.
    bias : Tensor of float32, shape (C,)

    Returns
    -------
    Tensor of float32, shape (B, C, S/2, S/2)
        Laid out channels last.
    """
    return cast("Tensor", _PooledConvolution.apply(x, weight, bias))  # type: ignore[no-untyped-call]  # in torch's stubs


def pooled_norm(x: Tensor, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor, Tensor]:
    """Return the maxima over 2 x 2 places of maps that are normalised by their own mean and variance.

    Parameters
    ----------
    x : Tensor of float32, shape (B, C, H, W)
        Maps.
    norm : torch.nn.BatchNorm2d
        Its weight, bias and eps count; its running statistics stay as they are.

    Returns
    -------
    maxima : Tensor of float32, shape (B, C, H/2, W/2)
        Laid out channels last.
    mean, variance : Tensor of float32, shape (C,)
        Of the maps, without gradient; the variance is divided by the number of places.
    """
    found = _PooledNorm.apply(x, norm.weight, norm.bias, norm.eps)  # type: ignore[no-untyped-call]
    return cast("tuple[Tensor, Tensor, Tensor]", found)


def pooled_scale(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Return the maxima over 2 x 2 places of ``scale x + shift``, each map with its own; no gradient flows.

    Parameters
    ----------
    x : Tensor of float32, shape (B, C, H, W)
    scale, shift : Tensor of float32, shape (C,)

    Returns
    -------
    Tensor of float32, shape (B, C, H/2, W/2)
        Laid out channels last.
    """
    maxima, _, _ = _scale_and_pool(_rows(x), scale.detach().numpy(), shift.detach().numpy())
    return _maps(maxima)


class _PooledConvolution(torch.autograd.Function):
    """`pooled_convolution`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        patches = np.ascontiguousarray(x.detach()[:, 0].numpy())  # (B, S, S)
        kernels = np.ascontiguousarray(weight.detach()[:, 0].permute(1, 2, 0).numpy())  # (k, k, C)
        n, size, _ = patches.shape
        out = np.empty((n, size // 2, size // 2, len(weight)), np.float32)
        places = np.empty(out.shape, np.uint8)
        given = kernels, bias.detach().numpy()
        in_threads(lambda part: convolve_and_pool(patches[part], *given, out[part], places[part]), n)
        ctx.patches, ctx.places, ctx.width_px = patches, places, weight.shape[-1]
        return _maps(out)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor, Tensor]:
        given, places, patches = _rows(gradient), ctx.places, ctx.patches
        sums = np.empty((len(patches), ctx.width_px**2 + 1, given.shape[-1]), np.float32)
        in_threads(
            lambda part: gradients_of_kernels(patches[part], given[part], places[part], sums[part]), len(patches)
        )
        total = _over_patches(sums).float()  # (k k + 1, C)
        return None, total[:-1].T.reshape(-1, 1, ctx.width_px, ctx.width_px), total[-1]


class _PooledNorm(torch.autograd.Function):
    """`pooled_norm`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
        maps = _rows(x)  # (B, H, W, C)
        n, height, width, n_maps = maps.shape
        flat, sums = maps.reshape(n, -1, n_maps), np.empty((n, 2, n_maps))
        in_threads(lambda part: sums_of_maps(flat[part], sums[part]), n)
        mean, square = (_over_patches(sums) / (n * height * width)).unbind()  # (C,) each, float64
        variance = (square - mean.square()).clamp(min=0)
        ctx.mean, ctx.inverse = mean.float(), (variance + eps).rsqrt()
        ctx.scale = (weight * ctx.inverse).float()
        shift = (bias - mean * ctx.scale).float()
        ctx.maps = maps
        maxima, ctx.chosen, ctx.places = _scale_and_pool(maps, ctx.scale.numpy(), shift.numpy())
        narrow = variance.float()
        ctx.mark_non_differentiable(ctx.mean, narrow)
        return _maps(maxima), ctx.mean, narrow

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        given, maps = _rows(gradient), ctx.maps
        n, height, width, n_maps = maps.shape
        flat, chosen, sums = given.reshape(n, -1, n_maps), ctx.chosen.reshape(n, -1, n_maps), np.empty((n, 2, n_maps))
        mean = ctx.mean.numpy()
        in_threads(lambda part: sums_of_gradients(flat[part], chosen[part], mean, sums[part]), n)
        total, moment = _over_patches(sums).unbind()  # (C,) each, float64
        share = ctx.scale / (n * height * width)
        common, slope = (share * total).float(), (share * moment * ctx.inverse.square()).float()
        of_maps = np.empty_like(maps)
        numbers = mean, ctx.scale.numpy(), common.numpy(), slope.numpy()
        in_threads(
            lambda part: gradients_of_maps(maps[part], given[part], ctx.places[part], *numbers, of_maps[part]), n
        )
        return _maps(of_maps), (moment * ctx.inverse).float(), total.float(), None


def _scale_and_pool(maps: Array, scale: Array, shift: Array) -> tuple[Array, Array, Array]:
    """Return the maxima of ``scale x + shift`` over 2 x 2 places, the x that they came from, and which of the four."""
    n, height, width, n_maps = maps.shape
    maxima, chosen = (np.empty((n, height // 2, width // 2, n_maps), np.float32) for _ in range(2))
    places = np.empty(maxima.shape, np.uint8)
    in_threads(
        lambda part: scale_and_pool(maps[part], scale, shift, maxima[part], chosen[part], places[part]), len(maps)
    )
    return maxima, chosen, places


def _over_patches(sums: Array) -> Tensor:
    """Return the sum of what patches have each for itself, in float64."""
    return torch.from_numpy(sums).sum(0, dtype=torch.float64)


def _rows(x: Tensor) -> Array:
    """Return maps (B, C, H, W) as an array (B, H, W, C), without a copy where they are laid out so."""
    laid_out = x.detach().float().contiguous(memory_format=torch.channels_last)
    return np.ascontiguousarray(laid_out.permute(0, 2, 3, 1).numpy())


def _maps(rows: Array) -> Tensor:
    """Return an array (B, H, W, C) as maps (B, C, H, W), without a copy."""
    return torch.from_numpy(rows).permute(0, 3, 1, 2)
