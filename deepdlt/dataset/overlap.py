"""Which held-out patches share pixels with a training patch."""

import numpy as np
from numpy.typing import NDArray

CHUNK = 2048
"""Patches of one image compared with all others at once."""


def overlaps_any(
    image: NDArray[np.int64],
    origin_row: NDArray[np.integer],
    origin_col: NDArray[np.integer],
    size_px: NDArray[np.integer],
    is_chosen: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Say of each patch whether it shares a pixel with a chosen patch of the same image.

    Parameters
    ----------
    image : ndarray of int64, shape (N,)
        Number of each patch's image.
    origin_row, origin_col : ndarray of int, shape (N,)
        Top-left corners, in pixels.
    size_px : ndarray of int, shape (N,)
        Sides, in pixels.
    is_chosen : ndarray of bool, shape (N, F)
        Which patches are chosen, F times over, e.g. the training patches of F folds.

    Returns
    -------
    ndarray of bool, shape (N, F)
        A chosen patch overlaps itself.
    """
    top, left, side = (part.astype(np.int64) for part in (origin_row, origin_col, size_px))
    found = np.zeros(is_chosen.shape, np.bool_)
    order = np.argsort(image, kind="stable")
    ends = np.flatnonzero(np.diff(image[order], append=-1)) + 1
    for start, end in zip(np.concatenate([[0], ends[:-1]]), ends, strict=True):
        every = order[start:end]
        chosen = is_chosen[every].astype(np.float32)  # (n, F)
        for first in range(0, len(every), CHUNK):
            some = every[first : first + CHUNK]
            shares_rows = _meets(top[some], side[some], top[every], side[every])
            shares_cols = _meets(left[some], side[some], left[every], side[every])
            found[some] = (shares_rows & shares_cols).astype(np.float32) @ chosen > 0
    return found


def _meets(
    start: NDArray[np.int64], length: NDArray[np.int64], other: NDArray[np.int64], other_length: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Say which of m intervals share a pixel with which of n, (m, n); touching is not sharing."""
    meets: NDArray[np.bool_] = (start[:, None] < other + other_length) & (other < (start + length)[:, None])
    return meets
