"""Source folders that tests may spoil."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import polars as pl


@dataclass(frozen=True)
class Source:
    """A source folder that a test may change; its sheet is a CSV file."""

    folder: Path
    sheet: Path

    def image(self, row: int) -> Path:
        """Return the image file of a sheet row; rows count from 0 below the header."""
        name = pl.read_csv(self.sheet, infer_schema=False)["Names"][row]
        return (self.sheet.parent / str(name)).with_suffix(".png")

    def set_cell(self, row: int, header: str, value: object) -> None:
        """Write one cell of the sheet."""
        frame = pl.read_csv(self.sheet, infer_schema=False)
        cells = frame[header].to_list()
        cells[row] = str(value)
        frame.with_columns(pl.Series(header, cells)).write_csv(self.sheet)

    def append_row(self, row: int, name: str) -> None:
        """Add a copy of a row under another name."""
        frame = pl.read_csv(self.sheet, infer_schema=False)
        pl.concat([frame, frame[row].with_columns(Names=pl.lit(name))]).write_csv(self.sheet)


def copy_source(synthetic: Path, folder: Path) -> Source:
    """Copy a source folder; the copy's sheet is a CSV file."""
    shutil.copytree(synthetic, folder)
    (workbook,) = folder.rglob("*.xlsx")
    sheet = workbook.with_suffix(".csv")
    pl.read_excel(workbook).write_csv(sheet)
    workbook.unlink()
    return Source(folder, sheet)
