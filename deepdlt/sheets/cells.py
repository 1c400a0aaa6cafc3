"""The cells of a label sheet as text, row by row as the spreadsheet counts them.

Text, because one bad cell must not change how the others of its column are read.
"""

import csv
import io
import zipfile
from pathlib import Path

import fastexcel
import polars as pl

from deepdlt.errors import DeepdltError

SHEET_SUFFIXES = frozenset({".xlsx", ".csv"})
"""Suffixes of the sheets that are read, lower case."""

MAX_ROWS = 100_000
"""Rows of a sheet up to the last that is not blank: five hundred times as many as the report's data set has."""

MAX_BYTES = 2**28
"""Size of a sheet, unpacked: 256 MiB."""

Cells = tuple[str | None, ...]

_UNREADABLE = (
    OSError,
    UnicodeDecodeError,
    zipfile.BadZipFile,
    pl.exceptions.PolarsError,
    fastexcel.FastExcelError,
)
"""What a file that is no such sheet raises."""

_QUOTES = (
    "a cell that begins with a quotation mark must end with one and double those between: mend it there, or save the "
    "sheet again as .xlsx"
)


class SheetUnreadable(DeepdltError):
    """The label sheet cannot be read as a table."""

    def __init__(self, path: Path, reason: str, remedy: str = "") -> None:
        self.path = path
        self.reason = reason
        remedy = remedy or "save it again as .xlsx or as UTF-8 CSV with the separator that its declaration names"
        super().__init__(f"the label sheet {path} cannot be read: {reason}; {remedy}")


class SheetTooLarge(DeepdltError):
    """The label sheet is larger than any that is read."""

    def __init__(self, path: Path, found: str) -> None:
        self.path = path
        self.found = found
        super().__init__(
            f"the label sheet {path} has {found}; at most {MAX_ROWS} rows and {MAX_BYTES // 2**20} MiB, unpacked, are "
            "read: is it the label sheet? Take out what is not a label, or share the images out to several folders"
        )


def read_cells(path: Path, *, csv_separator: str = ",") -> list[Cells]:
    """Return every row of a sheet up to the last that is not blank, as stripped text.

    Parameters
    ----------
    path : Path
        An ``.xlsx`` file, of which the first worksheet counts, or a UTF-8 ``.csv`` file.
    csv_separator : str
        One character between the cells of a CSV file.

    Returns
    -------
    list of tuple of str or None
        Row 1 of the sheet first; None for a blank cell. All rows are equally long.

    Raises
    ------
    SheetUnreadable
        If the file is missing, broken, encrypted, not UTF-8 or of another kind.
    SheetTooLarge
        If it has more rows or bytes than are read.
    """
    try:
        _refuse_large(path)
        frame = _read_csv(path, csv_separator) if path.suffix.lower() == ".csv" else _read_xlsx(path)
    except _UNREADABLE as error:
        raise SheetUnreadable(path, " ".join(str(error).split())) from error
    frame = _without_blank_end(frame.select(pl.all().str.strip_chars()))
    if frame.height > MAX_ROWS:
        raise SheetTooLarge(path, f"{frame.height} rows")
    return [tuple(cell or None for cell in row) for row in frame.iter_rows()]


def _refuse_large(path: Path) -> None:
    """Refuse a file that is too large, or would be once it is unpacked."""
    n_bytes = path.stat().st_size
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            n_bytes = max(n_bytes, sum(part.file_size for part in archive.infolist()))
    if n_bytes > MAX_BYTES:
        raise SheetTooLarge(path, f"{n_bytes / 2**20:.0f} MiB")


def _read_xlsx(path: Path) -> pl.DataFrame:
    """Return the first worksheet as text; `skip_rows` keeps blank rows above the header."""
    return pl.read_excel(
        path,
        engine="calamine",
        has_header=False,
        infer_schema_length=0,
        drop_empty_rows=False,
        drop_empty_cols=False,
        raise_if_empty=False,
        read_options={"skip_rows": 0},
    )


def _read_csv(path: Path, separator: str) -> pl.DataFrame:
    """Return a CSV file as text, as wide as its widest row; a quotation mark inside a cell is one like any other."""
    text = path.read_text(encoding="utf-8-sig")
    n_rows = text.rstrip(f"{separator}\r\n\t ").count("\n") + 1
    if n_rows > MAX_ROWS:  # told before they are taken apart, which takes a while
        raise SheetTooLarge(path, f"{n_rows} rows")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise SheetUnreadable(path, f"line {reader.line_num}: {error}", _QUOTES) from error
    width = max((len(row) for row in rows), default=0) or 1
    filled = [row + [""] * (width - len(row)) for row in rows]
    return pl.DataFrame(filled, schema={f"column_{number}": pl.String for number in range(width)}, orient="row")


def _without_blank_end(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows up to the last that says something: a format, or a blank, may reach down to row 1,048,576."""
    if frame.is_empty():
        return frame
    is_said = frame.select(pl.any_horizontal(pl.all().str.len_bytes() > 0).fill_null(value=False)).to_series()
    said = is_said.arg_true()
    return frame.head(0 if said.is_empty() else int(said[-1]) + 1)
