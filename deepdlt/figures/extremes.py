"""The patches that a model reconstructs worst and best, and where in which image they lie."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from deepdlt.figures.style import TEXT_PT, figure_png, wrapped
from deepdlt.figures.tiles import (
    GAP_PX,
    LINE_PX,
    TileRow,
    Tiles,
    draw_tiles,
    end_of_errors,
    error_tiles,
    grey_tiles,
    unit_images,
)

TILE_PX, NOTE_PX = 160, 480
PLACE_GREY, EDGE_GREY = 214, 60
PATCH_RGB = (0xD5, 0x5E, 0x00)
LEAST_MARK_PX = 7


@dataclass(frozen=True)
class PlacedPatch:
    """A patch, its reconstruction and its place.

    Attributes
    ----------
    original, reconstruction : array_like, shape (S, S) or (1, S, S)
        On the run's target range.
    image : str
        Path or name of its image.
    origin_row, origin_col : int
        Top left corner in the image, px.
    height_px, width_px : int
        Size of the image, px.
    notes : sequence of str
        Further lines: its error, label values.
    """

    original: ArrayLike
    reconstruction: ArrayLike
    image: str
    origin_row: int
    origin_col: int
    height_px: int
    width_px: int
    notes: Sequence[str] = field(default_factory=tuple)


def extremes_figure(
    worst: Sequence[PlacedPatch], best: Sequence[PlacedPatch], *, target_range: str = "unit", title: str = ""
) -> bytes:
    """Draw patches one below the other: original, reconstruction, error, place in the image, and what is known.

    All grey images share one scale, all errors another.

    Parameters
    ----------
    worst, best : sequence of PlacedPatch
        The extreme one first.
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
        If there is no patch or shapes differ.
    """
    patches = [*worst, *best]
    given = _stack([patch.original for patch in patches], target_range)
    back = _stack([patch.reconstruction for patch in patches], target_range)
    error = np.abs(given - back)
    end = end_of_errors(error)
    drawn = (grey_tiles(given, tile_px=TILE_PX), grey_tiles(back, tile_px=TILE_PX))
    columns = (*drawn, error_tiles(error, end=end, tile_px=TILE_PX))
    ranks = [f"{word} {rank}" for word, part in (("worst", worst), ("best", best)) for rank in range(1, len(part) + 1)]
    rows = []
    for number, (patch, rank) in enumerate(zip(patches, ranks, strict=True)):
        place = place_tile(patch, size_px=given.shape[1], edge_px=columns[0].shape[1])
        tiles = np.stack([*(tiles[number] for tiles in columns), place])  # (4, E, E, 3)
        heads = () if number else ("original", "reconstruction", "absolute error", "place in image")
        rows.append(TileRow(tiles, rank, heads, _note(patch, columns[0].shape[1])))
    return figure_png(draw_tiles(rows, title=title, note_px=NOTE_PX, errors_end=end), is_exact=True)


def place_tile(patch: PlacedPatch, *, size_px: int, edge_px: int) -> Tiles:
    """Draw an image as an empty frame, to scale, with the patch in it.

    Parameters
    ----------
    patch : PlacedPatch
    size_px : int
        Edge of the patch, px of the image.
    edge_px : int
        Edge of the tile, px of the picture.

    Returns
    -------
    ndarray of uint8, shape (E, E, 3)
    """
    tile = np.full((edge_px, edge_px, 3), 255, np.uint8)
    scale = (edge_px - 2) / max(patch.height_px, patch.width_px)
    height, width = max(3, round(scale * patch.height_px)), max(3, round(scale * patch.width_px))
    top, left = (edge_px - height) // 2, (edge_px - width) // 2
    tile[top : top + height, left : left + width] = EDGE_GREY
    tile[top + 1 : top + height - 1, left + 1 : left + width - 1] = PLACE_GREY
    edge = max(LEAST_MARK_PX, round(scale * size_px))
    row = top + min(round(scale * patch.origin_row), max(0, height - edge))
    column = left + min(round(scale * patch.origin_col), max(0, width - edge))
    tile[row : row + edge, column : column + edge] = PATCH_RGB
    return tile


def _note(patch: PlacedPatch, edge_px: int) -> str:
    """Return what is known of a patch, in as many lines as its row is high."""
    folder, slash, name = patch.image.rpartition("/")
    known = [f"{folder}{slash}", name, f"row {patch.origin_row}, column {patch.origin_col}", *patch.notes]
    lines = [wrapped(line, NOTE_PX - 3 * GAP_PX, size_pt=TEXT_PT) for line in known if line]
    return "\n".join("\n".join(lines).splitlines()[: edge_px // LINE_PX])


def _stack(images: Sequence[ArrayLike], target_range: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return patches on [0, 1], (n, S, S)."""
    arrays = [np.squeeze(np.asarray(image, np.float64)) for image in images]
    if len({array.shape for array in arrays}) > 1:
        raise ValueError(f"patches differ in shape: {sorted({array.shape for array in arrays})}")
    return unit_images(np.array(arrays), target_range)
