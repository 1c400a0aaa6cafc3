"""Writing to the lake: replace rows by key, inside one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

from lake.checks import Column, check_columns, check_key
from lake.connection import to_frame
from lake.errors import ColumnConflict, StatementFailed, TableUnknown
from lake.sql import quote_identifier

if TYPE_CHECKING:
    import polars as pl

COLUMN_TYPES = ("DOUBLE", "BIGINT", "VARCHAR", "BOOLEAN")
"""What a column added at run time may hold."""

_INCOMING = "incoming_rows"


class Transaction:
    """Statements that take effect together, or not at all. `Lake.write` makes one.

    Everything read here sees what was written here before.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Inside a transaction.
    known_tables : set of str
        Tables that were seen before; those that are found here are added.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, known_tables: set[str]) -> None:
        self._connection = connection
        self._tables = known_tables

    def replace(self, table: str, frame: "pl.DataFrame", key: Sequence[str]) -> int:
        """Put rows in the place of those with the same key.

        DuckLake has no unique keys; this is what keeps keys unique, and a repeated write harmless.

        Parameters
        ----------
        table : str
            Name of a table.
        frame : polars.DataFrame
            Columns by name, in any order. Columns left out become NULL. No rows: nothing is done.
        key : sequence of str
            Columns that tell rows apart.

        Returns
        -------
        n_rows : int
            Rows written.

        Raises
        ------
        TableUnknown, ColumnsUnknown, ColumnsMissing, ColumnConflict
            If the frame does not fit the table.
        KeyRepeated, KeyEmpty
            If two rows have the same key, or a key has no value.
        StatementFailed
            If DuckDB refuses a value.
        ValueError
            If `key` is empty.
        """
        columns = self._columns(table)
        check_columns(table, frame, columns)
        check_key(table, frame, key)
        if frame.is_empty():
            return 0
        matches = " AND ".join(f"old.{quote_identifier(name)} = new.{quote_identifier(name)}" for name in key)
        with self._incoming(frame.select(key)):
            self._run(f"DELETE FROM {quote_identifier(table)} old USING {_INCOMING} new WHERE {matches}", table)  # noqa: S608
        return self._insert(table, frame)

    def replace_where(self, table: str, frame: "pl.DataFrame", **equals: Any) -> int:
        """Put rows in the place of all that have these values, e.g. ``run_id="1f3a..."``.

        Parameters
        ----------
        table : str
            Name of a table.
        frame : polars.DataFrame
            The new rows. A column of `equals` may be left out; it is filled in. No rows: the old
            ones are deleted and nothing takes their place.
        **equals
            Column and value; at least one, and not None.

        Returns
        -------
        n_rows : int
            Rows written.

        Raises
        ------
        TableUnknown, ColumnsUnknown, ColumnsMissing, ColumnConflict
            If the frame does not fit the table.
        StatementFailed
            If DuckDB refuses a value.
        ValueError
            If `equals` is empty or has a None, or a row has another value there.
        """
        if not equals or None in equals.values():
            msg = f"replace_where({table!r}) needs columns with values to delete by, got {equals}."
            raise ValueError(msg)
        filled = _fill(table, frame, equals)
        check_columns(table, filled, self._columns(table))
        matches = " AND ".join(f"{quote_identifier(name)} = ?" for name in equals)
        self._run(f"DELETE FROM {quote_identifier(table)} WHERE {matches}", table, list(equals.values()))  # noqa: S608
        return 0 if filled.is_empty() else self._insert(table, filled)

    def ensure_columns(self, table: str, columns: Mapping[str, str]) -> list[str]:
        """Add the columns that a table does not have yet; those that it has stay.

        Parameters
        ----------
        table : str
            Name of a table.
        columns : mapping of str to str
            Name and type: DOUBLE, BIGINT, VARCHAR or BOOLEAN. Old rows have NULL there.

        Returns
        -------
        list of str
            Names of the columns added.

        Raises
        ------
        TableUnknown
            If there is no such table.
        ColumnConflict
            If a column is there with another type, or its name in other letters: capital or small is one to DuckDB.
        ValueError
            If a name or a type is none.
        """
        known = {column.name: column.kind for column in self._columns(table)}
        spelt = {name.lower(): name for name in known}
        for name, kind in columns.items():
            if kind not in COLUMN_TYPES:
                msg = f"column {table}.{name} cannot be {kind!r}: use one of {', '.join(COLUMN_TYPES)}."
                raise ValueError(msg)
            there = spelt.setdefault(name.lower(), name)
            if there != name:  # DuckDB takes both for one
                raise ColumnConflict(table, name, found=f"there as {there}", wanted=kind)
            if known.get(name, kind) != kind:
                raise ColumnConflict(table, name, found=known[name], wanted=kind)
        added = [name for name in columns if name not in known]
        for name in added:
            sql = f"ALTER TABLE {quote_identifier(table)} ADD COLUMN {quote_identifier(name)} {columns[name]}"
            self._run(sql, table)
        return added

    def execute(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> None:
        """Run a statement; values are bound to ``?`` or ``$name``.

        Raises
        ------
        StatementFailed
            If DuckDB refuses it.
        """
        self._run(sql, "statement", params)

    def query(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> "pl.DataFrame":
        """Run a query and return its rows, those written in this transaction included.

        Raises
        ------
        StatementFailed
            If DuckDB refuses it.
        """
        with _explained("query"):
            return to_frame(self._connection, sql, params)

    def next_snapshot_id(self) -> int:
        """Return the number of the snapshot that this transaction makes by changing anything: writers come in turn."""
        ((newest,),) = self._run("SELECT id FROM lake.current_snapshot()", "snapshot").fetchall()
        return int(newest) + 1

    def _insert(self, table: str, frame: "pl.DataFrame") -> int:
        """Append rows by column name."""
        with self._incoming(frame):
            self._run(f"INSERT INTO {quote_identifier(table)} BY NAME SELECT * FROM {_INCOMING}", table)  # noqa: S608
        return frame.height

    @contextmanager
    def _incoming(self, frame: "pl.DataFrame") -> Iterator[None]:
        """Let SQL see a frame."""
        self._connection.register(_INCOMING, frame.to_arrow())
        try:
            yield
        finally:
            self._connection.unregister(_INCOMING)

    def _columns(self, table: str) -> list[Column]:
        """Return the columns of a table as they are in this transaction."""
        if table not in self._tables:  # of one who made tables of his own
            sql = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake'"
            self._tables |= {name for (name,) in self._run(sql, "tables").fetchall()}
        if table not in self._tables:
            raise TableUnknown(table, self._tables)
        described = self._run(f"DESCRIBE {quote_identifier(table)}", table).fetchall()
        return [Column(name, kind, is_required=null == "NO") for name, kind, null, *_ in described]

    def _run(self, sql: str, subject: str, params: Any = ()) -> duckdb.DuckDBPyConnection:
        """Run one statement and say what it was about when it fails."""
        with _explained(subject):
            return self._connection.execute(sql, params)


@contextmanager
def _explained(subject: str) -> Iterator[None]:
    """Turn DuckDB's errors into ours."""
    try:
        yield
    except duckdb.Error as error:
        raise StatementFailed(subject, str(error)) from error


def _fill(table: str, frame: "pl.DataFrame", equals: Mapping[str, Any]) -> "pl.DataFrame":
    """Add the columns rows are replaced by; rows that say otherwise would not be replaced next time."""
    import polars as pl

    for name, value in equals.items():
        if name in frame.columns and not frame.filter(pl.col(name).ne_missing(pl.lit(value))).is_empty():
            msg = f"rows for table {table} replace those with {name} = {value!r}, but some have another {name}."
            raise ValueError(msg)
    return frame.with_columns(pl.lit(value).alias(name) for name, value in equals.items() if name not in frame.columns)
