"""Rows of a query, written for people or for programs."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from deployments.errors import WrongUse

Format = Literal["table", "csv", "json", "parquet"]
Rows = Sequence[Sequence[Any]]


def as_text(value: Any) -> str:
    """Return a cell as people read it.

    Examples
    --------
    >>> as_text(None), as_text(0.30000000000000004), as_text(3)
    ('', '0.3', '3')
    """
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def render_table(columns: Sequence[str], rows: Rows) -> str:
    """Return rows in columns; numbers to the right, a line with the count below.

    Examples
    --------
    >>> print(render_table(["label", "n"], [("NP", 5), ("angle", 15)]))
    label   n
    -----  --
    NP      5
    angle  15
    (2 rows)
    """
    cells = [[as_text(value).replace("\n", " ") for value in row] for row in rows]
    widths = [max(len(line[place]) for line in [columns, *cells]) for place in range(len(columns))]
    is_number = [
        bool(rows) and all(isinstance(row[place], (int, float, type(None))) for row in rows)
        for place in range(len(columns))
    ]

    def line(texts: Sequence[str]) -> str:
        padded = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(texts, widths, is_number, strict=True)
        ]
        return "  ".join(padded).rstrip()

    count = f"({len(rows)} row{'' if len(rows) == 1 else 's'})"
    return "\n".join([line(columns), line(["-" * width for width in widths]), *map(line, cells), count])


def render_csv(columns: Sequence[str], rows: Rows) -> str:
    """Return rows as CSV with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().rstrip("\n")


def render_json(columns: Sequence[str], rows: Rows) -> str:
    """Return rows as a JSON list of objects; times and the like as text."""
    return json.dumps([dict(zip(columns, row, strict=True)) for row in rows], default=str, indent=1)


def render(form: Format, columns: Sequence[str], rows: Rows) -> str:
    """Return rows in a form that is text.

    Raises
    ------
    WrongUse
        If the form is none that fits a terminal.
    """
    if form == "parquet":
        raise WrongUse("--format parquet needs a file: add --output FILE.parquet")
    return {"table": render_table, "csv": render_csv, "json": render_json}[form](columns, rows)


def write(form: Format, columns: Sequence[str], rows: Rows, target: Path) -> None:
    """Write rows to a file."""
    if form != "parquet":
        target.write_text(render(form, columns, rows) + "\n", encoding="utf-8")
        return
    import polars as pl

    frame = pl.DataFrame(list(rows), schema=list(columns), orient="row", infer_schema_length=None)
    frame.write_parquet(target)
