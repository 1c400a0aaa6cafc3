"""A disk that is full: said as such, the lake as it was, and all well once there is room."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from planted import plant

from deepdlt.config import TrainingSettings
from deepdlt.night import RunPlan, SplitRecord, training_code
from deepdlt.provenance import versions_of_training
from deepdlt.synthetic.synth import write_synthetic
from lake import Lake
from lake.errors import DiskFull
from lake.files import atomic_write
from lake.shards import shards_present, write_shard
from tasks.lake_access import open_lake
from tasks.trainers import LAST, Trainers

pytestmark = pytest.mark.long
PIXELS = np.random.default_rng(0).integers(0, 256, (64, 64, 64), dtype=np.uint8)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of six megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)], capture_output=True)
    if made.returncode:
        pytest.skip("mounting is not permitted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def write_for_ever(path: Path) -> None:
    """Write until there is no room."""
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def fill(place: Path, *, leave: int) -> Path:
    """Fill a disk but for some bytes."""
    filler = place / "filler"
    with pytest.raises(OSError, match="No space left"):
        write_for_ever(filler)
    with filler.open("r+b") as file:
        file.truncate(filler.stat().st_size - leave)
    return filler


def write_night(lake: Lake, night: str, n_rows: int) -> None:
    """Replace the rows of a night."""
    rows = {"night_id": [night] * n_rows, "run_id": [str(i) for i in range(n_rows)], "is_reused": [True] * n_rows}
    with lake.write(f"night {night}") as transaction:
        transaction.replace("night_runs", pl.DataFrame(rows), ("night_id", "run_id"))


def nights(lake: Lake) -> list[tuple[str, int]]:
    """Return the nights and how many rows they have."""
    return lake.query("SELECT night_id, count(*) FROM night_runs GROUP BY ALL ORDER BY ALL").rows()


WRITES: dict[str, Callable[[Lake], object]] = {
    "lake": lambda lake: write_night(lake, "second", 200_000),
    "shard": lambda lake: write_shard(lake.root, PIXELS, [str(i) for i in range(64)]),
    "page": lambda lake: atomic_write(lake.root / "index.html", bytes(2**20)),
}


@pytest.mark.parametrize("leave", [0, 300_000], ids=["nothing left", "a little left"])
@pytest.mark.parametrize("write", list(WRITES))
def test_a_full_disk_is_said_and_costs_nothing(small_disk: Path, write: str, leave: int) -> None:
    """The error names the disk and what to do; the lake is as it was; with room again the write succeeds."""
    with Lake.open(small_disk / "lake") as lake:
        write_night(lake, "first", 10)
        filler = fill(small_disk, leave=leave if write == "lake" else 0)
        with pytest.raises(DiskFull, match=r"is full.*make room.*nothing was changed"):
            WRITES[write](lake)
        lake.close()
        filler.unlink()
        assert nights(lake) == [("first", 10)]
        assert not (lake.root / "index.html").exists()
        assert [path for path in lake.root.rglob(".tmp-*") if path.is_file()] == []
        if write == "shard":
            assert shards_present(lake.root, [str(WRITES[write](lake))])
        write_night(lake, "second", 10)
        assert nights(lake) == [("first", 10), ("second", 10)]


def test_a_lake_on_a_full_disk_is_not_said_to_be_damaged(small_disk: Path) -> None:
    """Nobody is told to restore a backup for want of room."""
    with Lake.open(small_disk / "lake") as lake:
        write_night(lake, "first", 10)
        lake.close()
        fill(small_disk, leave=0)
        with pytest.raises(DiskFull, match="make room"):
            lake.query("FROM night_runs")


def test_patches_for_which_there_is_no_room_fail_their_training_alone(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says that the scratch disk is full; the flow lives, and with room again it trains."""
    monkeypatch.setenv("DEEPDLT_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("DEEPDLT_SCRATCH", str(small_disk))
    monkeypatch.setenv("DEEPDLT_DEVICE", "cpu")
    write_synthetic(tmp_path / "images", n_images=12, height_px=96, width_px=128)
    with open_lake() as lake:
        planted = plant(lake, tmp_path / "images", schemes=[], labels=[])
        one = plan_of(planted.holdout)
        with Trainers(lake, [one]) as trainers:
            filler = fill(small_disk, leave=100_000)  # of 197 kB
            failed = trainers.train([one])[one.run_id].get(timeout=60)
            assert failed.kind == "failed"
            assert f"disk of {small_disk} is full" in failed.text
            filler.unlink()
            box = trainers.train([one])[one.run_id]
            while (event := box.get(timeout=300)).kind not in LAST:
                pass
            assert event.kind == "trained"


def plan_of(split: SplitRecord) -> RunPlan:
    """Return a training of one epoch."""
    settings = TrainingSettings(epochs=1)
    of_split = split.model_dump(include={"scheme", "label", "n_folds", "seed", "dataset_id", "split_id"})
    software = {"code_digest": training_code(), "versions": versions_of_training()}
    named = {"run_id": "0" * 32, "preset": "small", "profile": "quick", "fold": 1}
    return RunPlan.model_validate({**of_split, **named, **software, "settings": settings})
