"""A backup is taken while the lake lives, holds everything, and gives it back or says what is wrong."""

import json
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from lake_rows import fill

from lake import Lake
from lake.backup import FILES, MANIFEST, Progress, back_up, restore
from lake.backup_errors import (
    BackupDamaged,
    BackupFolderTaken,
    BackupIncomplete,
    BackupInside,
    BackupMissing,
    LakeExists,
)
from lake.files import atomic_write
from lake.shards import read_patches, write_shard

PIXELS = np.arange(4 * 8 * 8, dtype=np.uint8).reshape(4, 8, 8)


@pytest.fixture
def filled(own_lake: Lake, night_runs: pl.DataFrame) -> Lake:
    """A lake with rows, a shard and a file of another kind."""
    with own_lake.write("rows") as transaction:
        transaction.replace("night_runs", night_runs, key=("night_id", "run_id"))
    write_shard(own_lake.root, PIXELS, [f"p{row}" for row in range(len(PIXELS))])
    (own_lake.root / "models/r1").mkdir(parents=True)
    atomic_write(own_lake.root / "models/r1/last.safetensors", b"weights")
    return own_lake


def rows(lake: Lake) -> list[tuple[object, ...]]:
    """What the smallest table holds."""
    return lake.query_rows("FROM night_runs ORDER BY ALL").rows


def test_restored_lake_is_the_lake_that_was_backed_up(filled: Lake, tmp_path: Path) -> None:
    """Rows, shards and other files come back; the identity too, so that a later night recognises its work."""
    done = back_up(filled, tmp_path / "copy")
    restored = restore(tmp_path / "copy", tmp_path / "new")
    assert (restored.n_files, restored.n_bytes) == (done.n_files, done.n_bytes)
    with Lake.open(tmp_path / "new") as lake:
        assert rows(lake) == rows(filled)
        assert lake.lake_id == filled.lake_id
        shard = next((lake.root / "shards").rglob("*.parquet")).relative_to(lake.root).as_posix()
        manifest = pl.DataFrame({"shard": [shard] * 4, "shard_row": range(4)})
        assert np.array_equal(read_patches(lake.root, manifest, size_px=8), PIXELS)
        assert (lake.root / "models/r1/last.safetensors").read_bytes() == b"weights"


def test_restored_lake_takes_new_rows(filled: Lake, tmp_path: Path, night_runs: pl.DataFrame) -> None:
    """What comes back can be written to, and the original knows nothing of it."""
    back_up(filled, tmp_path / "copy")
    restore(tmp_path / "copy", tmp_path / "new")
    later = night_runs.head(1).with_columns(night_id=pl.lit("later"))
    with Lake.open(tmp_path / "new") as lake:
        with lake.write("rows") as transaction:
            transaction.replace("night_runs", later, key=("night_id", "run_id"))
        assert len(rows(lake)) > len(rows(filled))


def test_second_backup_copies_only_what_is_new(filled: Lake, tmp_path: Path, night_runs: pl.DataFrame) -> None:
    """Into the same folder go the new files and the catalog; what the lake has lost goes from the folder."""
    first = back_up(filled, tmp_path / "copy")
    assert back_up(filled, tmp_path / "copy").n_copied == 1
    (filled.root / "models/r1/last.safetensors").unlink()
    with filled.write("rows") as transaction:
        transaction.replace("night_runs", night_runs.head(1), key=("night_id",))
    second = back_up(filled, tmp_path / "copy")
    assert 1 < second.n_copied < first.n_files
    assert not (tmp_path / "copy" / FILES / "models/r1/last.safetensors").exists()
    restore(tmp_path / "copy", tmp_path / "new")
    with Lake.open(tmp_path / "new") as lake:
        assert rows(lake) == rows(filled)


class CutOffError(Exception):
    """What ends a backup in the middle."""


def cut_off(done: int, of: int) -> None:
    """End a backup once every file is copied, before it says what it holds."""
    if done == of:
        raise CutOffError


def test_a_backup_that_was_cut_off_leaves_the_one_before_it_whole(filled: Lake, tmp_path: Path) -> None:
    """Files that changed under their names are put beside what was backed up; the next backup takes them and tidies."""
    page, model = filled.root / "reports/index.html", filled.root / "models/r1/last.safetensors"
    page.parent.mkdir()
    atomic_write(page, b"one night")
    back_up(filled, tmp_path / "copy")
    then = rows(filled)
    for place, old, new in ((page, b"one night", b"two nights"), (model, b"weights", b"WEIGHTS")):
        assert place.read_bytes() == old
        atomic_write(place, new)
    with filled.write("forget") as transaction:
        transaction.execute("DELETE FROM night_runs")
    with pytest.raises(CutOffError):
        back_up(filled, tmp_path / "copy", on_file=cut_off)
    restore(tmp_path / "copy", tmp_path / "old")
    assert (tmp_path / "old/reports/index.html").read_bytes() == b"one night"
    assert (tmp_path / "old/models/r1/last.safetensors").read_bytes() == b"weights"
    with Lake.open(tmp_path / "old") as lake:
        assert rows(lake) == then
    done = back_up(filled, tmp_path / "copy")
    assert done.n_copied == 1, "what the one that was cut off had copied is not copied again"
    restore(tmp_path / "copy", tmp_path / "new")
    assert (tmp_path / "new/reports/index.html").read_bytes() == b"two nights"
    kept = [path for path in (tmp_path / "copy").rglob("*") if path.is_file()]
    assert len(kept) == done.n_files + 1, "the files, the catalog, the manifest, and nothing of before"


@pytest.mark.parametrize("name", ["files/theirs.txt", "changed/theirs.txt", "theirs.txt"])
def test_a_folder_that_holds_other_things_is_refused(filled: Lake, tmp_path: Path, name: str) -> None:
    """A backup removes what it does not know; nothing is changed there."""
    theirs = tmp_path / "copy" / name
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    with pytest.raises(BackupFolderTaken, match="a folder of its own"):
        back_up(filled, tmp_path / "copy")
    assert [path for path in (tmp_path / "copy").rglob("*") if path.is_file()] == [theirs]


def test_a_first_backup_that_was_cut_off_is_taken_up_again(
    filled: Lake, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Into an empty folder, too; but not by another lake."""
    (tmp_path / "copy").mkdir()
    with pytest.raises(CutOffError):
        back_up(filled, tmp_path / "copy", on_file=cut_off)
    with Lake.open(tmp_path_factory.mktemp("other")) as other, pytest.raises(BackupFolderTaken):
        back_up(other, tmp_path / "copy")
    assert back_up(filled, tmp_path / "copy").n_copied == 1
    restore(tmp_path / "copy", tmp_path / "new")
    with Lake.open(tmp_path / "new") as lake:
        assert rows(lake) == rows(filled)


def test_a_file_that_changes_each_night_is_backed_up_each_night(filled: Lake, tmp_path: Path) -> None:
    """Its place changes from one backup to the next, and what was there goes."""
    page = filled.root / "index.html"
    for text in (b"1", b"2", b"3", b"3", b"1"):
        atomic_write(page, text)
        done = back_up(filled, tmp_path / "copy")
        place = tmp_path / text.decode()
        shutil.rmtree(place, ignore_errors=True)
        restore(tmp_path / "copy", place)
        assert (place / "index.html").read_bytes() == text
        assert sum(path.is_file() for path in (tmp_path / "copy").rglob("*")) == done.n_files + 1


def test_backups_of_before_are_restored_and_gone_on_with(filled: Lake, tmp_path: Path) -> None:
    """Their manifests do not say where a file is stored: each lay at its own path."""
    back_up(filled, tmp_path / "copy")
    manifest = json.loads((tmp_path / "copy" / MANIFEST).read_text())
    for entry in manifest["files"]:
        del entry["stored"]
    (tmp_path / "copy" / MANIFEST).write_text(json.dumps(manifest | {"format": "deepdlt-backup-1"}))
    restore(tmp_path / "copy", tmp_path / "new")
    with Lake.open(tmp_path / "new") as lake:
        assert rows(lake) == rows(filled)
    assert back_up(filled, tmp_path / "copy").n_copied == 1


def model_of(run_id: str) -> dict[str, object]:
    """A row that refers to a run's checkpoint."""
    return {"model_id": run_id, "run_id": run_id, "path": f"models/{run_id}/last.safetensors"}


def removing(*paths: Path) -> Progress:
    """Return what removes files as soon as the first file of a backup is copied."""

    def remove(done: int, _: int) -> None:
        if done == 1:
            for path in paths:
                path.unlink()

    return remove


def test_a_training_that_is_stored_meanwhile_does_not_end_a_backup(filled: Lake, tmp_path: Path) -> None:
    """Its progress goes between listing and copying; what was being written is no file of the lake."""
    fill(filled, models=[model_of("r1")])
    (filled.root / "models/r2").mkdir()
    progress = filled.root / "models/r2/progress.safetensors"
    progress.write_bytes(b"half-way")
    progress.with_name(".progress.safetensors-k2_f8x0a").write_bytes(b"half a file")
    back_up(filled, tmp_path / "copy", on_file=removing(progress))
    restore(tmp_path / "copy", tmp_path / "new")
    assert [path.name for path in sorted((tmp_path / "new/models").rglob("*.*"))] == ["last.safetensors"]


@pytest.mark.parametrize("folder", ["models", "shards", "tables"])
def test_a_file_that_a_row_refers_to_and_that_goes_meanwhile_ends_a_backup(
    filled: Lake, tmp_path: Path, folder: str
) -> None:
    """The error says which, and what went on; the catalog that was copied would ask for it."""
    fill(filled, models=[model_of("r1")])
    (filled.root / "a first file").touch()
    victim = next(path for path in (filled.root / folder).rglob("*.*"))
    with pytest.raises(BackupIncomplete, match=r"deepdlt maintain") as caught:
        back_up(filled, tmp_path / "copy", on_file=removing(victim))
    assert caught.value.path == victim


def test_backup_beside_a_writer_holds_one_moment(filled: Lake, tmp_path: Path) -> None:
    """Every transaction stands in the copy whole or not at all, however many are committed meanwhile."""

    def commit(number: int) -> None:
        pair = pl.DataFrame({"night_id": [f"w{number}"] * 2, "run_id": ["a", "b"], "is_reused": [False, False]})
        with filled.write(f"pair {number}") as transaction:
            transaction.replace("night_runs", pair, key=("night_id", "run_id"))

    with ThreadPoolExecutor(2) as pool:
        writes = [pool.submit(commit, number) for number in range(6)]
        back_up(filled, tmp_path / "copy")
        for write in writes:
            write.result()
    restore(tmp_path / "copy", tmp_path / "new")
    with Lake.open(tmp_path / "new") as lake:
        counts = lake.query_rows("SELECT count(*) FROM night_runs WHERE night_id LIKE 'w%' GROUP BY night_id").rows
        assert all(count == (2,) for count in counts)


@pytest.mark.parametrize("harm", ["changed", "missing", "cut short"])
def test_damaged_backup_makes_no_lake(filled: Lake, tmp_path: Path, harm: str) -> None:
    """A file that is not what was backed up is named, and nothing that opens as a lake is left."""
    back_up(filled, tmp_path / "copy")
    victim = next((tmp_path / "copy" / FILES).rglob("*.safetensors"))
    {
        "changed": lambda: victim.write_bytes(b"weightz"),
        "missing": victim.unlink,
        "cut short": lambda: victim.write_bytes(b"w"),
    }[harm]()
    with pytest.raises(BackupDamaged, match=r"last\.safetensors"):
        restore(tmp_path / "copy", tmp_path / "new")
    assert not (tmp_path / "new" / "catalog.sqlite").exists()


def test_restore_that_was_cut_off_is_finished_by_the_next(filled: Lake, tmp_path: Path) -> None:
    """Files that are in place already are not copied again."""
    back_up(filled, tmp_path / "copy")
    kept = next((tmp_path / "copy" / FILES / "shards").rglob("*.parquet"))
    place = tmp_path / "new" / kept.relative_to(tmp_path / "copy" / FILES)
    place.parent.mkdir(parents=True)
    shutil.copyfile(kept, place)
    done = restore(tmp_path / "copy", tmp_path / "new")
    assert done.n_copied == done.n_files - 1


def test_a_log_that_another_catalog_left_is_not_replayed_into_a_restored_one(filled: Lake, tmp_path: Path) -> None:
    """Where the catalog alone was removed, SQLite's log of it lies there; what comes back is what was backed up."""
    back_up(filled, tmp_path / "copy")
    then = rows(filled)
    (tmp_path / "new").mkdir()
    shutil.copyfile(filled.location.catalog, tmp_path / "lost.sqlite")
    with closing(sqlite3.connect(tmp_path / "lost.sqlite")) as lost:
        lost.execute("PRAGMA journal_mode = WAL")
        lost.execute("DELETE FROM ducklake_data_file")
        lost.commit()
        for suffix in ("-wal", "-shm"):
            shutil.copyfile(tmp_path / f"lost.sqlite{suffix}", tmp_path / f"new/catalog.sqlite{suffix}")
    restore(tmp_path / "copy", tmp_path / "new")
    with Lake.open(tmp_path / "new") as lake:
        assert rows(lake) == then


def test_a_lake_is_never_overwritten(filled: Lake, tmp_path: Path) -> None:
    """Restoring over a lake is refused."""
    back_up(filled, tmp_path / "copy")
    with pytest.raises(LakeExists, match="the whole folder, and run `deepdlt restore` again"):
        restore(tmp_path / "copy", filled.root)


def test_folder_of_another_lake_is_refused(filled: Lake, tmp_path: Path) -> None:
    """The backup of one lake does not replace that of another."""
    back_up(filled, tmp_path / "copy")
    with Lake.open(tmp_path / "other") as other, pytest.raises(BackupDamaged, match="not of"):
        back_up(other, tmp_path / "copy")


def test_manifest_that_leads_out_of_the_folder_is_refused(filled: Lake, tmp_path: Path) -> None:
    """A path with dots in a manifest that somebody edited is no way to another folder."""
    back_up(filled, tmp_path / "copy")
    manifest = tmp_path / "copy" / MANIFEST
    manifest.write_text(manifest.read_text().replace("models/r1/last.safetensors", "../../stolen.safetensors"))
    with pytest.raises(Exception, match=r"\.\."):
        restore(tmp_path / "copy", tmp_path / "new")
    assert not (tmp_path / "stolen.safetensors").exists()


@pytest.mark.parametrize("place", ["lake/backup", "lake", ".", "link/backup"])
def test_a_backup_into_the_lake_or_around_it_is_refused(filled: Lake, tmp_path: Path, place: str) -> None:
    """Each backup would copy those before it; by a link, too. Nothing is written."""
    (tmp_path / "link").symlink_to(filled.root)
    before = {path for path in tmp_path.rglob("*") if path.suffix == ".json" or path.is_dir()}
    with pytest.raises(BackupInside, match="beside the lake"):
        back_up(filled, tmp_path / place)
    assert {path for path in tmp_path.rglob("*") if path.suffix == ".json" or path.is_dir()} == before


def test_folder_without_backup_is_said_to_be_so(tmp_path: Path) -> None:
    """Nothing is made of nothing."""
    with pytest.raises(BackupMissing, match="deepdlt backup"):
        restore(tmp_path, tmp_path / "new")


def test_copies_are_private_to_the_user(filled: Lake, tmp_path: Path) -> None:
    """Nobody else reads a backup, or the lake that it becomes."""
    back_up(filled, tmp_path / "copy")
    restore(tmp_path / "copy", tmp_path / "new")
    for root in (tmp_path / "copy", tmp_path / "copy" / FILES, tmp_path / "new"):
        assert root.stat().st_mode & 0o077 == 0
    catalog = tmp_path / "new/catalog.sqlite"
    assert catalog.stat().st_mode & 0o077 == 0
    with sqlite3.connect(catalog) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    opened.close()
