"""Small patches with structure, and one thread: on a few hundred pixels a second one only waits."""

import numpy as np
import torch
from numpy.typing import NDArray

from deepdlt.training.patchset import PatchSet

torch.set_num_threads(1)


def stripes(n: int, *, size_px: int = 16, seed: int = 0) -> NDArray[np.uint8]:
    """Return n noisy stripe patterns of random period, phase and brightness, (n, S, S)."""
    rng = np.random.default_rng(seed)
    period, phase, level = rng.uniform(4, 12, (n, 1, 1)), rng.uniform(0, 6, (n, 1, 1)), rng.uniform(60, 190, (n, 1, 1))
    column = np.arange(size_px)[None, None, :]
    wave = level + 50 * np.sin(2 * np.pi * column / period + phase)  # (n, 1, S)
    return np.clip(wave + rng.normal(0, 5, (n, size_px, size_px)), 0, 255).astype(np.uint8)


def patch_set(n: int, *, size_px: int = 16, seed: int = 0) -> PatchSet:
    """Return stripes on the CPU, ready to train on."""
    return PatchSet.from_array(stripes(n, size_px=size_px, seed=seed), device="cpu")
