"""Opening a lake, reading it, writing to it."""

import shutil
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lake import Lake
from lake.connection import connect
from lake.errors import LakeMissing, LakeReadOnly, LakeTooNew, LakeUnreadable, LocationInvalid
from lake.location import locate

KEY = ("night_id", "run_id")


def test_a_new_lake_has_tables_views_and_an_identity(tmp_path: Path) -> None:
    """Opening a folder that is not there makes a lake, once; its identity stays."""
    with Lake.open(tmp_path / "new") as lake:
        first = lake.lake_id
        assert lake.root.stat().st_mode & 0o077 == 0, "the folder is private to the user"
        assert "images" in lake.tables()["name"].to_list()
    with Lake.open(tmp_path / "new") as lake:
        assert lake.lake_id == first
    with Lake.open(tmp_path / "other") as lake:
        assert lake.lake_id != first


def test_opening_an_existing_lake_writes_nothing(lake: Lake) -> None:
    """A lake that is up to date gets no snapshot from being opened."""
    before = lake.snapshot_id()
    with Lake.open(lake.root) as again:
        assert again.snapshot_id() == before


def test_a_lake_may_lie_in_a_folder_of_any_name(tmp_path: Path, night_runs: pl.DataFrame) -> None:
    """Quotes, blanks, signs and letters beyond ASCII in the path are part of the path."""
    with Lake.open(tmp_path / "with space o'neill 50%#x;\N{LATIN SMALL LETTER A WITH DIAERESIS}") as lake:
        with lake.write("test") as transaction:
            transaction.replace("night_runs", night_runs, KEY)
        assert lake.query("FROM night_runs").height == 3
        assert lake.location.catalog.is_file()


@pytest.mark.parametrize("name", ["runs [2024]", "a*", "which?", "back\\slash"])
@pytest.mark.parametrize("address", ["{}", "postgres://me@host/lake+{}"])
def test_a_folder_that_stands_for_others_is_refused(tmp_path: Path, name: str, address: str) -> None:
    """DuckDB takes the path for a pattern where it looks for files that nothing refers to."""
    with pytest.raises(LocationInvalid, match=r"has a . in its path.*Rename the folder"):
        Lake.open(address.format(tmp_path / name))
    assert not (tmp_path / name).exists()


def test_the_environment_says_where_the_lake_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument DEEPDLT_LAKE counts."""
    monkeypatch.setenv("DEEPDLT_LAKE", str(tmp_path / "there"))
    assert locate().root == tmp_path / "there"
    assert locate(tmp_path / "argument").root == tmp_path / "argument"


def test_the_address_of_a_server_is_refused() -> None:
    """A lake is a folder; the message says so and does not repeat what may be a password."""
    with pytest.raises(ValueError, match=r"a lake is a folder, postgres://") as caught:
        Lake.open("postgres://me:secret@host/lake")
    assert "secret" not in str(caught.value)


def test_reading_a_lake_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    """A reader makes no lake, and names the remedy."""
    with pytest.raises(LakeMissing, match="make retrain"):
        Lake.open(tmp_path / "none", is_read_only=True)
    assert not (tmp_path / "none").exists()


def test_a_lake_whose_making_was_cut_off_is_said_to_be_so(tmp_path: Path) -> None:
    """To those who read; there is a catalog, and nothing in it."""
    place = locate(tmp_path / "begun")
    place.make_folders()
    connect(place, "write").close()
    with pytest.raises(LakeMissing, match="its making is under way, or was cut off"):
        Lake.open(place.root, is_read_only=True)


@pytest.mark.parametrize("is_read_only", [True, False], ids=["read", "write"])
def test_a_damaged_catalog_is_said(tmp_path: Path, is_read_only: bool) -> None:
    """A catalog that is no database is an error with a remedy, not a new lake."""
    tmp_path.joinpath("catalog.sqlite").write_bytes(b"nonsense" * 1000)
    with pytest.raises(LakeUnreadable, match="backup"):
        Lake.open(tmp_path, is_read_only=is_read_only)


def test_a_lake_opened_for_reading_refuses_to_write(lake: Lake) -> None:
    """Both ways to write are shut."""
    with Lake.open(lake.root, is_read_only=True) as reader:
        with pytest.raises(LakeReadOnly), reader.write("test"):
            pass
        with pytest.raises(LakeReadOnly), reader.maintenance("test"):
            pass


def test_a_lake_of_later_code_is_refused(own_lake: Lake) -> None:
    """A schema version above ours opens neither to write nor to read."""
    with own_lake.write("pretend") as transaction:
        transaction.execute("INSERT INTO migrations VALUES (9999, '9999_later', now())")
    for is_read_only in (True, False):
        with pytest.raises(LakeTooNew, match="9999"):
            Lake.open(own_lake.root, is_read_only=is_read_only)


def test_a_reader_sees_each_commit_and_nothing_before_it(lake: Lake, night_runs: pl.DataFrame) -> None:
    """A reader beside an open transaction sees the old state, then the new one."""
    with Lake.open(lake.root, is_read_only=True) as reader:
        assert reader.query("FROM night_runs").is_empty()
        with lake.write("test") as transaction:
            transaction.replace("night_runs", night_runs, KEY)
            assert reader.query("FROM night_runs").is_empty()
        assert reader.query("FROM night_runs").height == 3


def test_readers_read_while_a_writer_writes(lake: Lake, night_runs: pl.DataFrame) -> None:
    """Forty reads of two threads beside ten commits fail never and see whole commits only."""
    seen: list[int] = []

    def read() -> None:
        seen.extend(lake.query("FROM night_runs").height for _ in range(20))

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for i in range(10):
        with lake.write("test") as transaction:
            transaction.replace("night_runs", night_runs.with_columns(night_id=pl.lit(str(i))).unique(KEY), KEY)
    for thread in threads:
        thread.join()
    assert len(seen) == 40
    assert all(n % 2 == 0 for n in seen)


def test_old_snapshots_can_be_read(lake: Lake, night_runs: pl.DataFrame) -> None:
    """The number of a snapshot leads back to what stood then."""
    with lake.write("test") as transaction:
        transaction.replace("night_runs", night_runs, KEY)
    then = lake.snapshot_id()
    with lake.write("test") as transaction:
        transaction.execute("DELETE FROM night_runs")
    assert lake.snapshot_id() == then + 1
    assert lake.query(f"FROM night_runs AT (VERSION => {then})").height == 3
    assert lake.query("FROM night_runs").is_empty()


def test_the_snapshot_says_what_was_written(lake: Lake, night_runs: pl.DataFrame) -> None:
    """What a writer said it does stands beside its snapshot."""
    with lake.write("record the night o'neill") as transaction:
        transaction.replace("night_runs", night_runs, KEY)
    newest = lake.query("FROM lake.snapshots() ORDER BY snapshot_id DESC LIMIT 1")
    assert newest["commit_message"].to_list() == ["record the night o'neill"]


def test_time_stamps_come_back_in_utc(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's zone changes neither what is stored nor what is read."""
    columns = {"recipe_id": "r", "size_px": 64, "n_per_image": 1, "gain_low": 0.8, "gain_high": 1.2, "seed": 0}
    recipe = pl.DataFrame(columns)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        stamp = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        with Lake.open(lake.root) as there:
            with there.write("test") as transaction:
                transaction.replace("recipes", recipe.with_columns(created_at=pl.lit(stamp)), ("recipe_id",))
            rows = there.query("SELECT created_at, created_at::VARCHAR AS text FROM recipes")
        assert rows["created_at"][0] == stamp
        assert rows["created_at"].dtype == pl.Datetime("us", "UTC")
        assert rows["text"][0] == "2026-01-02 03:04:05+00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_queries_that_outgrow_memory_at_once_keep_their_pages_apart(own_lake: Lake) -> None:
    """Each DuckDB has a folder of its own in the lake, private to the user, and takes it away with it."""
    rows = "CREATE TEMP TABLE many AS SELECT range AS n, random() AS x FROM range(1_000_000)"
    with Lake.open(own_lake.root) as other, own_lake.read() as first, other.read() as second:
        for connection in (first, second):
            connection.execute("SET memory_limit = '20MB'")
            connection.execute(rows)
        folders = list(own_lake.location.spill.iterdir())
        assert [folder.is_dir() and any(folder.iterdir()) for folder in folders] == [True, True]
        assert own_lake.location.spill.stat().st_mode & 0o077 == 0
        for connection in (first, second):
            assert connection.execute("SELECT sum(n) FROM many").fetchone() == (499_999_500_000,)
    own_lake.close()
    assert list(own_lake.location.spill.iterdir()) == []


def test_a_sum_of_integers_is_an_integer(lake: Lake, night_runs: pl.DataFrame) -> None:
    """DuckDB's wide sums come as Int64, so that Python can count with them."""
    with lake.write("test") as transaction:
        transaction.replace("night_runs", night_runs, KEY)
    frame = lake.query("SELECT sum(run_id::BIGINT) AS total FROM night_runs")
    assert_frame_equal(frame, pl.DataFrame({"total": [4]}))


def test_plain_rows_are_the_frame_s(lake: Lake, night_runs: pl.DataFrame) -> None:
    """The way without polars gives the same names and values."""
    with lake.write("test") as transaction:
        transaction.replace("night_runs", night_runs, KEY)
    sql = "FROM night_runs WHERE night_id = ? ORDER BY run_id"
    plain, frame = lake.query_rows(sql, ["a"]), lake.query(sql, ["a"])
    assert plain.columns == frame.columns
    assert plain.rows == frame.rows()


def test_a_lake_that_was_moved_is_read_where_it_is(own_lake: Lake, tmp_path: Path, night_runs: pl.DataFrame) -> None:
    """Parquet files are found beside the catalog, not where they were first."""
    with own_lake.write("test") as transaction:
        transaction.replace("night_runs", night_runs, KEY)
    own_lake.close()
    shutil.move(own_lake.root, tmp_path / "elsewhere")
    with Lake.open(tmp_path / "elsewhere") as moved:
        assert moved.query("FROM night_runs").height == 3
        with moved.write("test") as transaction:
            transaction.replace("night_runs", night_runs.with_columns(night_id=pl.lit("c")).unique(KEY), KEY)
        assert moved.query("FROM night_runs").height == 5
    assert not own_lake.root.exists()


def test_a_lake_that_was_replaced_is_read_anew(own_lake: Lake, tmp_path: Path, night_runs: pl.DataFrame) -> None:
    """An open lake notices that its catalog is another file now, or none."""
    backup = tmp_path / "backup"
    own_lake.close()
    shutil.copytree(own_lake.root, backup)
    with own_lake.write("test") as transaction:
        transaction.replace("night_runs", night_runs, KEY)
    assert own_lake.query("FROM night_runs").height == 3
    shutil.rmtree(own_lake.root)
    with pytest.raises(LakeMissing):
        own_lake.query("FROM night_runs")
    with pytest.raises(LakeMissing), own_lake.write("test"):
        pass
    shutil.copytree(backup, own_lake.root)
    assert own_lake.query("FROM night_runs").is_empty()


def test_two_processes_may_open_a_new_lake_at_once(tmp_path: Path) -> None:
    """Four openers get one lake: one identity, each migration once."""
    code = "import sys; from lake import Lake; print(Lake.open(sys.argv[1]).lake_id)"
    command = [sys.executable, "-c", code, str(tmp_path / "new")]
    openers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    told = [opener.communicate(timeout=60) for opener in openers]
    assert [opener.returncode for opener in openers] == [0] * 4, told
    assert len({out for out, _ in told}) == 1
    with Lake.open(tmp_path / "new") as lake:
        versions = lake.query("SELECT version FROM migrations")["version"]
    assert versions.is_unique().all()


def test_import_is_light() -> None:
    """Importing the package loads neither DuckDB nor polars nor torch."""
    code = "import sys, lake; print(sorted({'duckdb', 'polars', 'pyarrow', 'numpy', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_plain_rows_need_no_polars(lake: Lake) -> None:
    """A command line that prints rows starts without polars and pyarrow."""
    code = (
        "import sys; from lake import Lake; Lake.open(sys.argv[1], is_read_only=True).query_rows('FROM images');"
        "print(sorted({'polars', 'pyarrow', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(lake.root)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
