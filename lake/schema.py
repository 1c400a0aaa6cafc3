"""Bring a lake to the schema this code knows: migrations once each, views as their files say."""

import hashlib
import itertools
import re
import uuid
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from lake import statements
from lake.errors import LakeTooNew
from lake.location import Location
from lake.sql import quote_identifier, split_header

_MIGRATIONS = Path(__file__).parent / "migrations"
_VIEWS = Path(__file__).parent / "views"

AFTER_A_COMMIT = (15,)
"""Migrations that need what went before them to be committed, in order."""

VIEWS_REVISION = 4
"""Goes up by one with each change of the views: code leaves views of a later revision than its own as they are."""


@dataclass(frozen=True, slots=True)
class SqlFile:
    """A migration or a view: file name without suffix, header comment, statements."""

    name: str
    header: str
    text: str

    @property
    def version(self) -> int:
        """Number a migration's name begins with."""
        return int(self.name.partition("_")[0])


@dataclass(frozen=True, slots=True)
class State:
    """What a lake says of itself."""

    lake_id: str
    version: int
    views_digest: str
    views_revision: int


@cache
def migrations() -> tuple[SqlFile, ...]:
    """Return the migrations in the order of their numbers."""
    return tuple(sorted(_load(_MIGRATIONS), key=lambda each: each.version))


@cache
def table_names() -> frozenset[str]:
    """Return the names of the tables that the migrations make."""
    return frozenset(name for each in migrations() for name in re.findall(r"CREATE TABLE (\w+)", each.text))


@cache
def views() -> tuple[SqlFile, ...]:
    """Return the views, each after those that it reads."""
    files = {each.name: each for each in _load(_VIEWS)}
    reads = {name: words(each.text) & (files.keys() - {name}) for name, each in files.items()}
    return tuple(files[name] for name in TopologicalSorter(reads).static_order())


def wanted_version() -> int:
    """Return the schema version of this code."""
    return migrations()[-1].version


@cache
def wanted_views_digest() -> str:
    """Return what changes when a view's text, or the tables under the views, change."""
    told = "\0".join(f"{each.name}\0{each.text}" for each in views())
    return hashlib.blake2b(f"{wanted_version()}\0{told}".encode(), digest_size=16).hexdigest()


def read_state(connection: duckdb.DuckDBPyConnection) -> State | None:
    """Return what a lake says of itself, or None where it is new."""
    try:
        row = connection.execute(statements.load("schema_version")).fetchone()
    except duckdb.CatalogException:
        return None
    return State(*row) if row else None


def refuse_newer(location: Location, state: State | None) -> None:
    """Raise if a lake was written by later code.

    Raises
    ------
    LakeTooNew
        If its schema version is above ours.
    """
    if state is not None and state.version > wanted_version():
        raise LakeTooNew(location.root, found=state.version, known=wanted_version())


def is_current(state: State | None) -> bool:
    """Tell whether nothing is to be done: tables and views are as this code has them, or the views are later code's."""
    if state is None or state.version != wanted_version():
        return False
    return state.views_digest == wanted_views_digest() or state.views_revision > VIEWS_REVISION


def bring_up_to_date(connection: duckdb.DuckDBPyConnection, location: Location) -> State:
    """Apply what is missing, under the writer lock, in as few transactions as can be, each with a record of its steps.

    A commit takes DuckLake some 30 ms: a new lake is made in a third of the time that one for each step would take.

    Raises
    ------
    LakeTooNew
        If the lake was written by later code.
    """
    state = read_state(connection)
    refuse_newer(location, state)
    missing = [each for each in migrations() if state is None or each.version > state.version]
    for _, some in itertools.groupby(missing, key=lambda each: bisect_right(AFTER_A_COMMIT, each.version)):
        _apply(connection, list(some))
    _make_views(connection)
    made = read_state(connection)
    if made is None:
        msg = "a lake that was just migrated has no version"
        raise RuntimeError(msg)
    return made


def _apply(connection: duckdb.DuckDBPyConnection, some: list[SqlFile]) -> None:
    """Apply migrations and record them; the very first gives the lake its identity."""
    record = "INSERT INTO migrations SELECT unnest(?::INTEGER[]), unnest(?::VARCHAR[]), now()"
    records: list[tuple[str, list[Any]]] = [(record, [[each.version for each in some], [each.name for each in some]])]
    if some[0].version == 0:
        records.append(("INSERT INTO meta VALUES ('lake_id', ?)", [str(uuid.uuid4())]))
    _step(connection, "\n".join(each.text for each in some), *records)


def _make_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Create all views anew and drop those without a file, in one transaction."""
    rows = connection.execute("SELECT view_name FROM duckdb_views() WHERE database_name = 'lake' AND NOT internal")
    gone = [name for (name,) in rows.fetchall() if name not in {each.name for each in views()}]
    script = "".join(f"DROP VIEW {quote_identifier(name)};\n" for name in gone)
    script += "\n".join(each.text for each in views())
    forget = "DELETE FROM meta WHERE key IN ('views_digest', 'views_revision')"
    record = "INSERT INTO meta VALUES ('views_digest', ?), ('views_revision', ?::VARCHAR)"
    _step(connection, script, (forget, []), (record, [wanted_views_digest(), VIEWS_REVISION]))


def _step(connection: duckdb.DuckDBPyConnection, script: str, *records: tuple[str, list[Any]]) -> None:
    """Run a script and its records in one transaction."""
    connection.execute("BEGIN")
    is_done = False
    try:
        if script:
            connection.execute(script)
        for sql, params in records:
            connection.execute(sql, params)
        connection.execute("COMMIT")
        is_done = True
    finally:
        if not is_done:
            connection.execute("ROLLBACK")


def _load(folder: Path) -> list[SqlFile]:
    """Read the SQL files of a folder."""
    parts = [(path.stem, *split_header(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.sql"))]
    return [SqlFile(name, header, text) for name, header, text in parts]


def words(text: str) -> set[str]:
    """Return the words of a statement, comments left out."""
    return set(re.findall(r"\w+", re.sub(r"--[^\n]*", "", text)))
