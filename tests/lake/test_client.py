"""The stock duckdb command line reads the lake, with the lines that we document."""

import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest

import lake as package
from lake import Lake, extensions
from lake.backup import back_up, restore
from lake.connection import connect
from lake.extensions import ON_SQLITE, ExtensionMissing, ExtensionUnusable, extension_path

CLIENT = Path(sys.executable).parent / "duckdb"


def run_client(sql: str, home: Path) -> str:
    """Return what the command line prints, as CSV."""
    command = [str(CLIENT), "-csv", "-noheader"]
    done = subprocess.run(
        command, input=sql, capture_output=True, text=True, timeout=60, check=False, env={"HOME": str(home), "PATH": ""}
    )
    return done.stdout + done.stderr


@pytest.fixture
def filled(lake: Lake, night_runs: pl.DataFrame) -> Lake:
    """A lake with one night of three runs."""
    with lake.write("test") as transaction:
        transaction.replace("night_runs", night_runs, ("night_id", "run_id"))
    return lake


def test_the_lines_for_this_machine_work_beside_a_writer(filled: Lake, tmp_path: Path) -> None:
    """Without a network, with an empty home, while a transaction is open: tables and views; nothing can be written."""
    lines = "\n".join(filled.attach_statements())
    assert len(filled.attach_statements()) == 4
    with filled.write("test") as transaction:
        transaction.execute("DELETE FROM night_runs")
        told = run_client(f"{lines}\nSELECT count(*) FROM night_runs;\nSELECT count(*) FROM fold_summary;", tmp_path)
    assert told == "3\n0\n"
    assert "read-only" in run_client(f"{lines}\nDELETE FROM night_runs;", tmp_path)


def run_two_lines(root: Path, sql: str, home: Path) -> str:
    """Return what a client says that has ducklake, given the two lines of the package's docstring for a lake."""
    (platform,) = duckdb.execute("PRAGMA platform").fetchone() or ("",)
    folder = home / ".duckdb" / "extensions" / f"v{duckdb.__version__}" / platform
    if not folder.exists():
        folder.mkdir(parents=True)
        for name in ON_SQLITE:
            (folder / f"{name}.duckdb_extension").symlink_to(extension_path(name))
    lines = [
        line.strip() for line in (package.__doc__ or "").splitlines() if line.strip().startswith(("ATTACH", "USE"))
    ]
    assert len(lines) == 2
    return run_client("\n".join([*lines, sql]).replace("results/", f"{root}/"), home)


RUNS = "SELECT run_id FROM night_runs ORDER BY ALL;"


def test_two_lines_do_where_the_extension_is_installed(filled: Lake, tmp_path: Path) -> None:
    """Any client that has, or can fetch, ducklake."""
    assert run_two_lines(filled.root, RUNS, tmp_path) == "1\n1\n2\n"


@pytest.mark.parametrize("way", ["moved and opened to write", "restored"])
def test_two_lines_do_where_the_lake_was_brought(
    own_lake: Lake, night_runs: pl.DataFrame, tmp_path: Path, way: str
) -> None:
    """The catalog says where its tables are now, not where they were made."""
    with own_lake.write("test") as transaction:
        transaction.replace("night_runs", night_runs, ("night_id", "run_id"))
    if way == "restored":
        back_up(own_lake, tmp_path / "copy")
        restore(tmp_path / "copy", tmp_path / "elsewhere")
    own_lake.close()
    own_lake.root.rename(tmp_path / ("gone" if way == "restored" else "elsewhere"))
    if way != "restored":
        Lake.open(tmp_path / "elsewhere").close()
    assert run_two_lines(tmp_path / "elsewhere", RUNS, tmp_path) == "1\n1\n2\n"
    snapshot = "SELECT max(snapshot_id) FROM lake.snapshots()"
    with Lake.open(tmp_path / "elsewhere") as lake:
        before = lake.query_rows(snapshot).rows
    with Lake.open(tmp_path / "elsewhere") as lake:
        assert lake.query_rows(snapshot).rows == before


def test_polars_reads_through_the_stock_package(filled: Lake) -> None:
    """DuckDB in Python with the same lines, and polars from its result."""
    with duckdb.connect() as stock:
        for line in filled.attach_statements():
            stock.execute(line)
        frame = stock.execute("SELECT run_id FROM night_runs ORDER BY ALL").pl()
    assert frame["run_id"].to_list() == ["1", "1", "2"]


def test_a_missing_extension_names_its_package() -> None:
    """The message is the command that installs it."""
    with pytest.raises(ExtensionMissing, match="pip install duckdb-extension-no-such-thing=="):
        extension_path("no_such_thing")


def test_every_duckdb_refuses_unsigned_extensions(lake: Lake, tmp_path: Path) -> None:
    """The files of this environment are checked once a process; nothing else can be loaded, then or later."""
    forged = tmp_path / "forged.duckdb_extension"
    forged.write_bytes(extension_path("ducklake").read_bytes()[:-256] + bytes(256))
    for _ in range(2):
        with connect(lake.location, "read") as connection:
            assert connection.execute("SELECT current_setting('allow_unsigned_extensions')").fetchone() == (False,)
            with pytest.raises(duckdb.IOException, match="signature"):
                connection.execute(f"LOAD '{forged}'")
            with pytest.raises(duckdb.Error):
                connection.execute("SET allow_unsigned_extensions = true")


def test_an_extension_that_was_tampered_with_is_refused(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is not the one checked before is checked, and refused by name."""
    forged = tmp_path / "ducklake.duckdb_extension"
    forged.write_bytes(extension_path("ducklake").read_bytes()[:-256] + bytes(256))
    real = extension_path
    monkeypatch.setattr(extensions, "extension_path", lambda name: forged if name == "ducklake" else real(name))
    with pytest.raises(ExtensionUnusable, match=r"cannot load .*ducklake\.duckdb_extension"):
        connect(lake.location, "read")
