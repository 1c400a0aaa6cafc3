"""Keeping the lake small: merge files, expire snapshots, remove what nothing refers to."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from stat import S_ISDIR
from typing import TYPE_CHECKING

import duckdb

from lake import identity, statements
from lake.connection import is_spill_in_use
from lake.errors import StatementFailed
from lake.files import files_below, is_temporary
from lake.location import Location
from lake.lock import TIMEOUT_S
from lake.objects import files_of
from lake.shards import FOLDER
from lake.store import Lake

if TYPE_CHECKING:
    import polars as pl

KEEP_DAYS = 30.0
MERGE_FROM = 8
"""Files of a table that a night merges: each costs whoever reads it 0.3 ms, and merging them 2 ms, once."""
GRACE_HOURS = 24.0
"""An ingest writes its shards before the rows that refer to them; a query may still read a file just replaced."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing done, or that would be done.

    Parameters
    ----------
    step : str
        ``expire snapshot``, ``remove unused file``, ``remove orphan``, ``remove shard``, ``remove temporary
        file``, ``merge files`` or ``rewrite files``.
    what : str
        Snapshot number, table, or path relative to the lake.
    n_bytes : int
        Bytes freed; 0 where a step frees none by itself.
    """

    step: str
    what: str
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Report:
    """What maintenance did, or would do.

    Parameters
    ----------
    is_dry_run : bool
        True where nothing was changed.
    actions : tuple of Action
        In order.
    """

    is_dry_run: bool
    actions: tuple[Action, ...]

    @property
    def n_bytes(self) -> int:
        """Bytes freed."""
        return sum(action.n_bytes for action in self.actions)

    def frame(self) -> "pl.DataFrame":
        """Return the actions as a frame: step, what, n_bytes."""
        import polars as pl

        rows = [(action.step, action.what, action.n_bytes) for action in self.actions]
        return pl.DataFrame(rows, schema={"step": pl.String, "what": pl.String, "n_bytes": pl.Int64}, orient="row")


def maintain(
    lake: Lake,
    *,
    keep_days: float = KEEP_DAYS,
    grace_hours: float = GRACE_HOURS,
    dry_run: bool = False,
    timeout_s: float = TIMEOUT_S,
) -> Report:
    """Expire old snapshots, remove files that nothing refers to, merge small ones; all under the writer lock.

    Pinned snapshots stay: those that a row of ``datasets``, ``splits``, ``runs`` or ``champions`` was read
    at. What a kept snapshot refers to stays, tables and shards alike. Files that a step sets free may
    outlive this run by the grace time; the next run removes them.

    Parameters
    ----------
    lake : Lake
        Opened to write.
    keep_days : float
        Age from which a snapshot that is not pinned goes, in days.
    grace_hours : float
        Age from which a file that nothing refers to goes, in hours.
    dry_run : bool
        Change nothing, and say what would be removed (merging is not foretold).
    timeout_s : float
        How long to wait for another writer, in seconds.

    Returns
    -------
    Report
        What was done, with the bytes freed.

    Raises
    ------
    LakeReadOnly, LakeLocked, LakeReentered
        As in `Lake.write`.
    FilesOfAnother
        If the files are those of another lake.
    StatementFailed
        If DuckLake cannot do a step; those before it are done, and what a row refers to stands.
    ValueError
        If an age is negative.
    """
    if keep_days < 0 or grace_hours < 0:
        msg = f"ages cannot be negative: keep_days={keep_days}, grace_hours={grace_hours}."
        raise ValueError(msg)
    grace_s = grace_hours * 3600.0
    what = "maintain the lake"
    with lake.maintenance(what, timeout_s=timeout_s) as connection, _explained(what):
        identity.settle(lake.location, lake.files, lake.lake_id, writes=not dry_run)
        referred = _referred_shards(connection, lake)
        done = _tidy_tables(connection, lake, keep_days * 86_400.0, grace_s, dry_run=dry_run)
        limit = time.time() - grace_s
        shards = _loose_shards(lake, referred, limit)  # after what takes long: a shard may be written meanwhile
        if not dry_run:
            lake.files.remove((action.what for action in shards), changed_by=limit)
        left = [*_temporary_files(lake.location, limit), *_left_spills(lake.location, limit)]
        if not dry_run:
            here = files_of(lake.root)  # of this machine, also where the lake's are in a bucket
            for action in left:
                with suppress(FileNotFoundError):  # its process is on another host, and lives
                    here.remove_tree(action.what)
    return Report(dry_run, (*done[0], *shards, *left, *done[1]))


def merge_small_files(lake: Lake, *, at_least: int = MERGE_FROM, timeout_s: float = TIMEOUT_S) -> tuple[Action, ...]:
    """Make one file of the small ones of each table that has many, under the writer lock: what reads it gets faster.

    Every snapshot holds what it held. The small files themselves go with the next maintenance.

    Parameters
    ----------
    lake : Lake
        Opened to write.
    at_least : int
        Tables with fewer files stay as they are; 1 or more.
    timeout_s : float
        How long to wait for another writer, in seconds.

    Returns
    -------
    tuple of Action
        An action ``merge files`` for each table of which files were merged.

    Raises
    ------
    LakeReadOnly, LakeLocked, LakeReentered
        As in `Lake.write`.
    StatementFailed
        If DuckLake cannot merge a table; those before it are merged, and all rows stand as they stood.
    ValueError
        If `at_least` is below 1.
    """
    if at_least < 1:
        msg = f"at_least={at_least} files are none: 1 or more."
        raise ValueError(msg)
    done: list[Action] = []
    what = "merge small files"
    with lake.maintenance(what, timeout_s=timeout_s) as connection, _explained(what):
        for (table,) in connection.execute(statements.load("tables_of_many_files"), [at_least]).fetchall():
            sql = "CALL ducklake_merge_adjacent_files('lake', ?)"
            done += _merged("merge files", connection.execute(sql, [table]).fetchall())
    return tuple(done)


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Turn DuckDB's errors into ours."""
    try:
        yield
    except duckdb.Error as error:
        raise StatementFailed(what, str(error)) from error


def _tidy_tables(
    connection: duckdb.DuckDBPyConnection, lake: Lake, keep_s: float, grace_s: float, *, dry_run: bool
) -> tuple[list[Action], list[Action]]:
    """Expire, remove and merge; return what was removed, and what was merged after.

    A dry run expires in a transaction that is rolled back, so that what follows from it is seen.
    """
    connection.execute("BEGIN")
    try:
        removed = _expire(connection, keep_s)
        for function, step in _CLEANERS.items():
            removed += _clean(connection, lake, function, step, grace_s, dry_run=True)
    finally:
        connection.execute("ROLLBACK")
    if dry_run:
        return removed, []
    _expire(connection, keep_s)
    for function, step in _CLEANERS.items():
        _clean(connection, lake, function, step, grace_s, dry_run=False)
    return removed, _merge(connection)


_CLEANERS = {
    "ducklake_cleanup_old_files": "remove unused file",
    "ducklake_delete_orphaned_files": "remove orphan",
}


def _expire(connection: duckdb.DuckDBPyConnection, keep_s: float) -> list[Action]:
    """Expire the snapshots that may go."""
    found = connection.execute(statements.load("expirable_snapshots"), [keep_s]).fetchall()
    numbers = [number for (number,) in found]
    if numbers:
        connection.execute("CALL ducklake_expire_snapshots('lake', versions => ?::UBIGINT[])", [numbers])
    return [Action("expire snapshot", str(number), 0) for number in numbers]


def _clean(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    function: str,
    step: str,
    grace_s: float,
    *,
    dry_run: bool,
) -> list[Action]:
    """Remove the tables' files that no snapshot refers to, or list them."""
    sql = f"CALL {function}('lake', dry_run => {dry_run}, older_than => now() - to_seconds(?))"
    place = lake.location.data_path.removesuffix("tables/")
    found = [path for (path,) in connection.execute(sql, [grace_s]).fetchall()]
    paths = [path.removeprefix(place) for path in found if path.startswith(place)]
    sizes = lake.files.sizes(paths) if dry_run else {}  # what was removed has none
    return [Action(step, path, sizes.get(path, 0)) for path in paths]


def _merge(connection: duckdb.DuckDBPyConnection) -> list[Action]:
    """Merge small files, and write anew those of which most rows are deleted."""
    done: list[Action] = []
    for function, step in (
        ("ducklake_rewrite_data_files", "rewrite files"),
        ("ducklake_merge_adjacent_files", "merge files"),
    ):
        done += _merged(step, connection.execute(f"CALL {function}('lake')").fetchall())
    return done


def _merged(step: str, rows: Sequence[tuple[str, str, int, int]]) -> list[Action]:
    """Return what DuckLake says of merging: schema, table, number of files before and after."""
    return [Action(step, f"{table}: {n_before} into {n_after}", 0) for _, table, n_before, n_after in rows]


def _referred_shards(connection: duckdb.DuckDBPyConnection, lake: Lake) -> set[str]:
    """Return the shards that a manifest row of any kept snapshot refers to."""
    found = connection.execute(statements.load("patch_files")).fetchall()
    files = [f"{lake.location.data_path}{path}" for (path,) in found]
    referred = {shard for (shard,) in connection.execute("SELECT DISTINCT shard FROM patches").fetchall()}
    if files:
        rows = connection.execute("SELECT DISTINCT shard FROM read_parquet(?)", [files]).fetchall()
        referred |= {shard for (shard,) in rows}
    return referred


def _loose_shards(lake: Lake, referred: set[str], limit: float) -> list[Action]:
    """Find shards that no row refers to, changed by a time in seconds since 1970."""
    return [
        Action("remove shard", one.path, one.n_bytes)
        for one in lake.files.listed(f"{FOLDER}/")
        if one.path.endswith(".parquet") and one.path not in referred and one.changed_at <= limit
    ]


def _temporary_files(location: Location, limit: float) -> list[Action]:
    """Find what a process left that died while it wrote a file."""
    found = []
    for path in files_below(location.root):
        if is_temporary(path.name):
            with suppress(FileNotFoundError):  # its writer has just given it its name
                stat = path.lstat()
                if stat.st_mtime <= limit:
                    name = path.relative_to(location.root).as_posix()
                    found.append(Action("remove temporary file", name, stat.st_size))
    return found


def _left_spills(location: Location, limit: float) -> list[Action]:
    """Find what queries that outgrew memory left; not of a process of this host that lives."""
    found = []
    for path in sorted(location.spill.glob("*")):
        stats = []
        for file in (path, *files_below(path)):
            with suppress(FileNotFoundError):
                stats.append(file.lstat())
        if not is_spill_in_use(path) and all(stat.st_mtime <= limit for stat in stats):
            n_bytes = sum(stat.st_size for stat in stats if not S_ISDIR(stat.st_mode))
            found.append(Action("remove temporary file", path.relative_to(location.root).as_posix(), n_bytes))
    return found
