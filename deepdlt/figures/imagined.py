"""What a variational autoencoder makes up: samples, ways from one patch to another, single numbers of the code."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from deepdlt.figures.style import figure_png
from deepdlt.figures.tiles import TileRow, draw_tiles, grey_tiles, unit_images

WALK_TILE_PX = 96


def samples_figure(samples: ArrayLike, *, target_range: str = "unit", n_columns: int = 8, title: str = "") -> bytes:
    """Draw patches side by side on one grey scale, black to white.

    Parameters
    ----------
    samples : array_like, shape (n, S, S) or (n, 1, S, S)
        On the run's target range.
    target_range : str
        ``signed`` or ``unit``.
    n_columns : int
        Patches a row, at least 1.
    title : str
        Above all; empty for none.

    Returns
    -------
    bytes
        PNG file.

    Raises
    ------
    ValueError
        If there is no patch, the shape or the range is another, or `n_columns` is below 1.
    """
    images = unit_images(samples, target_range)
    if n_columns < 1:
        raise ValueError(f"n_columns must be at least 1, got {n_columns}")
    tiles = grey_tiles(images, tile_px=WALK_TILE_PX)
    rows = [TileRow(tiles[start : start + n_columns]) for start in range(0, len(tiles), n_columns)]
    return figure_png(draw_tiles(rows, title=title), is_exact=True)


def interpolations_figure(
    starts: ArrayLike,
    ways: ArrayLike,
    ends: ArrayLike,
    *,
    shares: Sequence[float],
    names: Sequence[str] = (),
    target_range: str = "unit",
    title: str = "",
) -> bytes:
    """Draw, row by row, a patch, what the decoder makes of codes on the way to another, and that other.

    Parameters
    ----------
    starts, ends : array_like, shape (n, S, S) or (n, 1, S, S)
        Patches as they are, on the run's target range.
    ways : array_like, shape (n, steps, S, S)
        What the decoder makes of the codes between theirs, on the target range.
    shares : sequence of float, length steps
        How far each code is, 0 at the start and 1 at the end.
    names : sequence of str
        One a row; empty for none.
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
        If there is no row, or the shapes, `shares` or `names` do not fit each other.
    """
    first, last = unit_images(starts, target_range), unit_images(ends, target_range)
    between = _walks(ways, len(first), shares, names, target_range)
    rows = []
    for row in range(len(first)):
        images = np.concatenate([first[row : row + 1], between[row], last[row : row + 1]])
        captions = () if row else ["patch", *(f"{share:.0%}" for share in shares), "patch"]
        rows.append(TileRow(grey_tiles(images, tile_px=WALK_TILE_PX), names[row] if names else "", captions))
    return figure_png(draw_tiles(rows, title=title), is_exact=True)


def traversals_figure(
    walks: ArrayLike, *, steps: Sequence[float], names: Sequence[str] = (), target_range: str = "unit", title: str = ""
) -> bytes:
    """Draw, row by row, what the decoder makes of a code as one number of it runs from low to high.

    Parameters
    ----------
    walks : array_like, shape (n, steps, S, S)
        On the run's target range; one row for each number of the code.
    steps : sequence of float, length steps
        Values of that number.
    names : sequence of str
        One a row; empty for none.
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
        If there is no row, or the shapes, `steps` or `names` do not fit each other.
    """
    n_rows = len(np.asarray(walks))
    images = _walks(walks, n_rows, steps, names, target_range)
    captions = [f"{step:+.3g}" if step else "0" for step in steps]
    rows = [
        TileRow(grey_tiles(row, tile_px=WALK_TILE_PX), names[place] if names else "", () if place else captions)
        for place, row in enumerate(images)
    ]
    return figure_png(draw_tiles(rows, title=title), is_exact=True)


def _walks(
    walks: ArrayLike, n_rows: int, steps: Sequence[float], names: Sequence[str], target_range: str
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return decoded codes on [0, 1], (n, steps, S, S), once they are seen to fit."""
    array = np.asarray(walks, dtype=np.float64)
    if array.ndim != 4 or array.shape[:2] != (n_rows, len(steps)) or not array.size:
        raise ValueError(f"{n_rows} rows of {len(steps)} steps need shape (n, steps, S, S), got {array.shape}")
    if names and len(names) != n_rows:
        raise ValueError(f"{len(names)} names do not fit {n_rows} rows")
    size = array.shape[-1]
    return unit_images(array.reshape(-1, size, size), target_range).reshape(array.shape)
