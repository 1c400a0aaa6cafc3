"""Batches of patches and the scale of their grey levels."""

import torch
from torch import Tensor

from deepdlt.training.target_ranges import range_bounds

HALF_TYPES = frozenset({torch.float16, torch.bfloat16})


def check_patches(patches: Tensor) -> None:
    """Refuse what is no batch of patches.

    Parameters
    ----------
    patches : Tensor of float, shape (B, 1, S, S)

    Raises
    ------
    ValueError
        If the shape is another one.
    TypeError
        If the numbers are no floats.
    """
    shape = tuple(patches.shape)
    if len(shape) != 4 or shape[1] != 1 or shape[2] != shape[3]:
        raise ValueError(f"patches must have shape (B, 1, S, S), got {shape}")
    if not patches.is_floating_point():
        raise TypeError(f"patches must be floats on their target range, got {patches.dtype}")


def to_unit(patches: Tensor, *, target_range: str) -> Tensor:
    """Map a target range to [0, 1], in float32 at least.

    Parameters
    ----------
    patches : Tensor of float, any shape
        On the target range.
    target_range : str
        ``signed`` or ``unit``.

    Returns
    -------
    Tensor, same shape
        The same tensor where there is nothing to do.

    Raises
    ------
    ValueError
        If the range is not known.
    """
    low, high = range_bounds(target_range)
    wide = widened(patches)
    return wide if (low, high) == (0, 1) else (wide - low) / (high - low)


def from_unit(patches: Tensor, *, target_range: str) -> Tensor:
    """Map [0, 1] to a target range.

    Parameters
    ----------
    patches : Tensor of float, any shape
        On [0, 1].
    target_range : str
        ``signed`` or ``unit``.

    Returns
    -------
    Tensor, same shape

    Raises
    ------
    ValueError
        If the range is not known.
    """
    low, high = range_bounds(target_range)
    return patches if (low, high) == (0, 1) else patches * (high - low) + low


def widened(values: Tensor) -> Tensor:
    """Return half-precision numbers as float32, others as they are.

    Parameters
    ----------
    values : Tensor of float, any shape

    Returns
    -------
    Tensor, same shape
    """
    return values.float() if values.dtype in HALF_TYPES else values
