"""Patches, what a model gives back, and the error."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from deepdlt.figures.style import figure_png
from deepdlt.figures.tiles import (
    Images,
    TileRow,
    draw_tiles,
    end_of_errors,
    error_tiles,
    grey_tiles,
    unit_images,
)

FOLD_TILE_PX = 96
"""Least edge of a tile where many folds stand below each other, px."""


@dataclass(frozen=True)
class FoldExamples:
    """A few patches of a fold and what its model gives back.

    Attributes
    ----------
    name : str
        E.g. ``fold 3``.
    originals, reconstructions : array_like, shape (n, S, S) or (n, 1, S, S)
        On the run's target range.
    captions : sequence of str
        One a patch.
    """

    name: str
    originals: ArrayLike
    reconstructions: ArrayLike
    captions: Sequence[str] = ()


def reconstruction_figure(
    originals: ArrayLike,
    reconstructions: ArrayLike,
    *,
    target_range: str = "unit",
    captions: Sequence[str] = (),
    title: str = "",
) -> bytes:
    """Draw originals, their reconstructions and the absolute error, one patch a column.

    All grey images share one scale, black to white; all errors share another, whose end is the
    99.5th percentile of the errors shown.

    Parameters
    ----------
    originals, reconstructions : array_like, shape (n, S, S) or (n, 1, S, S)
        On the run's target range.
    target_range : str
        ``signed`` or ``unit``; signed images are drawn and subtracted on [0, 1], by ``(x + 1) / 2``.
    captions : sequence of str
        One above each column, e.g. label values; empty for none.
    title : str
        Above all; empty for none.

    Returns
    -------
    bytes
        PNG file.

    Raises
    ------
    ValueError
        If there is no patch, the shapes differ, or the captions are not one a patch.
    """
    given, back = _pairs(originals, reconstructions, target_range, captions)
    error = np.abs(given - back)
    end = end_of_errors(error)
    rows = [
        TileRow(grey_tiles(given), "original", captions),
        TileRow(grey_tiles(back), "reconstruction"),
        TileRow(error_tiles(error, end=end), "absolute error"),
    ]
    return figure_png(draw_tiles(rows, title=title, errors_end=end), is_exact=True)


def fold_reconstructions_figure(folds: Sequence[FoldExamples], *, target_range: str = "unit", title: str = "") -> bytes:
    """Draw patches of several folds beside what the fold's own model gives back, one fold a row.

    All images share one grey scale, black to white.

    Parameters
    ----------
    folds : sequence of FoldExamples
        At least one, in order.
    target_range : str
        ``signed`` or ``unit``.
    title : str
        Above all; empty for none.

    Returns
    -------
    bytes
        PNG file.

    Raises
    ------
    ValueError
        If there is no fold or a fold has no patch, shapes differ, or the captions are not one a patch.
    """
    if not folds:
        raise ValueError("there is no fold to draw")
    rows = []
    for fold in folds:
        given, back = _pairs(fold.originals, fold.reconstructions, target_range, fold.captions)
        size = given.shape[1]
        pairs = np.stack([given, back], 1).reshape(-1, size, size)  # (n, 2, S, S) -> (2 n, S, S)
        rows.append(TileRow(grey_tiles(pairs, tile_px=FOLD_TILE_PX), fold.name, fold.captions))
    return figure_png(draw_tiles(rows, title=title, together=2), is_exact=True)


def _pairs(
    originals: ArrayLike, reconstructions: ArrayLike, target_range: str, captions: Sequence[str]
) -> tuple[Images, Images]:
    """Return both on [0, 1], once they are seen to fit each other and the captions."""
    given, back = unit_images(originals, target_range), unit_images(reconstructions, target_range)
    if given.shape != back.shape:
        raise ValueError(f"originals and reconstructions differ in shape: {given.shape} and {back.shape}")
    if captions and len(captions) != len(given):
        raise ValueError(f"{len(captions)} captions do not fit {len(given)} patches")
    return given, back
