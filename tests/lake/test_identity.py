"""No lake is made over the files of another one, and none removes files that are another's."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from lake import Lake
from lake.backup import back_up, restore
from lake.checkpoints import remove_old_checkpoints
from lake.errors import FilesOfAnother, FilesWithoutCatalog, LakeError, LakeUnreadable
from lake.identity import NOTE
from lake.maintenance import maintain

BREAK_OFF = """
import os, sys
from lake import Lake, schema
import {module}

def break_off(connection, script, *records):
    connection.execute("BEGIN")
    connection.execute(script)
    for sql, params in records:
        connection.execute(sql, params)
    os._exit(9)

{module}.{name} = {what}
Lake.open(sys.argv[1])
"""
KILLS = {
    "before the catalog": ("lake.connection", "connect_with_extensions", "lambda *_: os._exit(9)"),
    "with the first tables written and not committed": ("lake.schema", "_step", "break_off"),
    "before the views": ("lake.schema", "_make_views", "lambda *_: os._exit(9)"),
    "before its note": ("lake.identity", "settle", "lambda *_, **__: os._exit(9)"),
}
"""Where a process dies that makes a lake: module, function, what takes its place."""


def rows(lake: Lake) -> list[tuple[object, ...]]:
    """What the smallest table holds."""
    return lake.query_rows("FROM night_runs ORDER BY ALL").rows


def files(root: Path) -> dict[str, bytes]:
    """Every file of tables and shards."""
    folders = (root / "tables", root / "shards")
    return {str(path): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


def noted(lake: Lake) -> object:
    """Whose files the note says there are; a statement where there is no note."""
    path = lake.root / NOTE
    return json.loads(path.read_text())["lake_id"] if path.exists() else "no note"


def lose_catalog(lake: Lake) -> None:
    """Remove the catalog as a person does."""
    lake.close()
    for path in lake.root.glob("catalog.sqlite*"):
        path.unlink()


def test_a_lost_catalog_is_no_new_lake(own_lake: Lake, night_runs: pl.DataFrame, tmp_path: Path) -> None:
    """Opening to write is refused with the remedy, every time; nothing is made, and the remedy works."""
    with own_lake.write("rows") as transaction:
        transaction.replace("night_runs", night_runs, key=("night_id", "run_id"))
    back_up(own_lake, tmp_path / "copy")
    lose_catalog(own_lake)
    before = files(own_lake.root)
    for _ in range(2):
        with pytest.raises(FilesWithoutCatalog, match="deepdlt restore") as caught:
            Lake.open(own_lake.root)
        assert caught.value.root == own_lake.root
    assert not own_lake.location.catalog.exists()
    assert files(own_lake.root) == before
    own_lake.root.rename(tmp_path / "away")
    restore(tmp_path / "copy", own_lake.root)
    with Lake.open(own_lake.root) as again:
        assert len(rows(again)) == night_runs.height


def test_a_lost_catalog_is_none_either_where_code_of_before_left_no_note(own_lake: Lake) -> None:
    """The files alone are enough."""
    (own_lake.root / NOTE).unlink()
    lose_catalog(own_lake)
    with pytest.raises(FilesWithoutCatalog):
        Lake.open(own_lake.root)


def test_a_folder_with_other_things_in_it_may_become_a_lake(tmp_path: Path) -> None:
    """Synthetic images, and whatever a person put there, are no files of a lake."""
    (tmp_path / "synthetic").mkdir()
    (tmp_path / "synthetic/a.png").write_bytes(b"image")
    for folder in ("tables", "shards"):
        (tmp_path / folder).mkdir()
    with Lake.open(tmp_path) as lake:
        assert noted(lake) == lake.lake_id


@pytest.mark.parametrize("kill", KILLS)
def test_a_lake_whose_making_was_killed_is_made_by_the_next_opening(tmp_path: Path, kill: str) -> None:
    """Files that the killed one left are no reason to refuse."""
    module, name, what = KILLS[kill]
    code = BREAK_OFF.format(module=module, name=name, what=what)
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "lake")], check=False)
    assert done.returncode == 9
    with Lake.open(tmp_path / "lake") as lake:
        assert rows(lake) == []
        assert noted(lake) == lake.lake_id


def test_the_files_of_another_lake_are_told_from_ones_own(own_lake: Lake, tmp_path: Path) -> None:
    """A catalog that was put beside them, with its own tables, opens to read and not to write."""
    with Lake.open(tmp_path / "other") as other:
        other.close()
        lose_catalog(own_lake)
        shutil.copyfile(other.location.catalog, own_lake.location.catalog)
        shutil.copytree(other.location.tables, own_lake.location.tables, dirs_exist_ok=True)
        with pytest.raises(FilesOfAnother, match=r"lake\.json") as caught:
            Lake.open(own_lake.root)
        assert (caught.value.found, caught.value.wanted) == (own_lake.lake_id, other.lake_id)
        Lake.open(own_lake.root, is_read_only=True).close()


@pytest.mark.parametrize("is_read_only", [True, False], ids=["read", "write"])
def test_a_catalog_without_its_tables_is_said(own_lake: Lake, tmp_path: Path, is_read_only: bool) -> None:
    """Another lake's catalog beside the files: one error with the remedy, and the note stands."""
    with Lake.open(tmp_path / "other") as other:
        other.close()
        lose_catalog(own_lake)
        shutil.copyfile(other.location.catalog, own_lake.location.catalog)
    with pytest.raises(LakeUnreadable, match="deepdlt restore"):
        Lake.open(own_lake.root, is_read_only=is_read_only)
    assert noted(own_lake) == own_lake.lake_id


def test_upkeep_removes_no_file_of_another_lake(own_lake: Lake) -> None:
    """A lake that was open before its folder became another's removes neither shards nor models."""
    loose = [own_lake.root / "shards/00/0.parquet", own_lake.root / "models/r/last.safetensors"]
    for path in loose:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"theirs")
        os.utime(path, (0, 0))
    (own_lake.root / NOTE).write_text(json.dumps({"lake_id": "another"}))
    for upkeep in (
        lambda: maintain(own_lake, keep_days=0, grace_hours=0),
        lambda: remove_old_checkpoints(own_lake, keep_days=0),
    ):
        with pytest.raises(FilesOfAnother):
            upkeep()
    assert all(path.exists() for path in loose)


@pytest.mark.parametrize("way", ["written", "read", "dry"])
def test_a_lake_of_code_of_before_gets_its_note_when_it_is_opened_to_write(own_lake: Lake, way: str) -> None:
    """Reading, and a dry run, change nothing."""
    (own_lake.root / NOTE).unlink()
    with Lake.open(own_lake.root, is_read_only=way == "read", migrates=way == "written") as lake:
        if way == "dry":
            maintain(lake, dry_run=True)
        assert noted(lake) == (lake.lake_id if way == "written" else "no note")


def test_a_restored_lake_has_its_note_and_no_other_s_place(own_lake: Lake, tmp_path: Path) -> None:
    """A restore into a folder with files of another lake is refused; into an empty one it notes whose they are."""
    back_up(own_lake, tmp_path / "copy")
    restore(tmp_path / "copy", tmp_path / "new")
    with Lake.open(tmp_path / "new", is_read_only=True) as lake:
        assert noted(lake) == own_lake.lake_id
    with Lake.open(tmp_path / "other") as other:
        lose_catalog(other)
    with pytest.raises(LakeError, match="those of lake"):
        restore(tmp_path / "copy", tmp_path / "other")
