"""Connections to the catalog: read, write, or read and nothing else."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import duckdb

from lake.access import attach_secret, let_in, of_bucket
from lake.disk import is_full
from lake.errors import CatalogUnreachable, DiskFull, LakeError, LakeLocked, LakeMissing, LakeUnreadable
from lake.extensions import ON_BUCKET, ON_POSTGRES, ON_SQLITE, connect_with_extensions, extension_path
from lake.holders import describe_process, writing_processes
from lake.location import Location, locate
from lake.lock import is_running
from lake.sql import quote_literal

if TYPE_CHECKING:
    import polars as pl

Mode = Literal["read", "write", "guarded"]

THREADS = 1
"""Most time goes to small questions to the catalog, which cost half the CPU on one thread; a million rows
are grouped in 0.02 s on one. Those who scan more may ``SET threads`` on what `Lake.read` lends."""
THREADS_ON_BUCKET = 8
"""There most time goes to waiting for a store: 60 small files 20 ms away are read in 4.2 s on one, 1.1 s on four,
0.6 s on sixteen; what was read stays in memory."""
BUSY_TIMEOUT_MS = 30_000
COMMIT_RETRIES = 10
"""DuckLake's own attempts to commit beside another program, 0.1 s apart and then longer."""


_LOCKED = " is locked"
"""What SQLite says of a database, or a table, that somebody holds; one that is damaged is "malformed"."""


def attach_statements(location: str | Path | Location | None = None) -> list[str]:
    """Return the lines that attach a lake, read-only, in the ``duckdb`` command line.

    The ``LOAD`` lines take the extensions from this environment (no network); ``ATTACH`` and
    ``USE`` are the two that always stand. They hold on this machine; elsewhere the paths differ.

    Examples
    --------
    >>> attach_statements("/srv/results")[2][:66]
    "ATTACH 'ducklake:sqlite:/srv/results/catalog.sqlite' AS lake (DATA"
    >>> attach_statements("/srv/results")[3]
    'USE lake;'
    """
    place = location if isinstance(location, Location) else locate(location)
    loads = [f"LOAD {quote_literal(str(extension_path(name)))};" for name in _extensions(place)]
    secret = [attach_secret()] if place.bucket else []
    return [*loads, *secret, f"{_attach(place, 'READ_ONLY')};", "USE lake;"]


def connect(location: Location, mode: Mode, snapshot_id: int | None = None) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB of its own with the lake attached as ``lake``.

    Parameters
    ----------
    location : Location
        Which lake.
    mode : {'read', 'write', 'guarded'}
        ``guarded`` is ``read`` on a DuckDB that touches no file but the lake's tables and whose
        settings are locked.
    snapshot_id : int, optional
        See the lake as it was then; not to write.

    Raises
    ------
    LakeMissing
        If it is to be read and is not there.
    LakeUnreadable
        If the catalog is damaged, or not a catalog.
    LakeLocked
        If another program holds it so that it cannot even be read.
    CatalogUnreachable
        If it is in Postgres and cannot be had from there.
    BucketUnreachable
        If its files are in a bucket that cannot be used.
    DiskFull
        If there is no room for SQLite to open it.
    """
    if mode != "write" and location.is_empty:
        raise LakeMissing(location)
    began = time.monotonic()
    connection = connect_with_extensions(_config(location), _extensions(location))
    try:
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.execute(f"SET ducklake_max_retry_count = {COMMIT_RETRIES}")
        if location.bucket:
            let_in(connection, location)
        connection.execute(_attach(location, *_options(location, mode, snapshot_id)))
        connection.execute("USE lake")
        if mode == "guarded":
            _guard(connection, location)
    except duckdb.Error as error:
        connection.close()
        raise explained(location, error, waited_s=time.monotonic() - began) from error
    except LakeError:
        connection.close()
        raise
    return connection


def explained(location: Location, error: duckdb.Error, *, waited_s: float = 0.0) -> LakeError:
    """Return what it means that a catalog cannot be attached, or its tables cannot be read."""
    reason = str(error).strip()
    if told := of_bucket(location, error):
        return told
    if location.database is None and _LOCKED in reason:
        holders = writing_processes(location)
        holder = describe_process(holders[0]) if holders else "another program"
        return LakeLocked(location.files, wanted="open the lake", holder=holder, waited_s=waited_s)
    if location.database is None:
        is_no_room = is_full(error, location.root)
        first = reason.splitlines()[0]
        return DiskFull(location.root, "open the lake") if is_no_room else LakeUnreadable(location.root, first)
    if "creating a new DuckLake is explicitly disabled" in reason:
        return LakeMissing(location)
    return CatalogUnreachable(location.database, reason.rpartition(f'"{location.database}": ')[2])


def _attach(location: Location, *options: str) -> str:
    """Return the ATTACH statement; the data path is given so that a lake may be moved."""
    where = f"postgres:{location.database}" if location.database else f"sqlite:{location.catalog}"
    catalog = quote_literal(f"ducklake:{where}")
    given = (f"DATA_PATH {quote_literal(location.data_path)}", "OVERRIDE_DATA_PATH true", *options)
    return f"ATTACH {catalog} AS lake ({', '.join(given)})"


def _extensions(location: Location) -> tuple[str, ...]:
    """Return the names of the extensions that a lake needs."""
    if location.bucket:
        return ON_BUCKET
    return ON_POSTGRES if location.database else ON_SQLITE


def _options(location: Location, mode: Mode, snapshot_id: int | None) -> tuple[str, ...]:
    """Return the ATTACH options of a mode, and of a moment."""
    of_file = () if location.database else ("META_JOURNAL_MODE 'WAL'", f"META_BUSY_TIMEOUT {BUSY_TIMEOUT_MS}")
    common = ("DATA_INLINING_ROW_LIMIT 0", *of_file)
    moment = () if snapshot_id is None else (f"SNAPSHOT_VERSION {snapshot_id:d}",)
    return common if mode == "write" else (*common, "READ_ONLY", *moment)


def _config(location: Location) -> dict[str, str]:
    """Return DuckDB's settings: no extension from elsewhere, bounded threads, spill inside the lake."""
    return {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "python_enable_replacements": "false",  # a table name never means a Python variable
        "threads": str(THREADS_ON_BUCKET if location.bucket else THREADS),
        "temp_directory": str(_spill_of_its_own(location)),
    }


def _spill_of_its_own(location: Location) -> Path:
    """Return a folder that DuckDB makes when a query outgrows memory, and removes when it is closed.

    Two that shared one would write over each other's pages: their files have equal names.
    """
    with suppress(OSError):  # where nothing may be written, a query that needs it says so
        location.spill.mkdir(mode=0o700, exist_ok=True)
    return location.spill / f"{socket.gethostname()}-{os.getpid()}-{os.urandom(4).hex()}"


def is_spill_in_use(folder: Path) -> bool:
    """Tell whether a folder of queries that outgrew memory is that of a process of this host which lives.

    Examples
    --------
    >>> is_spill_in_use(Path("/srv/lake/tmp/elsewhere-1-0a1b2c3d"))
    False
    """
    host, pid, _ = ("", "", *folder.name.rsplit("-", 2))[-3:]
    return host == socket.gethostname() and pid.isdecimal() and is_running(int(pid))


def _guard(connection: duckdb.DuckDBPyConnection, location: Location) -> None:
    """Shut every file system except the tables' folder, and lock the settings."""
    connection.execute(f"SET allowed_directories = [{quote_literal(location.data_path)}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


class Pool:
    """One DuckDB a mode, opened on first use and shared by cursors of any thread.

    The first one costs about 0.3 s (checking extensions), others 0.05 s, a cursor 2 to 5 ms. A catalog that was
    replaced (restored, deleted) and a process that was forked get a new one.
    """

    def __init__(self, location: Location, snapshot_id: int | None = None) -> None:
        self.location = location
        self._snapshot_id = snapshot_id
        self._mutex = threading.Lock()
        self._open: dict[Mode, tuple[duckdb.DuckDBPyConnection, tuple[int, ...]]] = {}
        self._idle: dict[Mode, tuple[duckdb.DuckDBPyConnection, tuple[int, ...]]] = {}
        self._inherited: list[duckdb.DuckDBPyConnection] = []  # the parent's: closing them here would harm it

    def cursor(self, mode: Mode) -> duckdb.DuckDBPyConnection:
        """Return a connection for one thread, with ``lake`` in use; close it after."""
        with self._mutex:
            identity = self._identity()
            held = self._open.get(mode)
            if held is not None and held[1][0] != os.getpid():
                self._inherited.append(held[0])
            if held is None or held[1] != identity:
                base = connect(self.location, mode, self._snapshot_id)
                self._open[mode] = (base, self._identity())
            else:
                base = held[0]
            cursor = base.cursor()
        cursor.execute("USE lake")
        return cursor

    @contextmanager
    def lend(self, mode: Mode) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a connection for one statement that leaves nothing behind; it is kept for the next, unless it failed."""
        identity = self._identity()
        kept = self._idle.pop(mode, None)
        if kept is not None and kept[1] != identity:
            self._let_go(*kept)
            kept = None
        connection = kept[0] if kept else self.cursor(mode)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if self._idle.setdefault(mode, (connection, identity))[0] is not connection:
            connection.close()

    def close(self, mode: Mode | None = None) -> None:
        """Close one mode, or all."""
        with self._mutex:
            for each in list(self._open) if mode is None else [mode]:
                for held in (self._idle.pop(each, None), self._open.pop(each, None)):
                    if held is not None:
                        self._let_go(*held)

    def _let_go(self, connection: duckdb.DuckDBPyConnection, identity: tuple[int, ...]) -> None:
        """Close a connection, unless it is the parent's."""
        if identity[0] == os.getpid():
            connection.close()
        else:
            self._inherited.append(connection)

    def _identity(self) -> tuple[int, ...]:
        """Return what a held connection stands for: this process and this very file."""
        try:
            stat = self.location.catalog.stat()
        except FileNotFoundError:
            return (os.getpid(),)
        return (os.getpid(), stat.st_dev, stat.st_ino)


def to_frame(connection: duckdb.DuckDBPyConnection, sql: str, params: Any = ()) -> "pl.DataFrame":
    """Run a statement and return its rows; sums of integers come as Int64, not as decimals."""
    import polars as pl

    frame = connection.execute(sql, params).pl()
    hugeint = pl.selectors.by_dtype(pl.Decimal(38, 0))
    return frame.with_columns(hugeint.cast(pl.Int64))
