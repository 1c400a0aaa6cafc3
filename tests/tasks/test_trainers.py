"""Trainings in processes of their own: real processes, real patches, a real lake."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from deepdlt.config import PatchRecipe, TrainingSettings
from deepdlt.night import RunPlan, SplitRecord, run_id_of, training_code
from deepdlt.presets import Preset
from deepdlt.provenance import versions_of_training
from lake import Lake
from tasks.ingest import ingest_source
from tasks.lake_access import open_lake
from tasks.messages import Event, Order
from tasks.prepare import assign_missing, cut_missing, freeze
from tasks.shared_patches import PatchFiles, SharedPatches, SplitMissing
from tasks.trainers import LAST, Mailbox, Trainer, Trainers

RECIPE = PatchRecipe(size_px=16, n_per_image=8)
LONG = 10_000


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake that the tests of this module share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPDLT_LAKE", str(tmp_path_factory.mktemp("trainers") / "lake"))
        patch.setenv("DEEPDLT_DEVICE", "cpu")
        yield open_lake()


@pytest.fixture(scope="module")
def split(lake: Lake, synthetic: Path) -> SplitRecord:
    """Three folds of twelve images, by angle."""
    folder = ingest_source(synthetic)["source"]
    cut_missing(folder, RECIPE)
    dataset = freeze(folder, RECIPE, patches_per_image=8)
    splits = assign_missing(
        folder, dataset, patches_per_image=8, labels=["angle"], schemes=["grouped"], n_folds=3, seed=0
    )
    return splits[-1]


@pytest.fixture(scope="module")
def trainers(lake: Lake, split: SplitRecord) -> Iterator[Trainers]:
    """Processes that the tests of this module share; those that a test kills are replaced."""
    with Trainers(lake, [plan(split, fold) for fold in (1, 2)], flow_run_id="f") as started:
        yield started


def plan(split: SplitRecord, fold: int, **changed: Any) -> RunPlan:
    """Return a small training of a fold."""
    settings = TrainingSettings(**{"epochs": 2, "batch_size": 16, **changed})
    preset = Preset(name="small", settings=settings, evaluation="folds", published="")
    code = training_code()
    return RunPlan(
        run_id=run_id_of(split, fold, settings, 0, code=code),
        preset=preset.name,
        profile="quick",
        settings=settings,
        fold=fold,
        code_digest=code,
        versions=versions_of_training(),
        **split.model_dump(include={"scheme", "label", "n_folds", "seed", "dataset_id", "split_id"}),
    )


def send(trainers: Trainers, one: RunPlan) -> Mailbox:
    """Have one plan trained by itself."""
    return trainers.train([one])[one.run_id]


def until(box: Mailbox, *kinds: str) -> Event:
    """Return the first event of one of these kinds."""
    while (event := box.get(timeout=300)).kind not in kinds:
        pass
    return event


def test_a_worker_with_another_lake_than_the_nights_is_told_so(tmp_path: Path, split: SplitRecord) -> None:
    """Before any process is started: by the lake that it has, what is not in it, and what to do."""
    with Lake.open(tmp_path / "other") as other, pytest.raises(SplitMissing, match="DEEPDLT_LAKE") as refused:
        Trainers(other, [plan(split, 1)])
    assert str(tmp_path / "other") in str(refused.value)
    assert split.split_id in str(refused.value)


def test_each_fold_lands_in_the_lake_from_its_process(lake: Lake, split: SplitRecord, trainers: Trainers) -> None:
    """Rows, with who asked and how many threads computed; an event for every epoch; no progress file is left."""
    plans = [plan(split, fold) for fold in (1, 2)]
    boxes = [send(trainers, one) for one in plans]
    for one, box in zip(plans, boxes, strict=True):
        assert [until(box, "epoch").numbers["epoch"] for _ in range(2)] == [1, 2]
        assert until(box, *LAST).kind == "trained"
        row = lake.query("SELECT status, flow_run_id, n_threads FROM runs WHERE run_id = ?", [one.run_id]).row(0)
        assert row == ("complete", "f", trainers.way.n_threads)
        assert not (lake.root / f"models/{one.run_id}/progress.safetensors").exists()


def test_processes_read_the_patches_in_one_place(lake: Lake, split: SplitRecord, trainers: Trainers) -> None:
    """The file that holds them is mapped by each process that trains, and has no name."""
    boxes = [send(trainers, plan(split, fold, epochs=3)) for fold in (1, 2)]
    for box in boxes:
        until(box, *LAST)
    for pid in trainers.pids:
        mapped = [Path(one.path) for one in psutil.Process(pid).memory_maps()]
        assert any(path.is_relative_to(lake.root) and not path.exists() for path in mapped)


def test_a_training_that_fails_does_not_stop_the_next(lake: Lake, split: SplitRecord, trainers: Trainers) -> None:
    """It says why, and its process takes the next one."""
    bad = plan(split, 1).model_copy(update={"code_digest": "0" * 32})
    failed, trained = (until(send(trainers, one), *LAST) for one in (bad, plan(split, 3)))
    assert failed.kind == "failed"
    assert "same version" in failed.text
    assert trained.kind == "trained"


def test_a_group_lands_fold_by_fold(lake: Lake, split: SplitRecord, trainers: Trainers) -> None:
    """Two folds as one network: each has its own events, rows and files, and says how many there were."""
    group = [plan(split, fold, learning_rate=2e-4) for fold in (1, 2)]
    boxes = trainers.train(group)
    for one in group:
        assert [until(boxes[one.run_id], "epoch").numbers["epoch"] for _ in range(2)] == [1, 2]
        assert until(boxes[one.run_id], *LAST).kind == "trained"
        row = lake.query("SELECT status, n_together FROM runs WHERE run_id = ?", [one.run_id]).row(0)
        assert row == ("complete", 2)
        assert not (lake.root / f"models/{one.run_id}/progress.safetensors").exists()


def test_a_killed_process_costs_its_own_training_alone(lake: Lake, split: SplitRecord) -> None:
    """kill -9: the training says so; another process takes the place, and goes on from the last epoch."""
    cut = plan(split, 1, epochs=LONG)
    with Trainers(lake, [cut]) as started:
        box = send(started, cut)
        until(box, "epoch")
        (pid,) = started.pids
        os.kill(pid, signal.SIGKILL)
        died = until(box, *LAST)
        assert died.kind == "died"
        assert "SIGKILL" in died.text
        again = send(started, cut)
        assert "in memory" in until(again, "log").text
        assert "goes on after epoch" in until(again, "log", *LAST).text
        assert started.pids != [pid]


@pytest.mark.long
def test_ending_a_batch_ends_its_processes(lake: Lake, split: SplitRecord) -> None:
    """Whoever waits for a training is told that the batch was ended, and no process is left."""
    endless = plan(split, 1, epochs=LONG, learning_rate=1e-6)
    with Trainers(lake, [endless]) as started:
        box = send(started, endless)
        until(box, "epoch")
        pids = started.pids
    assert until(box, *LAST).kind == "ended"
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_process_does_not_outlive_the_flow(lake: Lake, split: SplitRecord) -> None:
    """Whatever the flow died of: once nobody can send an order, a process ends in the middle of a training."""
    endless = plan(split, 1, epochs=LONG, learning_rate=1e-5)
    with PatchFiles(lake, [endless]) as files:
        trainer = Trainer(files.descriptors, lambda _: None)
        box = trainer.send(Order((endless,), files.of(endless), "f", n_threads=1))[endless.run_id]
        until(box, "epoch")
        trainer.hang_up()  # as the system does for a flow that is gone
        assert until(box, *LAST).kind == "died"
        trainer.wait()


def test_a_process_that_died_in_the_middle_of_a_line_is_noticed(
    split: SplitRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half an event is skipped; whoever waits for a training is told how its process ended."""
    dies = tmp_path / "dies"
    dies.write_text("""#!/bin/sh\nread order\nprintf '{"kind": "epoch", "run'\nkill -9 $$\n""")
    dies.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(dies))
    trainer = Trainer((), lambda _: None)
    one = plan(split, 1)
    patches = SharedPatches(split.split_id, descriptor=0, n_patches=1, size_px=16)
    box = trainer.send(Order((one,), patches, "f", n_threads=1))[one.run_id]
    died = box.get(timeout=60)
    trainer.wait()
    assert died.kind == "died"
    assert "SIGKILL" in died.text


def test_an_order_that_cannot_be_read_ends_its_process(
    lake: Lake, split: SplitRecord, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as one of another version of the program: the training says so, and the reason is in the log."""
    other = plan(split, 1).model_copy(update={"fold": 0})
    with PatchFiles(lake, [other]) as files:
        trainer = Trainer(files.descriptors, lambda _: None)
        box = trainer.send(Order((other,), files.of(other), "f", n_threads=1))[other.run_id]
        died = until(box, *LAST)
        trainer.wait()
    assert died.kind == "died"
    assert "exit code 1" in died.text
    assert "an order cannot be read" in caplog.text


@pytest.mark.long
def test_patches_that_cannot_be_read_fail_the_training(lake: Lake, split: SplitRecord, trainers: Trainers) -> None:
    """A shard that is gone is named, and the process stays free for others."""
    with Trainers(lake, [plan(split, 1)]) as started:
        shards = lake.query("SELECT DISTINCT shard FROM patches")["shard"].to_list()
        files = [lake.root / shard for shard in shards]
        kept = [file.rename(file.with_suffix(".away")) for file in files]
        failed = until(send(started, plan(split, 1)), *LAST)
        for file, away in zip(files, kept, strict=True):
            away.rename(file)
        assert failed.kind == "failed"
        assert shards[0] in failed.text
        assert until(send(started, plan(split, 3)), *LAST).kind == "trained"
