"""What a training leaves in the lake: the same rows for the same seed, each beside what could be had without it."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from planted import PlantedLake
from polars.testing import assert_frame_equal

from deepdlt.night import RunPlan, plan_runs
from deepdlt.presets import Preset, find_preset
from lake import Lake
from tasks.kept_progress import forget_progress
from tasks.shared_patches import PatchFiles
from tasks.trained import store_run
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
    with PatchFiles(lake, [plan]) as files:
        (trained,) = train_plans(lake, [plan], take_patches(lake, files.of(plan)))
    assert isinstance(trained, TrainedFold)
    store_run(lake, trained, started_at=datetime.now(UTC), flow_run_id="")
    forget_progress(lake.files, [plan.run_id])


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
