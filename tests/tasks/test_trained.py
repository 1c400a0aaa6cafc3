"""What a training leaves in the lake: the same rows for the same seed, each beside what could be had without it."""

import io
import shutil
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
import torch
from lake_rows import fill
from planted import PlantedLake
from polars.testing import assert_frame_equal

from deepdlt.night import RunPlan, plan_runs
from deepdlt.presets import Preset, find_preset
from deepdlt.refresh import Refresh
from lake import Lake
from tasks.aside import set_aside
from tasks.completed import completed_runs
from tasks.forget import forget
from tasks.kept_progress import forget_progress, paths_of
from tasks.messages import Event
from tasks.shared_patches import PatchFiles
from tasks.still_there import DatasetForgotten
from tasks.train import TrainingFailed, train_fold
from tasks.trained import store_failure, store_run
from tasks.trainer import Speaker, _store
from tasks.training_work import TrainedFold, take_patches, train_plans

torch.set_num_threads(1)  # on patches of this number a second one only waits

TABLES = ("epochs", "fold_metrics", "label_metrics", "patch_metrics", "latents", "baselines")
TIMES = ("seconds",)


def plans(planted: PlantedLake, preset: str, *, seeds: tuple[int, ...] = (0,), **settings: Any) -> list[RunPlan]:
    """Return brief trainings of a preset on the 80/10/10 split."""
    found = find_preset(preset)
    chosen = Preset(
        name=preset,
        settings=found.settings.model_copy(update=settings),
        evaluation="holdout",
        published=found.published,
    )
    return plan_runs([planted.holdout], [chosen], profile="quick", epochs=2, seeds=seeds)


def train(lake: Lake, plan: RunPlan) -> None:
    """Train a plan into a lake."""
    store_run(lake, trained_fold(lake, plan), started_at=datetime.now(UTC), flow_run_id="")
    forget_progress(lake.files, [plan.run_id])


def trained_fold(lake: Lake, plan: RunPlan) -> TrainedFold:
    """Train a plan, and store nothing of it yet."""
    with PatchFiles(lake, [plan]) as files:
        (trained,) = train_plans(lake, [plan], take_patches(lake, files.of(plan)))
    assert isinstance(trained, TrainedFold)
    return trained


def fail(lake: Lake, plan: RunPlan) -> bool:
    """Note that a plan failed, and return whether it stands for all that."""
    return store_failure(lake, plan, "out of memory", started_at=datetime.now(UTC), flow_run_id="")


def standing(lake: Lake, plan: RunPlan) -> tuple[Any, ...]:
    """Return what a plan's row says of how it ended, and whether it counts as done."""
    row = lake.query("SELECT status, error FROM runs WHERE run_id = ?", [plan.run_id]).row(0)
    return (*row, completed_runs([plan.run_id]) == {plan.run_id})


def rows(lake: Lake, run_id: str) -> dict[str, pl.DataFrame]:
    """Return what stands of a run; when and how fast it was trained left out."""
    found = {table: lake.query(f"SELECT * FROM {table} ORDER BY ALL") for table in TABLES}
    return {
        table: (frame.filter(run_id=run_id) if "run_id" in frame.columns else frame).drop(TIMES, strict=False)
        for table, frame in found.items()
    }


@pytest.mark.parametrize("preset", ["matched-label-cv", pytest.param("vae", marks=pytest.mark.long)])
def test_two_trainings_of_one_seed_give_equal_rows(planted: PlantedLake, preset: str, tmp_path: Path) -> None:
    """In two lakes that hold the same patches, on a CPU: every number, to the last bit."""
    (plan,) = plans(planted, preset)
    other = tmp_path / "other"
    shutil.copytree(planted.lake.root, other)
    train(planted.lake, plan)
    train(Lake.open(other), plan)
    one, again = rows(planted.lake, plan.run_id), rows(Lake.open(other), plan.run_id)
    for table in TABLES:
        assert one[table].height > 0
        assert_frame_equal(one[table], again[table], check_exact=True)


def test_another_seed_gives_another_run(planted: PlantedLake) -> None:
    """Under a name of its own, with numbers of its own, beside the first."""
    for plan in plans(planted, "matched-label-cv", seeds=(0, 1)):
        train(planted.lake, plan)
    scores = planted.lake.query("SELECT seed, mse FROM fold_metrics WHERE split = 'test'")
    assert set(scores["seed"]) == {0, 1}
    assert scores["mse"].n_unique() == 2


def test_every_metric_row_has_its_baselines(planted: PlantedLake) -> None:
    """Runs, patches and label values alike; the parts add up to the whole."""
    (plan,) = plans(planted, "label-cv")
    train(planted.lake, plan)
    judged = planted.lake.query("FROM judged_metrics").filter(split="test").row(0, named=True)
    patches = planted.lake.query("SELECT * FROM patch_metrics WHERE split = 'test'")
    labels = planted.lake.query("SELECT * FROM label_metrics WHERE split = 'test' AND label = 'PP1'")
    for name in ("mse", "floor_mse", "flat_mse"):
        assert patches[name].mean() == pytest.approx(judged[name], rel=1e-6)
        weighted = (labels[name] * labels["n_patches"]).sum() / labels["n_patches"].sum()
        assert weighted == pytest.approx(judged[name], rel=1e-6)
    assert (patches["mse"] >= patches["floor_mse"] - 1e-9).all()
    baselines = planted.lake.query("FROM baselines").filter(split="test", target_range="signed").row(0, named=True)
    for name in ("floor_mse", "flat_mse", "gain_offset_mse", "pca_8_mse", "pca_32_mse"):
        assert judged[name] == pytest.approx(baselines[name], rel=1e-5)
    assert judged["mark"] == "worse than flat"  # the report's targets, two epochs


def test_done_twice_it_stands_once(planted: PlantedLake) -> None:
    """A training that is stored again, after a worker that died, takes the place of its rows."""
    (plan,) = plans(planted, "matched-label-cv")
    train(planted.lake, plan)
    before = rows(planted.lake, plan.run_id)
    train(planted.lake, plan)
    after = rows(planted.lake, plan.run_id)
    for table in TABLES:
        assert_frame_equal(before[table], after[table], check_exact=True)


def test_what_is_asked_for_again_stands_until_it_is_done(planted: PlantedLake) -> None:
    """It counts as not done, and stays complete, through nights that are cut off or fail; stored anew, it is done."""
    lake, (plan,) = planted.lake, plans(planted, "matched-label-cv")
    train(lake, plan)
    set_aside([plan], Refresh(("train",)))
    assert standing(lake, plan) == ("complete", "it was asked for again, and has not been done since", False)
    assert not fail(lake, plan)
    assert standing(lake, plan) == ("complete", "out of memory", False)
    train(lake, plan)
    assert standing(lake, plan) == ("complete", "", True)


def test_a_training_that_stands_is_not_made_a_failed_one(planted: PlantedLake) -> None:
    """Its process was killed after it was stored, or another night's stored it meanwhile: it counts as trained."""
    lake, (plan,) = planted.lake, plans(planted, "matched-label-cv")
    train(lake, plan)
    box: Any = SimpleQueue()
    box.put(Event("died", plan.run_id, "the process that trained it was killed by SIGKILL"))
    bar: Any = SimpleNamespace(note_end=lambda _: None)
    assert train_fold.fn(plan.model_dump(mode="json"), box, bar) == {"run_id": plan.run_id}
    assert standing(lake, plan) == ("complete", "", True)


def test_one_that_does_not_stand_fails_with_its_reason(planted: PlantedLake) -> None:
    """Of one whose checkpoint is lost the numbers stay, and it is missing still."""
    lake, (lost, never) = planted.lake, plans(planted, "matched-label-cv", seeds=(0, 1))
    train(lake, lost)
    (lake.root / f"models/{lost.run_id}/last.safetensors").unlink()
    bar: Any = SimpleNamespace(note_end=lambda _: None)
    for plan, status in ((lost, "complete"), (never, "failed")):
        box: Any = SimpleQueue()
        box.put(Event("failed", plan.run_id, "out of memory"))
        with pytest.raises(TrainingFailed, match="out of memory"):
            train_fold.fn(plan.model_dump(mode="json"), box, bar)
        assert standing(lake, plan) == (status, "out of memory", False)


def test_nothing_is_stored_of_a_data_set_that_was_forgotten(planted: PlantedLake) -> None:
    """Neither a training nor that it failed; the error says what to do."""
    lake, (plan,) = planted.lake, plans(planted, "matched-label-cv")
    trained = trained_fold(lake, plan)
    forget(lake, [lake.query("SELECT min(image_id) FROM images").item()])
    with pytest.raises(DatasetForgotten, match="run the night again"):
        store_run(lake, trained, started_at=datetime.now(UTC), flow_run_id="")
    with pytest.raises(DatasetForgotten, match="run the night again"):
        fail(lake, plan)
    for table in ("runs", *TABLES):
        assert lake.query(f"FROM {table}").is_empty(), table


def test_what_was_asked_of_a_training_is_asked_again_once_it_is_stored_anew(planted: PlantedLake) -> None:
    """Of it, and of groups that it is in; what was asked of others, or of its split, stands."""
    lake, (plan,) = planted.lake, plans(planted, "matched-label-cv")
    trained = trained_fold(lake, plan)
    store_run(lake, trained, started_at=datetime.now(UTC), flow_run_id="")
    named = {"profile": plan.profile, "preset": plan.preset}
    fill(
        lake,
        night_runs=[{"night_id": "n", "run_id": plan.run_id}],
        groups=[
            named | {"group_id": "with it", "scheme": plan.scheme},
            named | {"group_id": "of folds", "scheme": "paper"},
        ],
        night_groups=[{"night_id": "n", "group_id": group} for group in ("with it", "of folds")],
        analyses=[
            {"subject": subject, "question": question, "asked_of": "x"}
            for question, *subjects in (
                ("probe", plan.run_id, "another"),
                ("difficulty", "with it", "of folds"),
                ("audit", plan.split_id),
            )
            for subject in subjects
        ],
    )
    store_run(lake, trained, started_at=datetime.now(UTC), flow_run_id="")
    left = lake.query("SELECT subject FROM analyses WHERE question != 'label_means'")["subject"].to_list()
    assert sorted(left) == sorted(["another", "of folds", plan.split_id])


def test_progress_that_cannot_be_removed_fails_no_training(planted: PlantedLake) -> None:
    """What is stored is told as trained."""
    lake, (plan,) = planted.lake, plans(planted, "matched-label-cv")
    trained = trained_fold(lake, plan)
    forget_progress(lake.files, [plan.run_id])
    (lake.root / paths_of(plan.run_id)[0]).mkdir()
    said = io.StringIO()
    _store(lake, plan, trained, datetime.now(UTC), "", Speaker(said))
    assert [Event.from_line(line).kind for line in said.getvalue().splitlines()] == ["trained"]
    assert standing(lake, plan) == ("complete", "", True)
