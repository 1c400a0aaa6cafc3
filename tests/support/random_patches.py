"""Patches of noise and of waves, by seed."""

import math

import torch
from torch import Tensor

from deepdlt.training.target_ranges import range_bounds


def stream(seed: int = 0) -> torch.Generator:
    """Return a random stream."""
    return torch.Generator().manual_seed(seed)


def random_patches(n: int = 4, *, size_px: int = 16, target_range: str = "unit", seed: int = 0) -> Tensor:
    """Return patches of uniform noise that fill a range, float32."""
    low, high = range_bounds(target_range)
    return torch.rand(n, 1, size_px, size_px, generator=stream(seed)) * (high - low) + low


def wave(along_rows: int, along_columns: int, *, size_px: int = 32, mean: float = 0.5, swing: float = 0.3) -> Tensor:
    """Return one patch with a pure sinusoid of whole periods, on [0, 1]."""
    row, column = torch.meshgrid(torch.arange(size_px), torch.arange(size_px), indexing="ij")
    phase = 2 * math.pi * (along_rows * row + along_columns * column) / size_px
    return (mean + swing * torch.cos(phase + 0.4))[None, None]
