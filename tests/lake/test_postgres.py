"""A lake whose catalog is in Postgres: where it is said to be, its lock, and what must never be told."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import polars as pl
import psycopg
import pytest
from postgres import PASSWORD, Postgres

from lake import Lake
from lake.backup import back_up
from lake.backup_errors import BackupElsewhere
from lake.errors import (
    CatalogUnreachable,
    FilesWithoutCatalog,
    FolderMissing,
    LakeLocked,
    LakeLockLost,
    LakeMissing,
    StatementRefused,
)
from lake.location import Location, locate
from lake.lock import writer_lock
from lake.maintenance import maintain

HOLD = """
import sys, time
from lake.location import locate
from lake.lock import writer_lock
with writer_lock(locate(sys.argv[1]), "train NP fold 3"):
    print("held", flush=True)
    time.sleep(60)
"""
ROWS = pl.DataFrame({"night_id": ["n"], "run_id": ["1"], "is_reused": [True]})
WAITING: LiteralString = "pg_locks WHERE locktype = 'advisory' AND NOT granted"
CATALOGS: LiteralString = (
    "pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()"
    " AND pid NOT IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"
)


@pytest.fixture
def place(postgres: Postgres, tmp_path: Path) -> Location:
    """A database to lock; the lock needs no catalog."""
    return locate(f"{postgres.make_database(f'lock_{os.urandom(4).hex()}')}+{tmp_path}")


@contextmanager
def holder(place: Location) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(place)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def add(lake: Lake) -> None:
    """Write a row."""
    with lake.write("record a night", timeout_s=20) as transaction:
        transaction.replace("night_runs", ROWS, ("night_id", "run_id"))


def add_while(lake: Lake, happening: Callable[[Location], None]) -> None:
    """Write a row, and have something happen before it is committed."""
    with lake.write("record a night") as transaction:
        transaction.replace("night_runs", ROWS, ("night_id", "run_id"))
        happening(lake.location)


def end(place: Location, which: LiteralString) -> None:
    """Cut connections."""
    with psycopg.connect(place.database or "", autocommit=True) as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM {which}")


def end_writers(place: Location) -> None:
    """Cut the connections that hold the lock."""
    end(place, "pg_locks WHERE locktype = 'advisory' AND granted")


def end_catalogs(place: Location) -> None:
    """Cut the connections to the catalog, and leave the lock."""
    end(place, CATALOGS)


def test_an_address_names_the_database_and_the_folder_and_is_what_is_set_again() -> None:
    """Workers and children are given what the parent was given."""
    text = "postgres://me@db.lab:5433/lake+/mnt/results"
    place = locate(text)
    assert (place.database, place.root) == ("postgres://me@db.lab:5433/lake", Path("/mnt/results"))
    assert str(place) == text


@pytest.mark.parametrize(
    "text",
    [
        "postgres://me:secret@db/lake+/mnt",
        "postgres://db/lake?password=secret+/mnt",
        "postgres://db/secret+gs://bucket",
        "postgres://db/lake+s3://key:secret@bucket/prefix",
        "postgres://db/lake+s3://bucket/prefix?s3_secret_access_key=secret",
        "postgres://db/lake+s3://bucket/../secret",
        "s3://bucket/secret",
    ],
    ids=["password", "parameters", "a store of another kind", "key", "key as parameter", "way out", "no catalog"],
)
def test_what_an_address_may_not_hold_is_refused_and_not_repeated(text: str) -> None:
    """A password belongs into the environment; the message does not spread it."""
    with pytest.raises(ValueError, match="DEEPDLT_LAKE") as caught:
        locate(text)
    assert "secret" not in str(caught.value)


def test_the_error_says_who_holds_the_lock_and_a_killed_holder_lets_go(place: Location) -> None:
    """Process, host, task and since when, as Postgres has them; after kill -9 the next writer proceeds at once."""
    with holder(place) as process:
        said = rf"cannot record a run: .* process {process.pid} on {os.uname().nodename} \(train.*since 20"
        with (
            pytest.raises(LakeLocked, match=said) as caught,
            writer_lock(place, "record a run", timeout_s=0.2),
        ):
            pass
        assert 0.2 <= caught.value.waited_s < 10
        process.kill()
        process.wait()
        began = time.monotonic()
        with writer_lock(place, "record a run", timeout_s=20):
            assert time.monotonic() - began < 5


def test_a_writer_waits_its_turn(place: Location) -> None:
    """A lock that is let go in time is no error."""
    with holder(place) as process:
        timer = threading.Timer(0.5, process.kill)
        timer.start()
        with writer_lock(place, "record a run", timeout_s=20):
            pass
        timer.join()


def test_a_server_that_goes_while_a_writer_waits_is_said(place: Location) -> None:
    """It is the catalog that cannot be reached, not an error of the driver's."""
    with holder(place):
        timer = threading.Timer(1.0, end, [place, WAITING])
        timer.start()
        with (
            pytest.raises(CatalogUnreachable, match="terminating connection"),
            writer_lock(place, "wait", timeout_s=20),
        ):
            pass
        timer.join()


def test_a_server_that_does_not_answer_is_named_without_the_password(tmp_path: Path) -> None:
    """The message says which database and what to check."""
    with pytest.raises(CatalogUnreachable, match=r"postgres://me@127\.0\.0\.1:1/lake cannot be reached") as caught:
        Lake.open(f"postgres://me@127.0.0.1:1/lake+{tmp_path}", is_read_only=True)
    assert PASSWORD not in str(caught.value)


def test_an_empty_database_is_no_lake(place: Location) -> None:
    """A reader makes none, and names the remedy."""
    with pytest.raises(LakeMissing, match=r"no catalog in postgres://.*make retrain"):
        Lake.open(str(place), is_read_only=True)


@pytest.mark.long
def test_a_writer_whose_lock_is_gone_does_not_commit(far_lake: Lake) -> None:
    """Its connection was cut in mid-transaction: nothing is changed, and the next write goes through."""
    with pytest.raises(LakeLockLost, match="run it again"):
        add_while(far_lake, end_writers)
    assert far_lake.query("FROM night_runs").is_empty()
    add(far_lake)
    assert far_lake.query("FROM night_runs").height == 1


@pytest.mark.long
def test_a_commit_whose_connection_breaks_is_not_said_to_have_changed_nothing(far_lake: Lake) -> None:
    """The server may have done it: the error says so; run again, the row stands once."""
    with pytest.raises(CatalogUnreachable, match="stands or does not"):
        add_while(far_lake, end_catalogs)
    add(far_lake)
    assert far_lake.query("FROM night_runs").height == 1


@pytest.mark.long
def test_a_lake_is_the_same_lake_from_another_mount_point(far_lake: Lake, tmp_path: Path) -> None:
    """Its identity and its rows are in the catalog; where a machine has mounted the folder does not matter."""
    add(far_lake)
    (tmp_path / "elsewhere").symlink_to(far_lake.root)
    with Lake.open(f"{far_lake.location.database}+{tmp_path / 'elsewhere'}") as other:
        assert other.lake_id == far_lake.lake_id
        assert other.query("SELECT run_id FROM night_runs").item() == "1"


@pytest.mark.long
def test_a_machine_that_has_not_mounted_the_folder_is_told_so(far_lake: Lake, tmp_path: Path) -> None:
    """The catalog alone is not the lake; no second one is made beside it."""
    add(far_lake)
    with pytest.raises(FolderMissing, match="mount the shared folder"):
        Lake.open(f"{far_lake.location.database}+{tmp_path / 'nothing'}")
    assert not (tmp_path / "nothing").exists()


@pytest.mark.long
def test_the_folder_of_one_lake_is_not_made_another_s(far_lake: Lake, postgres: Postgres) -> None:
    """A database by another name, empty as a typing mistake finds it, gets no catalog for files that are there."""
    add(far_lake)
    other = postgres.make_database(f"other_{os.urandom(4).hex()}")
    for _ in range(2):
        with pytest.raises(FilesWithoutCatalog, match="Check the name of the database"):
            Lake.open(f"{other}+{far_lake.root}")
    with psycopg.connect(other) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


@pytest.mark.long
def test_the_password_is_nowhere_in_the_lake(far_lake: Lake, postgres: Postgres) -> None:
    """Neither in its files nor in its catalog nor in what attaches it."""
    add(far_lake)
    assert PASSWORD not in str(far_lake.location) + "".join(far_lake.attach_statements())
    files = [path for path in far_lake.root.rglob("*") if path.is_file()]
    assert files
    assert not any(PASSWORD.encode() in path.read_bytes() for path in files)
    with psycopg.connect(far_lake.location.database or "") as connection:
        told = connection.execute("SELECT query_to_xml('TABLE ducklake_metadata', true, true, '')::TEXT").fetchone()
    assert told
    assert PASSWORD not in told[0]


@pytest.mark.long
@pytest.mark.parametrize(
    "sql", ["FROM postgres_query('lake', 'SELECT 1')", "FROM __ducklake_metadata_lake.ducklake_table"]
)
def test_what_people_type_does_not_reach_the_server(far_lake: Lake, sql: str) -> None:
    """The catalog's own tables, and Postgres's functions, are no tables of the lake."""
    with pytest.raises(StatementRefused):
        far_lake.query(sql)


@pytest.mark.long
def test_upkeep_goes_on_a_shared_lake(far_lake: Lake) -> None:
    """Merged files read as before."""
    for name in ("a", "b", "c"):
        with far_lake.write(name) as transaction:
            transaction.execute("INSERT INTO night_runs (night_id, run_id, is_reused) VALUES (?, '1', true)", [name])
    done = maintain(far_lake, keep_days=0, grace_hours=0)
    assert any(action.step == "merge files" for action in done.actions)
    assert far_lake.query("SELECT night_id FROM night_runs ORDER BY ALL")["night_id"].to_list() == ["a", "b", "c"]


@pytest.mark.long
def test_a_backup_of_half_a_lake_is_refused(far_lake: Lake, tmp_path: Path) -> None:
    """The catalog is Postgres's to copy; the message says with what."""
    with pytest.raises(BackupElsewhere, match="pg_dump"):
        back_up(far_lake, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()
