"""What the columns of a label sheet mean, declared in a TOML file and checked here.

Another lab's sheet needs another file and no code.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import polars as pl
from pydantic import Field, ValidationError, model_validator

from deepdlt.errors import DeepdltError
from deepdlt.sheets.columns import ColumnSpec, Declaration, DerivedSpec, FieldOfViewSpec, Kind, LabelSpec, normal_header

DLIP_SPEC = Path(__file__).parent / "dlip.toml"
"""The shipped declaration of the DLIP label sheet."""

NANOMETRES: Mapping[str, float] = {"nm": 1.0, "um": 1e3, "mm": 1e6}
"""Lengths a field of view may be written in."""

RESERVED = frozenset(
    {
        *("source", "image_id", "name", "sheet", "sheet_row", "row_digest", "pixel_size_nm"),
        *("patch_id", "split", "fold", "stratum", "group_id", "row", "index", "condition", "count", "sum"),
        *("loss", "kl", "mse", "psnr_db", "ssim", "psnr_paper_db", "ssim_paper", "floor_mse", "flat_mse"),
    }
)
"""Columns of a label table, and of tables that it is joined to, that are not the sheet's."""

LABEL_KEY = re.compile(r"\w[\w .+-]*")
"""What a label may be called: its key names folders and columns, too."""

RESERVED_KEYS = RESERVED | {
    *("none", "folds", "holdout", "pixel size"),  # words of ours in the place of a label
    *("shard", "shard_row", "origin_row", "origin_col", "height_px", "width_px", "x", "y", "image_path"),
}
"""Words, and columns of tables that labels are joined to, small letters: keys of labels are none of them."""

_DTYPES: Mapping[Kind, type[pl.DataType]] = {"number": pl.Float64, "integer": pl.Int64, "category": pl.String}


class SheetSpecInvalid(DeepdltError):
    """The declaration of a sheet does not hold together."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path} does not declare a label sheet: {reason}; compare it with {DLIP_SPEC}")


class SheetSpec(Declaration):
    """The meaning of one label sheet.

    Attributes
    ----------
    title : str
        What people call the sheet.
    name_header : str
        Header of the column that joins rows with images: their path relative to the sheet's folder.
    csv_separator : str
        One character; used when the sheet is a CSV file.
    columns : tuple of ColumnSpec
        Every column that is kept, in order.
    derived : tuple of DerivedSpec
        Columns made from others.
    field_of_view : FieldOfViewSpec or None
        None: no pixel size is known.
    labels : dict of str to LabelSpec
        Keys shown to people (`angle`, `PP1`) to the columns folds are stratified by.
    """

    title: str
    name_header: str = Field(min_length=1)
    csv_separator: str = Field(default=",", min_length=1, max_length=1)
    columns: tuple[ColumnSpec, ...] = Field(min_length=1)
    derived: tuple[DerivedSpec, ...] = ()
    field_of_view: FieldOfViewSpec | None = None
    labels: dict[str, LabelSpec] = Field(min_length=1)

    @property
    def _ours(self) -> tuple[ColumnSpec | DerivedSpec, ...]:
        """Every column of ours, derived ones last."""
        return (*self.columns, *self.derived)

    @property
    def kinds(self) -> dict[str, Kind]:
        """Our column names, derived ones last, with their kinds."""
        kinds = {column.name: column.kind for column in self.columns}
        return kinds | {derived.name: kinds[derived.first_of[0]] for derived in self.derived}

    @property
    def dtypes(self) -> dict[str, type[pl.DataType]]:
        """Our column names, derived ones last, with their polars types."""
        return {name: _DTYPES[kind] for name, kind in self.kinds.items()}

    @property
    def setting_columns(self) -> tuple[str, ...]:
        """Columns that say how the surface was made: all that are declared but the field of view."""
        view = self.field_of_view
        seen = set() if view is None else {view.x, view.y}
        return tuple(column.name for column in self.columns if column.name not in seen)

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        names = [item.name for item in self._ours]
        headers = [normal_header(text) for text in (self.name_header, *(column.header for column in self.columns))]
        for what, texts in (("name", names), ("header", headers)):
            twice = sorted({text for text in texts if texts.count(text) > 1})
            if twice:
                raise ValueError(f"{what} {', '.join(twice)} is declared twice")
        taken = sorted(RESERVED.intersection(names))
        if taken:
            raise ValueError(f"{', '.join(taken)} is a column of ours beside the sheet's: choose another name")
        return self

    @model_validator(mode="after")
    def _derived_columns_exist(self) -> Self:
        kinds = {column.name: column.kind for column in self.columns}
        for derived in self.derived:
            if len({kinds.get(name, name) for name in derived.first_of}) > 1 or derived.first_of[0] not in kinds:
                raise ValueError(f"{derived.name} must be the first of declared columns of one kind")
        return self

    @model_validator(mode="after")
    def _labels_can_be_stratified_by(self) -> Self:
        required = {item.name for item in self._ours if item.required}
        for key, label in self.labels.items():
            if not LABEL_KEY.fullmatch(key) or key.lower() in RESERVED_KEYS:
                raise ValueError(
                    f"label {key!r} cannot be called so: a key has letters, digits, blanks and _ . + -, begins with a "
                    f"letter, a digit or _, and is none of {', '.join(sorted(RESERVED_KEYS))}"
                )
            if label.column not in required:
                raise ValueError(f"label {key}: {label.column} is not a declared column with required = true")
            if label.kind == "number" and self.kinds[label.column] == "category":
                raise ValueError(f"label {key}: {label.column} is a category, so the label is one too")
        return self

    @model_validator(mode="after")
    def _field_of_view_is_a_length(self) -> Self:
        view = self.field_of_view
        for name in (view.x, view.y) if view else ():
            if name is not None and self.unit_of(name) not in NANOMETRES:
                raise ValueError(f"field of view: {name} must be a declared column in {', '.join(NANOMETRES)}")
        return self

    def unit_of(self, name: str) -> str:
        """Return the unit of a declared column.

        Parameters
        ----------
        name : str
            Our name of the column.

        Returns
        -------
        str
            As declared; empty where there is none.
        """
        return next((column.unit or "" for column in self.columns if column.name == name), "")


def load_spec(path: Path | None = None) -> SheetSpec:
    """Read the declaration of a label sheet.

    Parameters
    ----------
    path : Path, optional
        A TOML file; by default the one shipped for the DLIP sheet.

    Returns
    -------
    SheetSpec
        The checked declaration.

    Raises
    ------
    SheetSpecInvalid
        If the file is missing, is not TOML, or declares something that does not hold together.

    Examples
    --------
    >>> sorted(load_spec().labels)
    ['EP1', 'NP', 'PP1', 'angle']
    """
    path = DLIP_SPEC if path is None else path
    try:
        return SheetSpec.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        reasons = (f"{'.'.join(map(str, item['loc'])) or 'sheet'}: {item['msg']}" for item in error.errors())
        raise SheetSpecInvalid(path, "; ".join(reasons)) from error
    except (OSError, ValueError) as error:  # unreadable, not UTF-8, not TOML
        raise SheetSpecInvalid(path, str(error)) from error
