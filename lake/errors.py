"""What can go wrong in the lake; each error keeps its evidence as attributes."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lake.location import Location


class LakeError(Exception):
    """Something about the lake or the request is wrong, and the message says what to do.

    Children are events; each composes its sentence once, in its constructor.
    """


class LocationInvalid(LakeError, ValueError):
    """What names a lake is none of the forms there are; it is not repeated here, since a password may be in it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class LakeMissing(LakeError):
    """There is no lake where one was to be read."""

    def __init__(self, location: "Location") -> None:
        self.root = location.root
        where = f"catalog in {location.database}" if location.database else location.catalog.name
        is_begun = location.database is None and location.catalog.is_file()
        why = "its making is under way, or was cut off" if is_begun else f"there is no {where}"
        super().__init__(
            f"no lake at {location.files}: {why}. "
            "Make one with `make retrain` or `deepdlt ingest SOURCE`, or point DEEPDLT_LAKE at its folder."
        )


class CatalogUnreachable(LakeError):
    """The Postgres that holds the catalog does not let us in, or does not answer."""

    def __init__(self, database: str, reason: str) -> None:
        self.database = database
        self.reason = reason
        super().__init__(
            f"the lake's catalog in {database} cannot be reached: {reason}. Check that the server runs and that the "
            "database is there; passwords come from PGPASSWORD or PGPASSFILE."
        )


class FolderMissing(LakeError):
    """The catalog knows files that are not where this machine looks for them."""

    def __init__(self, location: "Location") -> None:
        self.root = location.root
        self.database = location.database
        super().__init__(
            f"the lake's catalog in {location.database} is there, and its files are not in {location.root}: "
            "mount the shared folder there, or name the place where it is mounted."
        )


class DriverMissing(LakeError):
    """A lake with its catalog in Postgres or its files in a bucket, without the package that talks to them."""

    def __init__(self, package: str = "psycopg") -> None:
        self.package = package
        where = "its catalog in Postgres" if package == "psycopg" else "its files in a bucket"
        super().__init__(f"a lake with {where} needs {package}: pip install 'deepdlt[many]'")


class BucketUnreachable(LakeError):
    """The bucket that holds a lake's files does not let us in, or does not answer."""

    def __init__(self, bucket: str, endpoint: str, reason: str) -> None:
        self.bucket = bucket
        self.endpoint = endpoint
        self.reason = reason
        super().__init__(
            f"the lake's files in {bucket} at {endpoint} cannot be reached: {reason}. Check that the store runs, that "
            "the bucket is there, and what the key of AWS_ACCESS_KEY_ID may do (docs/many-machines.md); the address "
            "comes from AWS_ENDPOINT_URL. `deepdlt doctor` tries to read and write."
        )


class FilesWithoutCatalog(LakeError):
    """A lake was to be made where files of one are: its catalog was lost, or another place was meant."""

    def __init__(self, location: "Location") -> None:
        self.root = location.root
        self.database = location.database
        where = f"{location.database} holds no catalog" if location.database else f"there is no {location.catalog.name}"
        remedy = (
            "Check the name of the database. If the catalog was lost, put it back with pg_restore"
            if location.database
            else "If the catalog was lost, move the whole folder away and run `deepdlt restore`"
        )
        super().__init__(
            f"the files of a lake are in {location.files}, and {where}: no second lake is made over them. {remedy}; "
            "if a new lake is meant, have DEEPDLT_LAKE name another place, or move the files away."
        )


class FilesOfAnother(LakeError):
    """The catalog is that of one lake, and the files beside it are those of another."""

    def __init__(self, location: "Location", *, found: str, wanted: str) -> None:
        self.root = location.root
        self.found = found
        self.wanted = wanted
        super().__init__(
            f"the files in {location.files} are those of lake {found}, as lake.json there says, and the catalog in "
            f"{location.database or location.catalog} is that of lake {wanted}: nothing was changed. Have DEEPDLT_LAKE "
            "name a catalog and files that belong together, or restore both from one backup; if they do belong "
            "together, remove lake.json."
        )


class LakeTooOld(LakeError):
    """The lake would have to be migrated first, and nothing is to be changed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        super().__init__(
            f"the lake at {root} is as older code left it, and a dry run changes nothing, so it does not bring it up "
            "to date: `deepdlt maintain` without --dry-run does, and so does the next night."
        )


class LakeUnreadable(LakeError):
    """The catalog is there and cannot be attached."""

    def __init__(self, root: Path, reason: str) -> None:
        self.root = root
        self.reason = reason
        super().__init__(
            f"the catalog of the lake at {root} cannot be read: {reason}. "
            "Move the whole folder away and run `deepdlt restore`, which makes a lake of a backup; without a backup, "
            "`deepdlt ingest SOURCE` makes a new one."
        )


class DiskFull(LakeError):
    """There is no room left where something was to be written."""

    def __init__(self, folder: Path, what: str) -> None:
        self.folder = folder
        self.what = what
        super().__init__(
            f"cannot {what}: the disk of {folder} is full. Free or make room (`deepdlt doctor` says how much there is) "
            "and run again: nothing was changed."
        )


class LakeTooNew(LakeError):
    """The lake was written by a later version of the code."""

    def __init__(self, root: Path, *, found: int, known: int) -> None:
        self.root = root
        self.found = found
        self.known = known
        super().__init__(
            f"the lake at {root} is at schema version {found}, this code knows versions up to {known}: "
            "update the code, or use another lake (DEEPDLT_LAKE)."
        )


class LakeReadOnly(LakeError):
    """A lake opened for reading was asked to write."""

    def __init__(self, root: Path) -> None:
        self.root = root
        super().__init__(f"the lake at {root} was opened for reading: open it without is_read_only to write.")


class SnapshotMissing(LakeError):
    """The lake no longer knows a moment of its past."""

    def __init__(self, root: Path, snapshot_id: int) -> None:
        self.root = root
        self.snapshot_id = snapshot_id
        super().__init__(
            f"the lake at {root} has no snapshot {snapshot_id}: it was expired by upkeep, or never there. "
            "`deepdlt restore` of an older backup brings it back."
        )


class LakeLocked(LakeError):
    """Another writer holds the lake, and did not let go in time."""

    def __init__(self, place: str, *, wanted: str, holder: str, waited_s: float) -> None:
        self.place = place
        self.wanted = wanted
        self.holder = holder
        self.waited_s = waited_s
        super().__init__(
            f"cannot {wanted}: the lake at {place} is being written by {holder}; waited {waited_s:.3g} s. "
            "Let that writer finish (or end it) and run again: nothing was changed."
        )


class LakeLockLost(LakeError):
    """The Postgres session that was the writer's lock ended before its transaction was committed."""

    def __init__(self, what: str, reason: str) -> None:
        self.what = what
        self.reason = reason
        super().__init__(
            f"cannot {what}: the connection that held the lake for writing is gone ({reason}), and another may be "
            "writing now. Nothing was changed; run it again."
        )


class LakeReentered(LakeError):
    """A thread that is writing asked for a second transaction."""

    def __init__(self, place: str, *, wanted: str, holder: str) -> None:
        self.place = place
        self.wanted = wanted
        self.holder = holder
        super().__init__(
            f"cannot {wanted}: this thread is already inside a transaction on {place} ({holder}). "
            "Use the transaction that is open, or end it first."
        )


class LakeConflict(LakeError):
    """The catalog refused a commit: someone changed the same table without the writer lock."""

    def __init__(self, what: str, reason: str) -> None:
        self.what = what
        self.reason = reason
        super().__init__(
            f"could not commit {what}: {reason}. Nothing was changed; run it again, "
            "and let every program write through Lake.write."
        )


class StatementFailed(LakeError):
    """DuckDB refused a statement."""

    def __init__(self, what: str, reason: str) -> None:
        self.what = what
        self.reason = reason
        super().__init__(f"{what}: {reason}")


class StatementRefused(LakeError):
    """A statement given to the read-only door does more than read the lake."""

    def __init__(self, found: str, remedy: str) -> None:
        self.found = found
        self.remedy = remedy
        super().__init__(f"refused: {found}. {remedy}")


class TableUnknown(LakeError):
    """A table was named that the lake does not have."""

    def __init__(self, table: str, known: Iterable[str]) -> None:
        self.table = table
        self.known = tuple(sorted(known))
        super().__init__(f"the lake has no table {table!r}; it has {', '.join(self.known)}.")


class ColumnsUnknown(LakeError):
    """A frame has columns that its table does not have."""

    def __init__(self, table: str, unknown: Iterable[str], known: Iterable[str]) -> None:
        self.table = table
        self.unknown = tuple(unknown)
        self.known = tuple(known)
        super().__init__(
            f"table {table} has no column {', '.join(self.unknown)}; it has {', '.join(self.known)}. "
            "Name the columns as the table does, or add them with ensure_columns or a migration."
        )


class ColumnsMissing(LakeError):
    """A frame lacks columns that may not be empty."""

    def __init__(self, table: str, missing: Iterable[str]) -> None:
        self.table = table
        self.missing = tuple(missing)
        super().__init__(f"the rows for table {table} lack the required column {', '.join(self.missing)}.")


class ColumnConflict(LakeError):
    """A column is to hold what its type cannot."""

    def __init__(self, table: str, column: str, *, found: str, wanted: str) -> None:
        self.table = table
        self.column = column
        self.found = found
        self.wanted = wanted
        super().__init__(
            f"column {table}.{column} is {found}, and was to take {wanted}. "
            "Give the values that type, or the column another name."
        )


class KeyRepeated(LakeError):
    """Rows given to replace are not told apart by their key."""

    def __init__(self, table: str, key: Iterable[str], examples: Iterable[object], n_repeated: int) -> None:
        self.table = table
        self.key = tuple(key)
        self.examples = tuple(examples)
        self.n_repeated = n_repeated
        super().__init__(
            f"{n_repeated} keys ({', '.join(self.key)}) stand more than once in the rows for table {table}, "
            f"e.g. {', '.join(map(str, self.examples))}: give each key one row."
        )


class KeyEmpty(LakeError):
    """Rows given to replace have no value in their key."""

    def __init__(self, table: str, column: str, n_empty: int) -> None:
        self.table = table
        self.column = column
        self.n_empty = n_empty
        super().__init__(f"{n_empty} rows for table {table} have no {column}, which is part of their key.")


class PathEscapes(LakeError):
    """A relative path leads out of its folder."""

    def __init__(self, root: Path, relative: str, reason: str) -> None:
        self.root = root
        self.relative = relative
        self.reason = reason
        super().__init__(f"path {relative!r} is not inside {root}: {reason}.")


class ShardMissing(LakeError):
    """A manifest row names a shard that is not there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"shard {path} is missing: run `deepdlt ingest` or the next night to cut its patches again.")


class ShardCorrupt(LakeError):
    """A shard is there and does not hold what the manifest says."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"shard {path} is damaged: {reason}. Delete the file; the next night cuts its patches again.")
