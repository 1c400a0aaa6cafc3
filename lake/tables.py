"""What there is to read in a lake, in words."""

import re
from typing import TYPE_CHECKING

from lake import schema, statements
from lake.sql import quote_identifier

if TYPE_CHECKING:
    import polars as pl

    from lake.store import Lake

_CREATE = re.compile(r"((?:^--[^\n]*\n)*)^CREATE TABLE (\w+)", re.MULTILINE)


def purposes() -> dict[str, str]:
    """Return what each table and view of the code is for: the comment above it in its file.

    Examples
    --------
    >>> purposes()["images"]
    'One row per distinct image content. Key: image_id.'
    """
    found = {each.name: _purpose(each.header) for each in schema.views()}
    for migration in schema.migrations():
        for comment, name in _CREATE.findall(migration.text):
            found[name] = " ".join(line.removeprefix("--").strip() for line in comment.splitlines())
    return found


def describe_tables(lake: "Lake") -> "pl.DataFrame":
    """Return one row per table and view: name, kind, rows, purpose.

    Parameters
    ----------
    lake : Lake
        Which lake.

    Returns
    -------
    polars.DataFrame
        Columns name, kind (``table`` or ``view``), rows (Int64), purpose; tables first, then by name.
    """
    import polars as pl

    told = purposes()
    listed = lake.query_rows(statements.load("tables")).rows
    counts = " UNION ALL ".join(f"SELECT count(*) FROM {quote_identifier(name)}" for name, _ in listed)  # noqa: S608
    n_rows = [n for (n,) in lake.query_rows(counts).rows]
    rows = [(name, kind, n, told.get(name, "")) for (name, kind), n in zip(listed, n_rows, strict=True)]
    schema_ = {"name": pl.String, "kind": pl.String, "rows": pl.Int64, "purpose": pl.String}
    return pl.DataFrame(rows, schema=schema_, orient="row")


def _purpose(header: str) -> str:
    """Return a header's first paragraph, up to its grain."""
    return header.partition("\nGrain:")[0].removeprefix("Purpose: ").replace("\n", " ")
