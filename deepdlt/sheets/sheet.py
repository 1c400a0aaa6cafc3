"""Read a label sheet: typed rows, and a fault for every row that cannot be used."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from deepdlt.digest import digest_json
from deepdlt.errors import DeepdltError
from deepdlt.sheets.cells import Cells, SheetUnreadable, read_cells
from deepdlt.sheets.columns import normal_header
from deepdlt.sheets.spec import SheetSpec, SheetSpecInvalid, load_spec
from deepdlt.sheets.values import Value, typed_row
from deepdlt.source.faults import Fault, Remark
from deepdlt.source.names import NameUnusable, join_key

__all__ = [
    "SheetColumnsMissing",
    "SheetEmpty",
    "SheetSpec",
    "SheetSpecInvalid",
    "SheetTable",
    "SheetUnreadable",
    "load_spec",
    "read_sheet",
]


class SheetColumnsMissing(DeepdltError):
    """The sheet lacks columns that its declaration names."""

    def __init__(self, path: Path, missing: Sequence[str], found: Sequence[str]) -> None:
        self.path = path
        self.missing = tuple(missing)
        self.found = tuple(found)
        looked_at = ", of which only the first worksheet is read," if path.suffix.lower() == ".xlsx" else ""
        super().__init__(
            f"the label sheet {path}{looked_at} lacks the columns {', '.join(missing)}; it has "
            f"{', '.join(found) or 'none'}: {self._remedy()}"
        )

    def _remedy(self) -> str:
        """Say what to do: where all headers are in one cell, the separator is another than the declared one."""
        other = next((name for name in ";\t|" if len(self.found) == 1 and name in self.found[0]), None)
        if other:
            return f"its separator seems to be {other!r}: save it with the declared one, or declare `csv_separator`"
        return "rename its columns, or declare the sheet's own in a file of its own"


class SheetEmpty(DeepdltError):
    """The sheet has a header and nothing below it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"the label sheet {path} has a header and no row below it: put the labels back")


@dataclass(frozen=True)
class SheetTable:
    """A label sheet that was read.

    Attributes
    ----------
    rows : polars.DataFrame
        One row per usable row: name (as the sheet writes it), sheet_row (1-based, as the spreadsheet
        counts), row_digest (of the typed values), then the columns of ours, typed, derived ones last.
    faults : list of Fault
        Rows that were rejected.
    warnings : list of Fault
        Remarks on what was accepted.
    rejected_keys : frozenset of str
        Join keys of rejected rows that no usable row shares.
    """

    rows: pl.DataFrame
    faults: list[Fault]
    warnings: list[Fault]
    rejected_keys: frozenset[str]


@dataclass(frozen=True)
class _Row:
    """One row on its way: where it stands, what it names, what it says, what is wrong with it."""

    number: int
    name: str
    key: str | None
    text_digest: str
    values: dict[str, Value]
    remarks: list[Remark]

    @property
    def row_digest(self) -> str:
        return digest_json(self.values)


def read_sheet(path: Path, *, spec: SheetSpec, shown_as: str | None = None) -> SheetTable:
    """Read a label sheet as its declaration says.

    The header is the first row that is not blank. Blank rows and columns without header are
    ignored; declared columns may stand in any order. Of rows that name the same image, equal ones
    count once and contradicting ones not at all.

    Parameters
    ----------
    path : Path
        The sheet, ``.xlsx`` (first worksheet) or ``.csv`` (UTF-8).
    spec : SheetSpec
        What its columns mean.
    shown_as : str, optional
        The sheet's path in faults; by default its name.

    Returns
    -------
    SheetTable
        Usable rows, rejected rows and remarks.

    Raises
    ------
    SheetUnreadable
        If the file is missing, broken, encrypted or not UTF-8, or if a declared header stands twice.
    SheetColumnsMissing
        If declared columns are not there; all of them are named.
    SheetEmpty
        If there is no row below the header.
    SheetTooLarge
        If it is larger than any that is read.
    """
    shown_as = path.name if shown_as is None else shown_as
    grid = read_cells(path, csv_separator=spec.csv_separator)
    start = next((index for index, cells in enumerate(grid) if any(cells)), 0)
    header = [normal_header(cell or "") for cell in grid[start]] if grid else []
    places = _find_columns(header, spec=spec, path=path)
    is_csv = path.suffix.lower() == ".csv"
    rows = [
        _read_row(cells, number=number, places=places, spec=spec, width=_width(header) if is_csv else len(header))
        for number, cells in enumerate(grid[start + 1 :], start=start + 2)
        if any(cells)
    ]
    if not rows:
        raise SheetEmpty(path)
    kept, warnings, contradicted = _settle_duplicates(rows)
    faults = [(row, remark) for row in rows for remark in row.remarks] + contradicted
    good = {row.key for row in kept}
    return SheetTable(
        rows=_frame(kept, spec),
        faults=[remark.at(f"{shown_as}#row {row.number}", digest=row.text_digest) for row, remark in faults],
        warnings=[
            *_columns_left_out(header, spec, shown_as),
            *(remark.at(f"{shown_as}#row {row.number}", digest=row.text_digest) for row, remark in warnings),
        ],
        rejected_keys=frozenset(row.key for row in rows if row.key is not None and row.key not in good),
    )


def _find_columns(header: Sequence[str], *, spec: SheetSpec, path: Path) -> dict[str, int]:
    """Return where each column of ours stands, and the image's name under `name`."""
    wanted = {"name": spec.name_header} | {column.name: column.header for column in spec.columns}
    missing = [text for text in wanted.values() if normal_header(text) not in header]
    if missing:
        raise SheetColumnsMissing(path, missing, [text for text in header if text])
    twice = [text for text in wanted.values() if header.count(normal_header(text)) > 1]
    if twice:
        remedy = "take one of the columns out, or give it another header"
        raise SheetUnreadable(path, f"the header {', '.join(twice)} stands twice", remedy)
    return {name: header.index(normal_header(text)) for name, text in wanted.items()}


def _width(header: Sequence[str]) -> int:
    """Return the number of columns up to the last one with a header."""
    return max(index for index, text in enumerate(header, start=1) if text)


def _read_row(cells: Cells, *, number: int, places: dict[str, int], spec: SheetSpec, width: int) -> _Row:
    """Return one row with its typed values and everything that is wrong with it."""
    texts = {name: cells[place] for name, place in places.items()}
    values, remarks = typed_row(texts, spec=spec)
    name, key = texts["name"] or "", None
    try:
        key = join_key(name)
    except NameUnusable as error:
        rule = "name-unusable" if name else "name-missing"
        remedy = f"Write the image's path, relative to the folder of the sheet, in {spec.name_header}."
        remarks = [Remark(rule, name, f"The image name {error.reason}.", remedy), *remarks]
    if any(cells[width:]):
        found = ", ".join(cell for cell in cells[width:] if cell)
        message = f"The row has cells beyond the last header: {found}."
        remarks.append(Remark("row-too-long", found, message, "Put cells that contain the separator in quotes."))
    return _Row(number, name, key, digest_json(texts), values, remarks)


_Placed = list[tuple[_Row, Remark]]


def _settle_duplicates(rows: Sequence[_Row]) -> tuple[list[_Row], _Placed, _Placed]:
    """Return the rows to keep, warnings on rows that repeat them, and rows that contradict each other."""
    same_image: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        if row.key is not None:
            same_image[row.key].append(row)
    kept: list[_Row] = []
    repeated: _Placed = []
    contradicted: _Placed = []
    for group in same_image.values():
        usable = [row for row in group if not row.remarks]
        numbers = ", ".join(str(row.number) for row in group)
        if len({row.row_digest for row in usable}) + len(group) - len(usable) > 1:
            message = f"Rows {numbers} name the same image and do not say the same."
            remark = Remark(
                "duplicate-row-contradicts", usable[0].name if usable else "", message, "Keep the true row."
            )
            contradicted += [(row, remark) for row in usable]
        elif usable:
            message = f"Rows {numbers} name the same image and say the same; row {group[0].number} counts."
            remark = Remark("duplicate-row", group[0].name, message, "Keep one of them.")
            kept.append(group[0])
            repeated += [(row, remark) for row in group[1:]]
    return kept, repeated, contradicted


def _columns_left_out(header: Sequence[str], spec: SheetSpec, shown_as: str) -> list[Fault]:
    """Return a warning that names the columns the declaration does not."""
    declared = {normal_header(text) for text in (spec.name_header, *(column.header for column in spec.columns))}
    others = ", ".join(sorted({text for text in header if text and text not in declared}))
    if not others:
        return []
    message = f"The sheet's declaration does not name these columns, so they are not kept: {others}."
    remark = Remark("columns-left-out", others, message, "Declare them if they are wanted.")
    return [remark.at(shown_as, digest=digest_json(list(header)))]


def _frame(rows: Sequence[_Row], spec: SheetSpec) -> pl.DataFrame:
    """Return the usable rows as a frame, in the order of the sheet."""
    schema: dict[str, type[pl.DataType]] = {
        "name": pl.String,
        "sheet_row": pl.Int32,
        "row_digest": pl.String,
        **spec.dtypes,
    }
    records = [
        {"name": row.name, "sheet_row": row.number, "row_digest": row.row_digest, **row.values}
        for row in sorted(rows, key=lambda row: row.number)
    ]
    return pl.DataFrame(records, schema=schema, orient="row")
