"""Pixels of patches, read once for all pictures of a data set."""

import functools
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lake import Lake
from lake.statements import load
from tasks.drawing.subject import RunFacts
from tasks.shared_patches import laid_out

Pixels = NDArray[np.uint8]


def pixels_of(lake: Lake, run: RunFacts, patch_ids: Sequence[str]) -> Pixels:
    """Return some patches of a run's data set.

    Parameters
    ----------
    lake : Lake
    run : RunFacts
    patch_ids : sequence of str

    Returns
    -------
    ndarray of uint8, shape (n, S, S)
        In the order asked for.
    """
    pixels, place = _data_set(lake, run.dataset_id)
    return np.asarray(pixels[[place[patch_id] for patch_id in patch_ids]])


def all_pixels(lake: Lake, run: RunFacts) -> Pixels:
    """Return all patches of a run's data set.

    Parameters
    ----------
    lake : Lake
    run : RunFacts

    Returns
    -------
    ndarray of uint8, shape (N, S, S)
        A mapped file: they may be more than memory holds.
    """
    return _data_set(lake, run.dataset_id)[0]


def patches_of_fold(lake: Lake, run: RunFacts, side: str) -> pl.DataFrame:
    """Return the patches on one side of a run's fold.

    Parameters
    ----------
    lake : Lake
    run : RunFacts
    side : {"train", "val", "test"}

    Returns
    -------
    polars.DataFrame
        ``patch_id``, ``image_id``, sorted by patch_id.
    """
    fold = lake.query(load("patches_of_fold"), [run.split_id, run.fold])
    return fold.filter(pl.col("split") == side).select("patch_id", "image_id")


@functools.lru_cache(maxsize=1)
def _data_set(lake: Lake, dataset_id: str) -> tuple[Pixels, dict[str, int]]:
    """Return all patches of a data set, in a mapped file, and which row holds which."""
    manifest = lake.query(load("placed_pixels_of_dataset"), [dataset_id])
    with laid_out(lake, manifest, size_px=manifest.item(0, "size_px")) as shared:
        pixels = shared.map()
    return pixels, {patch_id: row for row, patch_id in enumerate(manifest["patch_id"])}
