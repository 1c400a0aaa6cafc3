"""What people may ask: one statement that reads tables, and nothing that reaches files, settings or other databases.

The statement runs on a connection that is attached read-only, sees no file but the tables' and whose
settings are locked (`lake.connection`). This check comes first: it gives errors that say what to do, and
closes what settings leave open (SQLite's scanner goes round DuckDB's file system; COPY may write where
tables may be read).
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

from lake.errors import StatementFailed, StatementRefused
from lake.sql import is_identifier

TABLE_FUNCTIONS = frozenset(
    [
        "duckdb_columns",
        "duckdb_constraints",
        "duckdb_functions",
        "duckdb_keywords",
        "duckdb_schemas",
        "duckdb_tables",
        "duckdb_types",
        "duckdb_views",
        "current_snapshot",
        "ducklake_current_snapshot",
        "ducklake_snapshots",
        "ducklake_table_changes",
        "ducklake_table_deletions",
        "ducklake_table_info",
        "ducklake_table_insertions",
        "generate_series",
        "last_committed_snapshot",
        "range",
        "repeat",
        "repeat_row",
        "snapshots",
        "table_changes",
        "table_deletions",
        "table_info",
        "table_insertions",
        "unnest",
    ]
)
"""Table functions that only read tables or make rows."""

_SERIALIZE = "SELECT system.main.json_serialize_sql(?::VARCHAR)"
"""By its full name: else DuckDB looks into the lake for it first, which takes ten times as long."""

_CATALOGS = {"", "lake"}
_SYSTEM_NAMES = re.compile(r"(duckdb|pragma|sqlite|ducklake)_", re.IGNORECASE)
_HINTS = {
    "EXPLAIN": "Run the statement without EXPLAIN, or EXPLAIN it in the duckdb command line.",
    "PRAGMA": "Use DESCRIBE table or SHOW TABLES.",
    "CALL": "Use SELECT * FROM function(...).",
    "MULTI": "Give PIVOT its values: PIVOT ... ON column IN (...).",
}
_HINT = "Only a SELECT, FROM, WITH, DESCRIBE, SUMMARIZE or SHOW that reads the lake can be run here."


def check_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raise unless `sql` is one statement that reads the lake's tables and views.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Any; it parses.
    sql : str
        As a person typed it.

    Raises
    ------
    StatementFailed
        If it does not parse.
    StatementRefused
        If it is none or several, writes, or reaches outside the lake. The message names what.
    """
    try:
        kinds = [statement.type.name for statement in connection.extract_statements(sql)]
    except duckdb.Error as error:
        raise StatementFailed("query", str(error)) from error
    if not kinds:
        raise StatementRefused("there is no statement", _HINT)
    if kinds[0] != "SELECT":
        raise StatementRefused(f"{kinds[0].replace('_', ' ')} does not only read", _HINTS.get(kinds[0], _HINT))
    if len(kinds) > 1:
        raise StatementRefused(f"{len(kinds)} statements", "Give one at a time.")
    tree = _parse(connection, sql)
    if tree is None:  # PRAGMA calls itself a SELECT
        raise StatementRefused("PRAGMA does not only read", _HINTS["PRAGMA"])
    for found in _outside(tree):
        raise StatementRefused(f"{found} reaches outside the tables of the lake", _HINT)


def _parse(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any] | None:
    """Return DuckDB's own syntax tree; None where it is no plain query."""
    row = connection.execute(_SERIALIZE, [sql]).fetchone()
    tree: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    return None if tree["error"] else tree


def _outside(tree: dict[str, Any]) -> Iterator[str]:
    """Name what a syntax tree reads that is not of the lake."""
    for node in _nodes(tree):
        if node.get("type") == "TABLE_FUNCTION":
            function = node["function"]
            name = str(function.get("function_name", "")).lower()
            if name not in TABLE_FUNCTIONS or function.get("catalog", "").lower() not in _CATALOGS:
                yield f"function {name}"
        elif node.get("type") == "BASE_TABLE":
            name, catalog = str(node["table_name"]), str(node.get("catalog_name", ""))
            is_system = _SYSTEM_NAMES.match(name) is not None and name.lower() not in TABLE_FUNCTIONS
            if catalog.lower() not in _CATALOGS or not is_identifier(name) or is_system:
                yield f"table {'.'.join(filter(None, (catalog, name)))!r}"


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Walk the objects of a JSON value."""
    stack = [value]
    while stack:
        top = stack.pop()
        if isinstance(top, dict):
            yield top
            stack.extend(top.values())
        elif isinstance(top, list):
            stack.extend(top)
