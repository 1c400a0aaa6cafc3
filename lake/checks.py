"""Does a frame fit its table? Asked before anything is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lake.errors import ColumnConflict, ColumnsMissing, ColumnsUnknown, KeyEmpty, KeyRepeated

if TYPE_CHECKING:
    import polars as pl

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_N_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its name, DuckDB type, and whether NULL is refused."""

    name: str
    kind: str
    is_required: bool


def check_columns(table: str, frame: "pl.DataFrame", columns: Sequence[Column]) -> None:
    """Raise if a frame's columns are not the table's, or would lose something on the way in.

    Raises
    ------
    ColumnsUnknown
        If the table lacks a column of the frame.
    ColumnsMissing
        If the frame lacks a column that may not be NULL.
    ColumnConflict
        If fractions would be rounded into whole numbers, unasked.
    """
    known = {column.name: column for column in columns}
    unknown = [name for name in frame.columns if name not in known]
    if unknown:
        raise ColumnsUnknown(table, unknown, known)
    missing = [column.name for column in columns if column.is_required and column.name not in frame.columns]
    if missing:
        raise ColumnsMissing(table, missing)
    for name, dtype in frame.schema.items():
        if dtype.is_float() and known[name].kind in _INTEGERS:
            raise ColumnConflict(table, name, found=known[name].kind, wanted=str(dtype))


def check_key(table: str, frame: "pl.DataFrame", key: Sequence[str]) -> None:
    """Raise unless every row has a key of its own.

    Raises
    ------
    ValueError
        If `key` is empty or names a column that the frame lacks.
    KeyEmpty
        If a key column holds NULL.
    KeyRepeated
        If two rows share a key.
    """
    absent = [name for name in key if name not in frame.columns]
    if not key or absent or isinstance(key, str):
        msg = f"the key of rows for table {table} must be columns they have, got {key!r}."
        raise ValueError(msg)
    for name in key:
        if n_empty := frame[name].null_count():
            raise KeyEmpty(table, name, n_empty)
    keys = frame.select(key)
    if keys.n_unique() < keys.height:
        repeated = keys.filter(keys.is_duplicated()).unique(maintain_order=True)
        raise KeyRepeated(table, key, repeated.head(_N_EXAMPLES).rows(), repeated.height)
