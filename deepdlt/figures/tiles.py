"""Patches set side by side like tiles; every pixel of a patch is a square of whole pixels of the picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from deepdlt.figures.style import DPI, PX_PER_PT, TEXT_PT, TITLE_PT, wrapped
from deepdlt.training.target_ranges import range_bounds

ERROR_MAP = "inferno"
ERROR_TOP = 0.995
"""Quantile of the errors that a colour scale ends at: one bright pixel must not darken the rest."""

TILE_PX, MOST_PX = 160, 256
GAP_PX, WIDE_GAP_PX, MARGIN_PX, LEAST_WIDTH_PX = 6, 28, 12, 580
LINE_PX = round(1.25 * TEXT_PT * PX_PER_PT)
"""From one line of text to the next."""

BAR_PX, BAR_WIDTH_PX = 64, 200
"""Room for the scale of error maps below all rows, and its length."""

Images = NDArray[np.float64]
Tiles = NDArray[np.uint8]
"""Shape (C, E, E, 3): as they stand in the picture."""


@dataclass(frozen=True)
class TileRow:
    """A row of tiles.

    Attributes
    ----------
    tiles : ndarray of uint8, shape (C, E, E, 3)
    name : str
        At its left; empty for none.
    captions : sequence of str
        Above the tiles: one for each, or one for each group of tiles; empty for none.
    note : str
        At its right; lines stay as they are.
    """

    tiles: Tiles
    name: str = ""
    captions: Sequence[str] = ()
    note: str = ""


def unit_images(images: ArrayLike, target_range: str = "unit") -> Images:
    """Return patches on [0, 1].

    Parameters
    ----------
    images : array_like, shape (n, S, S) or (n, 1, S, S)
        On the target range.
    target_range : str
        ``signed`` or ``unit``.

    Returns
    -------
    ndarray of float64, shape (n, S, S)

    Raises
    ------
    ValueError
        If there is no patch, or the shape or the range is another.
    """
    array = np.asarray(images, dtype=np.float64)
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]  # (n, 1, S, S) -> (n, S, S)
    if array.ndim != 3 or len(array) == 0:
        raise ValueError(f"images must have shape (n, S, S) or (n, 1, S, S) with n at least 1, got {array.shape}")
    low, high = range_bounds(target_range)
    return (array - low) / (high - low)


def end_of_errors(errors: Images) -> float:
    """Return where the one colour scale of error maps ends: the 99.5th percentile, one grey level of 255 at least.

    Parameters
    ----------
    errors : ndarray of float64
        All errors that share the scale, 1 = black to white.
    """
    return max(float(np.quantile(errors, ERROR_TOP)), 1 / 255)


def grey_tiles(images: Images, *, tile_px: int = TILE_PX) -> Tiles:
    """Return patches as tiles on one grey scale, 0 black and 1 white.

    Parameters
    ----------
    images : ndarray of float64, shape (C, S, S)
    tile_px : int
        Least edge of a tile, px; it becomes the next multiple of S.
    """
    grey = np.rint(255 * np.clip(_enlarged(images, tile_px), 0, 1)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)  # (C, E, E) -> (C, E, E, 3)


def error_tiles(errors: Images, *, end: float, tile_px: int = TILE_PX) -> Tiles:
    """Return absolute errors as tiles on one colour scale.

    Parameters
    ----------
    errors : ndarray of float64, shape (C, S, S)
    end : float
        Error of the brightest colour.
    tile_px : int
        Least edge of a tile, px; it becomes the next multiple of S.
    """
    colours = mpl.colormaps[ERROR_MAP](np.clip(_enlarged(errors, tile_px) / end, 0, 1), bytes=True)
    return np.asarray(colours, np.uint8)[..., :3]


def draw_tiles(
    rows: Sequence[TileRow],
    *,
    title: str = "",
    together: int = 1,
    note_px: int = 0,
    errors_end: float | None = None,
) -> Figure:
    """Set rows of tiles below each other.

    Parameters
    ----------
    rows : sequence of TileRow
        Tiles of one size; rows may differ in length.
    title : str
        Above all; empty for none.
    together : int
        Tiles that belong together; the gap after them is wider.
    note_px : int
        Room for notes at the right, px.
    errors_end : float, optional
        Where there are error maps: the end of their scale, which is drawn below all.

    Returns
    -------
    matplotlib.figure.Figure
    """
    edge = rows[0].tiles.shape[1]
    n_columns = max(len(row.tiles) for row in rows)
    left = MARGIN_PX + LINE_PX * max(row.name.count("\n") + bool(row.name) for row in rows)
    right = left + _offset(n_columns - 1, edge, together) + edge
    width = max(right + note_px + MARGIN_PX, LEAST_WIDTH_PX)
    heading = wrapped(title, width)
    top = MARGIN_PX + round(heading.count("\n") + bool(heading)) * round(LINE_PX * TITLE_PT / TEXT_PT)
    heights = [LINE_PX * _n_lines(row) + edge + GAP_PX for row in rows]
    height = top + sum(heights) + MARGIN_PX + (BAR_PX if errors_end else 0)
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    if heading:
        figure.text(
            0.5, 1 - MARGIN_PX / height / 2, heading, ha="center", va="top", fontsize=TITLE_PT, parse_math=False
        )
    for row, place in zip(rows, np.cumsum([top, *heights[:-1]]), strict=True):
        _draw_row(figure, row, left=left, top=int(place), together=together, right=right)
    if errors_end:
        _draw_scale(figure, errors_end, left=left)
    return figure


def _draw_row(figure: Figure, row: TileRow, *, left: int, top: int, together: int, right: int) -> None:
    """Draw one row: name, captions, tiles, note; places count from the top left corner, px."""
    width, height = figure.get_size_inches() * DPI
    edge = row.tiles.shape[1]
    top += LINE_PX * _n_lines(row)
    middle = 1 - (top + edge / 2) / height
    for column, tile in enumerate(row.tiles):
        figure.figimage(tile, left + _offset(column, edge, together), round(height - top - edge), origin="upper")
    span = together if len(row.captions) * together == len(row.tiles) else 1
    for place, caption in enumerate(row.captions):
        start, end = _offset(place * span, edge, together), _offset((place + 1) * span - 1, edge, together) + edge
        x, y = (left + (start + end) / 2) / width, 1 - (top - GAP_PX) / height
        figure.text(x, y, caption, ha="center", va="baseline", fontsize=TEXT_PT, linespacing=1.15, parse_math=False)
    if row.name:
        figure.text(
            MARGIN_PX / 2 / width,
            middle,
            row.name,
            ha="left",
            va="center",
            rotation=90,
            ma="center",
            fontsize=TEXT_PT,
            parse_math=False,
        )
    if row.note:
        figure.text(
            (right + 3 * GAP_PX) / width, middle, row.note, ha="left", va="center", fontsize=TEXT_PT, parse_math=False
        )


def _draw_scale(figure: Figure, end: float, *, left: int) -> None:
    """Draw the scale of the error maps below all rows."""
    width, height = figure.get_size_inches() * DPI
    axes = figure.add_axes((left / width, (BAR_PX - 24) / height, BAR_WIDTH_PX / width, 16 / height))
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, end), ERROR_MAP), cax=axes, orientation="horizontal", extend="max"
    )
    bar.locator = mpl.ticker.MaxNLocator(3)
    bar.ax.tick_params(labelsize=TEXT_PT)
    place = (left + BAR_WIDTH_PX + WIDE_GAP_PX) / width, (BAR_PX - 16) / height
    figure.text(*place, "error, 1 = black to white", va="center", fontsize=TEXT_PT)


def _n_lines(row: TileRow) -> int:
    """Return the lines of text that stand above a row."""
    return max((caption.count("\n") + 1 for caption in row.captions), default=0)


def _offset(column: int, edge: int, together: int) -> int:
    """Return where a column starts, px from the first one's start."""
    return column * (edge + GAP_PX) + (column // together if together > 1 else 0) * (WIDE_GAP_PX - GAP_PX)


def _enlarged(images: Images, tile_px: int) -> Images:
    """Return images whose pixels are squares of whole pixels; larger ones than `MOST_PX` are averaged down."""
    while images.shape[1] > MOST_PX and images.shape[1] % 2 == 0:
        n, size, _ = images.shape
        images = images.reshape(n, size // 2, 2, size // 2, 2).mean((2, 4))  # (n, S, S) -> (n, S/2, S/2)
    times = max(1, -(-tile_px // images.shape[1]))
    return images.repeat(times, axis=1).repeat(times, axis=2)  # (n, S, S) -> (n, E, E)
