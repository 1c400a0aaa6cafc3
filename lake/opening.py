"""What comes before a lake is open: what it says of itself, its making, and telling one that was moved where it is."""

from pathlib import Path

import duckdb

from lake import identity, schema
from lake.access import bucket_told, of_bucket
from lake.connection import Pool, explained
from lake.errors import FilesWithoutCatalog, FolderMissing, LakeError, LakeLocked, LakeMissing, LakeUnreadable
from lake.location import Location
from lake.lock import writer_lock
from lake.objects import files_of
from lake.statements import load


def look(pool: Pool, *, is_read_only: bool) -> schema.State | None:
    """Read what a lake says of itself; None where it is not there or its making is under way.

    Raises
    ------
    LakeMissing
        If it is to be read only, and is not there.
    LakeUnreadable
        If the catalog is damaged, or the tables that it knows are not there.
    LakeLocked
        If it is to be read only, and another program holds it.
    FolderMissing
        If its files are not where this machine looks for them.
    """
    try:
        connection = pool.cursor("guarded")  # the one most callers go on with
    except (LakeMissing, LakeUnreadable, LakeLocked):
        if is_read_only:
            raise
        return None  # a catalog that is damaged, or held, says so when it is opened for writing
    return _state(connection, pool.location)


def make(location: Location, pool: Pool, timeout_s: float) -> schema.State:
    """Make or migrate a lake under the lock; another process may have done it meanwhile.

    Raises
    ------
    FilesWithoutCatalog
        If there is no lake, and files of one.
    LakeUnreadable
        If the catalog is damaged.
    """
    location.make_folders()
    with bucket_told(location), writer_lock(location, "make or update the lake's tables", timeout_s=timeout_s):
        _begin(location, pool)
        connection = pool.cursor("write")
        try:
            state = schema.read_state(connection)
            if state is None or not schema.is_current(state):
                state = schema.bring_up_to_date(connection, location)
        finally:
            connection.close()
    pool.close()
    return state


def settle(location: Location, pool: Pool, state: schema.State, *, writes: bool, timeout_s: float) -> None:
    """Note whose files these are, and tell a catalog in a folder where the folder is now, where it does not say so.

    Programs that attach the catalog without being told where its tables are go by what it says.

    Raises
    ------
    FilesOfAnother
        If the files are those of another lake.
    LakeLocked
        If another writer held it all the time, and there was something to tell.
    """
    files = files_of(location)
    if not identity.is_noted(files, state.lake_id):
        identity.settle(location, files, state.lake_id, writes=writes)
    if location.database or not writes or _is_here(location, _data_path(pool)):
        return
    with writer_lock(location, "note where the lake is", timeout_s=timeout_s):
        connection = pool.cursor("write")
        try:
            connection.execute(load("set_data_path"), [location.data_path])
        finally:
            connection.close()
    pool.close()


def _state(connection: duckdb.DuckDBPyConnection, location: Location) -> schema.State | None:
    """Read what a lake says of itself, and close the connection; None where no table is made yet."""
    try:
        return schema.read_state(connection)
    except (duckdb.IOException, duckdb.HTTPException) as error:
        if told := of_bucket(location, error):
            raise told from None
        if location.database:
            raise FolderMissing(location) from error
        raise explained(location, error) from error
    finally:
        connection.close()


def _begin(location: Location, pool: Pool) -> None:
    """Note that a lake is being made, where there is none; refuse where there was one, or where files are another's."""
    told: LakeError | None = None
    try:
        connection = pool.cursor("guarded")
    except LakeMissing:
        pass
    except LakeUnreadable as error:  # damaged, or not made yet
        told = error
    else:
        if state := _state(connection, location):
            identity.settle(location, files_of(location), state.lake_id)
            return
    try:
        identity.begin(location, files_of(location))
    except FilesWithoutCatalog as error:
        raise told or error from None


def _data_path(pool: Pool) -> str:
    """Return where a catalog says that its tables are."""
    connection = pool.cursor("guarded")
    try:
        row = connection.execute(load("data_path")).fetchone()
    finally:
        connection.close()
    return str(row[0]) if row else ""


def _is_here(location: Location, data_path: str) -> bool:
    """Tell whether a folder is the lake's own, by whatever name."""
    return Path(data_path).resolve() == Path(location.data_path).resolve()
