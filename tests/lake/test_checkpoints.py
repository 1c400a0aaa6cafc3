"""Old checkpoints go, and never one that a row, a champion or a night of now needs."""

import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lake_rows import fill

from lake import Lake
from lake.checkpoints import remove_old_checkpoints

KINDS = ("loss", "psnr", "ssim", "last")
RUNS = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.booleans(), st.integers(0, 60), st.sampled_from(["rows", "file only"])),
    min_size=1,
    max_size=5,
)
"""Of each run: whether it was champion, is champion, is of the newest night; its age in days; what there is of it."""
LIMITS = st.integers(0, 50).map(lambda days: days + 0.5)
"""Half a day from every age: the test itself takes time."""


@pytest.fixture(autouse=True)
def without_models(lake: Lake) -> None:
    """Have no file of another test."""
    shutil.rmtree(lake.root / "models", ignore_errors=True)


def put_run(lake: Lake, name: str, age_days: float, *, is_in_lake: bool = True) -> None:
    """Write the four checkpoints of a run, and their rows."""
    folder = lake.root / "models" / name
    folder.mkdir(parents=True, exist_ok=True)
    made = datetime.now(UTC) - timedelta(days=age_days)
    for kind in KINDS:
        file = folder / f"{kind}.safetensors"
        file.write_bytes(b"weights")
        os.utime(file, (made.timestamp(), made.timestamp()))
    rows = [
        {"model_id": f"{name} {kind}", "run_id": name, "best_by": kind, "created_at": made, "n_bytes": 7}
        | {"path": f"models/{name}/{kind}.safetensors"}
        for kind in KINDS
    ]
    if is_in_lake:
        fill(lake, models=rows)


def crown(lake: Lake, *runs: str) -> None:
    """Make runs champions, one after the other."""
    numbers = lake.query("SELECT count(*) FROM champions").item()
    rows = [{"sequence": numbers + place, "run_id": run} for place, run in enumerate(runs, 1)]
    if rows:
        fill(lake, champions=rows)


def files(lake: Lake) -> set[str]:
    """Every checkpoint that there is."""
    return {path.relative_to(lake.root).as_posix() for path in (lake.root / "models").rglob("*") if path.is_file()}


@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(runs=RUNS, keep_days=LIMITS)
def test_what_a_row_refers_to_stays(
    lake: Lake, runs: list[tuple[bool, bool, bool, int, str]], keep_days: float
) -> None:
    """Every row has its file, every run its best and last, every champion all four; the rest, if old, is gone."""
    with lake.write("start anew") as transaction:
        for table in ("models", "champions", "nights", "night_runs"):
            transaction.execute(f"DELETE FROM {table}")
    shutil.rmtree(lake.root / "models", ignore_errors=True)
    names = {f"r{place}": run for place, run in enumerate(runs)}
    for name, (*_, age_days, there) in names.items():
        put_run(lake, name, age_days, is_in_lake=there == "rows")
    crown(
        lake,
        *(name for name, (was, *_) in names.items() if was),
        *(name for name, (_, now, *_) in names.items() if now),
    )
    newest = [{"night_id": "n", "run_id": name} for name, (_, _, is_new, *_) in names.items() if is_new]
    fill(lake, nights=[{"night_id": "n", "sequence": 1}], **({"night_runs": newest} if newest else {}))
    dry = remove_old_checkpoints(lake, keep_days=keep_days, dry_run=True)
    before, rows_before = files(lake), lake.query("SELECT path FROM models").height
    assert len(before) == 4 * len(names)
    assert remove_old_checkpoints(lake, keep_days=keep_days) == dry
    assert before - files(lake) == {action.what for action in dry}
    paths = set(lake.query("SELECT path FROM models")["path"])
    assert paths <= files(lake)
    assert rows_before - len(paths) == sum(action.step == "remove checkpoint" for action in dry)
    for name, (was, now, is_new, age_days, there) in names.items():
        left = {path.partition(".")[0].rpartition("/")[2] for path in files(lake) if path.startswith(f"models/{name}/")}
        is_kept_whole = was or now or age_days < keep_days or (is_new and there == "rows")
        assert left == (set(KINDS) if is_kept_whole else {"loss", "last"} if there == "rows" else set())


def test_a_removal_killed_before_the_files_is_finished_by_the_next(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are gone, the files stand; the next call finds them as files that no row refers to."""
    put_run(lake, "old", 40)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("lake.objects.Folder.remove", killed)
        with pytest.raises(KeyboardInterrupt):
            remove_old_checkpoints(lake, keep_days=30)
    assert len(files(lake)) == 4
    assert lake.query("SELECT count(*) FROM models WHERE run_id = 'old'").item() == 2
    again = remove_old_checkpoints(lake, keep_days=30)
    assert {(action.step, action.what.rpartition("/")[2]) for action in again} == {
        ("remove loose checkpoint", "psnr.safetensors"),
        ("remove loose checkpoint", "ssim.safetensors"),
    }
    assert len(files(lake)) == 2


def test_a_training_under_way_keeps_its_files_whatever_the_age(lake: Lake) -> None:
    """What it has written is younger than the grace time, and what it is writing is no file yet."""
    folder = lake.root / "models" / "under way"
    folder.mkdir(parents=True)
    (folder / "progress.safetensors").write_bytes(b"half")
    (folder / ".last.safetensors-k2_f8x0a").write_bytes(b"half a file")
    put_run(lake, "left", 2, is_in_lake=False)
    gone = remove_old_checkpoints(lake, keep_days=0)
    assert {action.what for action in gone} == {f"models/left/{kind}.safetensors" for kind in KINDS}
    assert len(list(folder.iterdir())) == 2
    gone = remove_old_checkpoints(lake, keep_days=0, grace_hours=0)
    assert [action.what for action in gone] == ["models/under way/progress.safetensors"]


def test_a_file_that_goes_while_files_are_listed_ends_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training removes what it has gone on from, at any time."""
    put_run(lake, "left", 40, is_in_lake=False)

    def goes_after(self: Path, **how: bool) -> os.stat_result:
        found = stat(self, **how)
        if self.name == "last.safetensors":
            self.unlink()
        return found

    stat = Path.stat
    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", goes_after)
        lake.files.listed("models/")
    assert len(remove_old_checkpoints(lake, keep_days=30)) == 3
    assert files(lake) == set()


def test_a_training_that_was_cut_off_of_late_keeps_its_files(lake: Lake) -> None:
    """No row refers to them yet; it goes on from them."""
    folder = lake.root / "models" / "cut off"
    folder.mkdir(parents=True)
    (folder / "progress.safetensors").write_bytes(b"half")
    stamp = time.time() - 20 * 86_400
    os.utime(folder / "progress.safetensors", (stamp, stamp))
    assert remove_old_checkpoints(lake, keep_days=30) == []
    assert [action.what for action in remove_old_checkpoints(lake, keep_days=10)] == [
        "models/cut off/progress.safetensors"
    ]
    assert not folder.exists()
