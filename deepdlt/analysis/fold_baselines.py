"""What could be had on a fold's held-out patches without a network."""

from collections.abc import Mapping

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from deepdlt.analysis.pca import PCA_COUNTS, PatchPca, fit_pca, gain_offset
from deepdlt.quality.baselines import clip_floor_mse, flat_mse
from deepdlt.training.patchset import normalised
from deepdlt.training.target_ranges import TARGET_RANGES

CHUNK = 2048

BASELINE_SCHEMA: dict[str, type[pl.DataType]] = {
    "split": pl.String,
    "target_range": pl.String,
    "n_patches": pl.Int32,
    **dict.fromkeys(("floor_mse", "flat_mse", "flat_reachable_mse", "gain_offset_mse"), pl.Float64),
    **{f"pca_{count}_mse": pl.Float64 for count in PCA_COUNTS},
}


def measure_fold(train: NDArray[np.uint8], held_out: Mapping[str, NDArray[np.uint8]]) -> pl.DataFrame:
    """Measure floor, flat patch, gain and offset, and PCA on each held-out side, in both target ranges.

    Parameters
    ----------
    train : ndarray of uint8, shape (N, S, S)
        Training patches; what is fitted is fitted on them. At least two.
    held_out : mapping of str to ndarray of uint8, shape (n, S, S)
        Patches of each side, e.g. ``val`` and ``test``; at least one each.

    Returns
    -------
    polars.DataFrame
        One row per side and target range, with the columns of `BASELINE_SCHEMA`: means over
        patches, in the target range. PCA with more components than the training patches vary in is
        null.

    Raises
    ------
    ValueError
        If there are fewer than two training patches or none on a side.
    """
    empty = sorted(split for split, patches in held_out.items() if not len(patches))
    if empty:
        raise ValueError(f"there is no patch to measure on side {', '.join(empty)}: leave it out")
    pca = fit_pca(train, n_components=max(PCA_COUNTS), target_range="unit")
    rows = []
    for split, patches in held_out.items():
        without_clipping = _fitted(pca, patches)
        for target_range, (low, high) in TARGET_RANGES.items():
            # Errors of what is not clipped scale with the range: signed is twice as wide as unit.
            fitted = {name: value * (high - low) ** 2 for name, value in without_clipping.items()}
            named = {"split": split, "target_range": target_range, "n_patches": len(patches)}
            rows.append(named | _reachable(patches, target_range) | fitted)
    return pl.DataFrame(rows, schema=BASELINE_SCHEMA)


def _fitted(pca: PatchPca, patches: NDArray[np.uint8]) -> dict[str, float]:
    """Return the mean error of the mean patch with gain and offset, and of PCA, on [0, 1]."""
    shape = (pca.size_px, pca.size_px)
    adapted = gain_offset(patches, pca.mean.reshape(shape), target_range="unit")
    counts = [count for count in PCA_COUNTS if count <= pca.n_components]
    errors = pca.mse(patches, counts=counts)
    return {
        "gain_offset_mse": float(adapted.mse.mean()),
        **{f"pca_{count}_mse": float(error.mean()) for count, error in errors.items()},
    }


def _reachable(patches: NDArray[np.uint8], target_range: str) -> dict[str, float]:
    """Return floor and flat patches in one target range."""
    sums = np.zeros(3)
    for start in range(0, len(patches), CHUNK):
        part = torch.from_numpy(np.array(patches[start : start + CHUNK])).unsqueeze(1)  # (n, 1, S, S)
        target = normalised(part, target_range)
        found = (clip_floor_mse(target), flat_mse(target), flat_mse(target, low=0.0, high=1.0))
        sums += [float(each.sum()) for each in found]
    return dict(zip(("floor_mse", "flat_mse", "flat_reachable_mse"), (sums / len(patches)).tolist(), strict=True))
