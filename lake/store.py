"""The lake: open it, read it, write to it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import duckdb

from lake import schema
from lake.access import bucket_told, of_bucket
from lake.connection import Pool, attach_statements, to_frame
from lake.disk import full_disk_told
from lake.errors import (
    CatalogUnreachable,
    LakeConflict,
    LakeMissing,
    LakeReadOnly,
    LakeTooOld,
    SnapshotMissing,
    StatementFailed,
)
from lake.guard import check_statement
from lake.location import Location, locate
from lake.lock import TIMEOUT_S, Confirm, writer_lock
from lake.objects import files_of
from lake.opening import look, make, settle
from lake.transaction import Transaction

if TYPE_CHECKING:
    import polars as pl

_CUT_OFF = re.compile(
    r"closed the connection|terminating connection|connection (to|not open|has been closed)|could not (receive|send)"
    r'|Failed to execute query .*": *$',
    re.DOTALL,
)
"""What libpq says where a server is gone, or the way to it; asked for more, it says nothing."""

Params = Sequence[Any] | Mapping[str, Any]


class Rows(NamedTuple):
    """A result without polars: column names, and one tuple a row."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


class Lake:
    """A folder, or a bucket, with a DuckLake catalog, its tables, and the shards of the patches.

    One writer at a time, any number of readers; readers see what was committed before they asked.
    Made by `Lake.open`. May be shared by threads; each process opens its own.

    Attributes
    ----------
    root : Path
        Absolute path of the folder.
    files : Files
        What is no table: shards, models, pages, pictures.
    lake_id : str
        UUID given when the lake was made; another lake has another.
    """

    def __init__(self, location: Location, state: schema.State, pool: Pool, *, is_read_only: bool) -> None:
        self.location = location
        self.root = location.root
        self.files = files_of(location)
        self.lake_id = state.lake_id
        self.is_read_only = is_read_only
        self._pool = pool
        self._known_tables = set(schema.table_names())

    @classmethod
    def open(
        cls,
        location: str | Path | None = None,
        *,
        is_read_only: bool = False,
        migrates: bool = True,
        timeout_s: float = TIMEOUT_S,
    ) -> Self:
        """Open a lake; make it, and bring its tables and views up to date, where needed.

        Parameters
        ----------
        location : str or Path, optional
            Its folder, ``postgres://USER@HOST/DATABASE+/FOLDER`` or ``postgres://USER@HOST/DATABASE+s3://BUCKET/PREFIX``.
            None takes ``DEEPDLT_LAKE``, else ``lake/data`` beside this package.
        is_read_only : bool
            Change nothing: no lake is made, none is migrated, `write` is refused.
        migrates : bool
            Whether one that is to be written may be made or migrated; else it has to be there, and up to date.
        timeout_s : float
            How long to wait for another writer, in seconds, where something is to be made.

        Raises
        ------
        LakeMissing
            If it is to be read only, or not to be made, and is not there.
        LakeTooNew
            If later code has written it.
        LakeTooOld
            If it would have to be migrated and must not be.
        LakeUnreadable
            If the catalog is damaged.
        FilesWithoutCatalog
            If it is not there, and files of one are.
        FilesOfAnother
            If it is to be written, and the files are those of another lake.
        CatalogUnreachable
            If it is in Postgres and cannot be had from there.
        FolderMissing
            If it is in Postgres and this machine has not mounted the folder.
        BucketUnreachable
            If its files are in a bucket that cannot be used.
        LakeLocked
            If another writer held it all the time.
        ValueError
            If the location is an address of another form, or has a password in it.
        """
        place = locate(location)
        if place.bucket:
            place.make_folders()  # of this machine alone: copies, and what is under way
        pool = Pool(place)
        state = look(pool, is_read_only=is_read_only)
        schema.refuse_newer(place, state)
        if not is_read_only and migrates and not schema.is_current(state):
            state = make(place, pool, timeout_s)
        if state is None:
            raise LakeMissing(place)
        if not is_read_only and not schema.is_current(state):
            raise LakeTooOld(place.root)
        if not is_read_only:
            settle(place, pool, state, writes=migrates, timeout_s=timeout_s)
        return cls(place, state, pool, is_read_only=is_read_only)

    @contextmanager
    def read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a DuckDB connection that can read the lake and not change it; it is closed after.

        Raises
        ------
        LakeMissing
            If the lake has been deleted since.
        """
        connection = self._pool.cursor("read")
        try:
            with bucket_told(self.location):
                yield connection
        finally:
            connection.close()

    def query(self, sql: str, params: Params = ()) -> "pl.DataFrame":
        """Run one statement that reads, and return its rows. Safe for SQL that people type.

        Parameters
        ----------
        sql : str
            SELECT, FROM, WITH, DESCRIBE, SUMMARIZE or SHOW over tables and views of the lake.
        params : sequence or mapping
            Values for ``?`` or ``$name``.

        Raises
        ------
        StatementRefused
            If it does anything but read the lake.
        StatementFailed
            If DuckDB cannot run it.
        LakeMissing
            If the lake has been deleted since.
        """
        with self._checked(sql) as connection:
            return to_frame(connection, sql, params)

    def query_rows(self, sql: str, params: Params = ()) -> Rows:
        """Do as `query`, and return plain tuples: for a command line that must start fast.

        Raises
        ------
        StatementRefused, StatementFailed, LakeMissing
            As in `query`.
        """
        with self._checked(sql) as connection:
            done = connection.execute(sql, params)
            return Rows([name for name, *_ in done.description or []], done.fetchall())

    @contextmanager
    def snapshot(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a connection on which everything sees the lake as it is now, whoever writes meanwhile.

        It reads, as in `read`, and shares the DuckDB of `query`; temporary tables made on it are gone after.

        Raises
        ------
        LakeMissing
            If the lake has been deleted since.
        """
        connection = self._pool.cursor("guarded")
        try:
            connection.execute("BEGIN")
            with bucket_told(self.location):
                yield connection
            connection.execute("ROLLBACK")
        finally:
            connection.close()

    def snapshot_id(self) -> int:
        """Return the number of the newest snapshot, for ``AT (VERSION => n)``."""
        ((snapshot_id,),) = self.query_rows("SELECT id FROM lake.current_snapshot()").rows
        return int(snapshot_id)

    def at(self, snapshot_id: int) -> Self:
        """Return the lake as it was at a snapshot: every query sees that moment, nothing can be written.

        Raises
        ------
        SnapshotMissing
            If it was never there, or has been expired.
        LakeMissing
            If the lake has been deleted since.
        """
        if not self.query_rows("SELECT 1 FROM lake.snapshots() WHERE snapshot_id = ?", [snapshot_id]).rows:
            raise SnapshotMissing(self.root, snapshot_id)
        pool = Pool(self.location, snapshot_id)
        state = look(pool, is_read_only=True)
        if state is None:
            raise SnapshotMissing(self.root, snapshot_id)
        return type(self)(self.location, state, pool, is_read_only=True)

    @contextmanager
    def write(self, what: str, *, timeout_s: float = TIMEOUT_S) -> Iterator[Transaction]:
        """Hold the writer lock and one transaction: the body's writes happen together or not at all.

        Keep it short: train and compute before, write here.

        Parameters
        ----------
        what : str
            "record run 1f3a...": for those who wait, and for the snapshot's commit message.
        timeout_s : float
            How long to wait for another writer, in seconds.

        Raises
        ------
        LakeReadOnly
            If this lake was opened to be read.
        LakeLocked, LakeReentered
            If another writer or program holds it, or this very thread.
        LakeConflict
            If the catalog refuses the commit. Nothing was changed.
        CatalogUnreachable
            If the connection to Postgres breaks at the commit: it stands or does not, and may be done again.
        LakeLockLost
            If the lock's connection to Postgres broke meanwhile. Nothing was changed.
        DiskFull
            If there is no room. Nothing was changed.
        BucketUnreachable
            If its files are in a bucket that cannot be used. Nothing was changed.
        """
        with (
            bucket_told(self.location),
            full_disk_told(self.root, what),
            self._writing(what, timeout_s) as (connection, confirm),
        ):
            connection.execute("BEGIN")
            is_done = False
            try:
                connection.execute("CALL ducklake_set_commit_message('lake', ?, ?)", ["deepdlt", what])
                yield Transaction(connection, self._known_tables)
                confirm()
                _commit(connection, what, self.location)
                is_done = True
            finally:
                if not is_done:
                    self._roll_back(connection)

    @contextmanager
    def maintenance(self, what: str, *, timeout_s: float = TIMEOUT_S) -> Iterator[duckdb.DuckDBPyConnection]:
        """Hold the writer lock and lend a connection that can write, outside a transaction.

        For DuckLake's own upkeep, which commits by itself; rows are written through `write`.

        Raises
        ------
        LakeReadOnly, LakeLocked, LakeReentered
            As in `write`.
        """
        with bucket_told(self.location), self._writing(what, timeout_s) as (connection, _):
            yield connection

    def tables(self) -> "pl.DataFrame":
        """Return what there is to read: name, kind (table or view), rows, purpose."""
        from lake.tables import describe_tables

        return describe_tables(self)

    def attach_statements(self) -> list[str]:
        """Return the lines that attach this lake in the ``duckdb`` command line."""
        return attach_statements(self.location)

    def close(self) -> None:
        """Close the connections held; the lake can be used again and opens new ones."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _checked(self, sql: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a guarded connection once `sql` has passed, and turn DuckDB's errors into ours."""
        try:
            with self._pool.lend("guarded") as connection:
                check_statement(connection, sql)
                yield connection
        except duckdb.Error as error:
            if told := of_bucket(self.location, error):
                raise told from None
            raise StatementFailed("query", str(error)) from error

    @contextmanager
    def _writing(self, what: str, timeout_s: float) -> Iterator[tuple[duckdb.DuckDBPyConnection, Confirm]]:
        """Hold the lock, and lend a connection that can write and what confirms the lock."""
        if self.is_read_only:
            raise LakeReadOnly(self.root)
        if self.location.is_empty:
            raise LakeMissing(self.location)
        with writer_lock(self.location, what, timeout_s=timeout_s) as confirm:
            connection = self._pool.cursor("write")
            try:
                yield connection, confirm
            finally:
                connection.close()

    def _roll_back(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Undo; where that fails, take a new DuckDB next time: this one may have lost its catalog."""
        try:
            connection.execute("ROLLBACK")
        except duckdb.Error:  # the error that brought us here is the one to be seen
            self._pool.close("write")


def _commit(connection: duckdb.DuckDBPyConnection, what: str, location: Location) -> None:
    """Commit, and say what could not be committed, or may not have been."""
    try:
        connection.execute("COMMIT")
    except duckdb.Error as error:
        if location.database and _CUT_OFF.search(str(error)):
            told = f"the connection broke at the commit of {what!r}, which stands or does not: run it again"
            raise CatalogUnreachable(location.database, told) from error
        raise LakeConflict(what, str(error)) from error
