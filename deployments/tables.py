"""Rows of a query, written for people or for programs."""

import csv
import io
import json
import math
from collections import Counter
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
    """Return rows as a JSON list of objects; times and the like as text, and null for what is no finite number.

    Raises
    ------
    WrongUse
        If two columns have one name: an object would hold one of them.
    """
    refuse_equal_names(columns)
    found = [dict(zip(columns, map(as_json, row), strict=True)) for row in rows]
    return json.dumps(found, default=str, indent=1, allow_nan=False)


def as_json(value: Any) -> Any:
    """Return a cell as JSON can say it: that knows no NaN and no infinity.

    Examples
    --------
    >>> as_json(float("nan")), as_json([1.5, float("inf")]), as_json("a")
    (None, [1.5, None], 'a')
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (list, tuple)):
        return [as_json(one) for one in value]
    if isinstance(value, dict):
        return {str(name): as_json(one) for name, one in value.items()}
    return value


def refuse_equal_names(columns: Sequence[str]) -> None:
    """Raise where two columns have one name.

    Raises
    ------
    WrongUse
        If so.
    """
    if twice := sorted(name for name, n in Counter(columns).items() if n > 1):
        raise WrongUse(f"more than one column is called {', '.join(twice)}: give each a name of its own (... AS NAME)")


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
    """Write rows to a file.

    Raises
    ------
    WrongUse
        If its folder is not there, or the form has no room for two columns of one name.
    """
    if not target.parent.is_dir():
        raise WrongUse(f"--output {target}: there is no folder {target.parent}")
    if form != "parquet":
        target.write_text(render(form, columns, rows) + "\n", encoding="utf-8")
        return
    refuse_equal_names(columns)
    import polars as pl

    frame = pl.DataFrame(list(rows), schema=list(columns), orient="row", infer_schema_length=None)
    frame.write_parquet(target)
