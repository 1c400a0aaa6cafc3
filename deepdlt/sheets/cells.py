"""The cells of a label sheet as text, row by row as the spreadsheet counts them.

Text, because one bad cell must not change how the others of its column are read.
"""

from pathlib import Path

import fastexcel
import polars as pl

from deepdlt.errors import DeepdltError

SHEET_SUFFIXES = frozenset({".xlsx", ".csv"})
"""Suffixes of the sheets that are read, lower case."""

Cells = tuple[str | None, ...]


class SheetUnreadable(DeepdltError):
    """The label sheet cannot be read as a table."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(
            f"the label sheet {path} cannot be read: {reason}; save it again as .xlsx or as UTF-8 CSV with the "
            "separator that its declaration names"
        )


def read_cells(path: Path, *, csv_separator: str = ",") -> list[Cells]:
    """Return every row of a sheet, blank ones too, as stripped text.

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
    """
    try:
        frame = _read_csv(path, csv_separator) if path.suffix.lower() == ".csv" else _read_xlsx(path)
    except (OSError, UnicodeDecodeError, pl.exceptions.PolarsError, fastexcel.FastExcelError) as error:
        raise SheetUnreadable(path, " ".join(str(error).split())) from error
    return [tuple(_stripped(cell) for cell in row) for row in frame.iter_rows()]


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
    """Return a CSV file as text, under a header of ours that is as wide as its widest row."""
    text = path.read_text(encoding="utf-8-sig")
    width = 1 + max((line.count(separator) for line in text.splitlines()), default=0)
    header = separator.join(f"column_{number}" for number in range(width))
    return pl.read_csv(f"{header}\n{text}".encode(), separator=separator, infer_schema=False)


def _stripped(cell: str | None) -> str | None:
    """Return a cell without the blanks around it, None if nothing is left."""
    return (cell or "").strip() or None
