"""The frames of a survey: their columns and types are those of the lake's tables."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from deepdlt.sheets.field_of_view import pixel_size_nm
from deepdlt.sheets.spec import SheetSpec
from deepdlt.source.examine import ExaminedImage
from deepdlt.source.settle import LabelledImage

_IMAGES = {
    "image_id": pl.String,
    "height_px": pl.Int32,
    "width_px": pl.Int32,
    "file_format": pl.String,
    "source_mode": pl.String,
}
_SOURCES = {"path": pl.String, "file_digest": pl.String, "n_bytes": pl.Int64, "image_id": pl.String}
_LABELS = {
    "image_id": pl.String,
    "name": pl.String,
    "sheet": pl.String,
    "sheet_row": pl.Int32,
    "row_digest": pl.String,
    "pixel_size_nm": pl.Float64,
}


def image_frame(images: Sequence[ExaminedImage]) -> pl.DataFrame:
    """Return one row per image content.

    Parameters
    ----------
    images : sequence of ExaminedImage
        One per content.

    Returns
    -------
    polars.DataFrame
        image_id, height_px, width_px, file_format, source_mode.
    """
    rows = [
        (item.image.image_id, item.image.height_px, item.image.width_px, item.file_format, item.source_mode)
        for item in images
    ]
    return pl.DataFrame(rows, schema=_IMAGES, orient="row")


def source_frame(images: Sequence[ExaminedImage]) -> pl.DataFrame:
    """Return one row per usable file.

    Parameters
    ----------
    images : sequence of ExaminedImage
        One per file.

    Returns
    -------
    polars.DataFrame
        path, file_digest, n_bytes, image_id.
    """
    rows = [(item.source.path, item.file_digest, item.n_bytes, item.image.image_id) for item in images]
    return pl.DataFrame(rows, schema=_SOURCES, orient="row")


def label_frame(images: Sequence[LabelledImage], spec: SheetSpec, sheet: str) -> pl.DataFrame:
    """Return one row per usable image.

    Parameters
    ----------
    images : sequence of LabelledImage
        One per image.
    spec : SheetSpec
        What the sheet means.
    sheet : str
        Path of the sheet relative to the source.

    Returns
    -------
    polars.DataFrame
        image_id, name, sheet, sheet_row, row_digest, pixel_size_nm, then the sheet's columns.
    """
    rows: list[dict[str, Any]] = [
        {
            **item.row,
            "image_id": item.image_id,
            "sheet": sheet,
            "pixel_size_nm": pixel_size_nm(item.row, spec=spec, width_px=item.examined.image.width_px),
        }
        for item in images
    ]
    return pl.DataFrame(rows, schema={**_LABELS, **spec.dtypes})
