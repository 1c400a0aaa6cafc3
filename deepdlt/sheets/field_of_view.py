"""Pixel size from the field of view that a sheet gives, and whether width and height agree."""

from collections.abc import Mapping
from typing import Literal

from deepdlt.sheets.spec import NANOMETRES, SheetSpec
from deepdlt.source.faults import Remark


def pixel_size_nm(values: Mapping[str, object], *, spec: SheetSpec, width_px: int) -> float | None:
    """Return the pixel size along x: field of view / image width.

    Parameters
    ----------
    values : mapping of str to value
        A typed row of the sheet.
    spec : SheetSpec
        Says which column holds the field of view, and its unit.
    width_px : int
        Width of the image, in pixels.

    Returns
    -------
    float or None
        Nanometres per pixel; None where the sheet does not say.
    """
    view_nm = _view_nm(values, spec, "x")
    return None if view_nm is None else view_nm / width_px


def height_misfit(
    values: Mapping[str, object], *, spec: SheetSpec, height_px: int, width_px: int
) -> tuple[Remark, ...]:
    """Return a remark where the field of view's height does not fit the image's.

    Pixels are square: a height that does not fit means that rows were cut off (a banner) or that
    the sheet is wrong. The pixel size is taken from the width either way.

    Parameters
    ----------
    values : mapping of str to value
        A typed row of the sheet.
    spec : SheetSpec
        Says which columns hold the field of view, their unit, and the relative tolerance.
    height_px, width_px : int
        Size of the image, in pixels.

    Returns
    -------
    tuple of Remark
        One or none.
    """
    x_nm, y_nm = _view_nm(values, spec, "x"), _view_nm(values, spec, "y")
    if spec.field_of_view is None or x_nm is None or y_nm is None:
        return ()
    rows = y_nm * width_px / x_nm
    if abs(rows - height_px) <= spec.field_of_view.tolerance * height_px:
        return ()
    message = f"The field of view is {rows:.0f} rows high at the pixel size of its width, the image {height_px}."
    remedy = "Nothing if rows were cut off, such as a banner; otherwise correct the field of view."
    return (Remark("field-of-view-mismatch", f"{y_nm / 1e3:g} um", message, remedy),)


def _view_nm(values: Mapping[str, object], spec: SheetSpec, axis: Literal["x", "y"]) -> float | None:
    """Return the field of view along an axis in nanometres."""
    name: str | None = getattr(spec.field_of_view, axis, None)
    value = None if name is None else values[name]
    return value * NANOMETRES[spec.unit_of(name)] if name and isinstance(value, (int, float)) else None
