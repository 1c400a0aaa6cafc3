"""A training leaves the baselines of its fold once, and the codes of the patches that are asked about."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from planted import PATCHES_AN_IMAGE, PlantedLake
from polars.testing import assert_frame_equal

from deepdlt.analysis.fold_baselines import measure_fold
from deepdlt.analysis.latents import encode_patches
from deepdlt.night import RunPlan
from deepdlt.training.checkpoints import Checkpoint, load_checkpoint
from deepdlt.training.patchset import PatchSet
from deepdlt.training.settings import TrainingSettings
from deepdlt.training.train import train
from lake.shards import read_patches
from lake.statements import load
from tasks import measures
from tasks.measures import encode_fold, measure_baselines

torch.set_num_threads(1)  # on patches of this number a second one only waits


def plan_of(planted: PlantedLake, *, is_holdout: bool = True, **settings: Any) -> RunPlan:
    """Return a plan on the 80/10/10 split, or on the second fold by angle."""
    split = planted.holdout if is_holdout else planted.split("grouped", "angle")
    return RunPlan(
        run_id="run",
        preset="planted",
        profile="quick",
        settings=TrainingSettings(epochs=1, target_range="unit", latent_dim=7, **settings),
        scheme=split.scheme,
        label=split.label,
        fold=1 if is_holdout else 2,
        n_folds=split.n_folds,
        seed=0,
        dataset_id=planted.dataset_id,
        split_id=split.split_id,
        code_digest="code",
        versions={},
    )


def held(planted: PlantedLake, plan: RunPlan) -> tuple[PatchSet, pl.DataFrame]:
    """Return all patches and the fold of a plan, as a worker holds them."""
    manifest = planted.lake.query(load("patches_of_fold"), [plan.split_id, plan.fold])
    patches = PatchSet.from_array(read_patches(planted.lake.root, manifest, size_px=64), device="cpu")
    return patches, manifest.with_row_index("row")


@pytest.fixture
def best(planted: PlantedLake, tmp_path: Path) -> Checkpoint:
    """A checkpoint after one epoch on a few patches."""
    plan = plan_of(planted)
    patches, _ = held(planted, plan)
    result = train(
        patches, plan.settings, train_index=range(8), val_index=range(8, 12), checkpoint_dir=tmp_path / "models"
    )
    return load_checkpoint(result.checkpoints["loss"])


def test_baselines_are_those_of_the_folds_own_sides(planted: PlantedLake) -> None:
    """Fitted on its training patches, measured on its validation and test patches, named by split and fold."""
    plan = plan_of(planted, is_holdout=False)
    patches, fold = held(planted, plan)
    measured = measure_baselines(planted.lake, plan, patches, fold)
    assert measured is not None
    pixels = patches.pixels[:, 0].numpy()
    sides = {split: pixels[(fold["split"] == split).to_numpy()] for split in ("train", "val", "test")}
    expected = measure_fold(sides.pop("train"), sides)
    assert_frame_equal(measured.select(expected.columns), expected)
    assert measured.select("split_id", "fold").unique().rows() == [(plan.split_id, 2)]


def test_baselines_that_stand_are_not_measured_again(planted: PlantedLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """They belong to the fold, whatever is trained on it; other code measures anew."""
    plan = plan_of(planted)
    patches, fold = held(planted, plan)
    measured = measure_baselines(planted.lake, plan, patches, fold)
    assert measured is not None
    with planted.lake.write("baselines") as transaction:
        transaction.replace("baselines", measured, key=("split_id", "fold", "split", "target_range"))
    assert measure_baselines(planted.lake, plan, patches, fold) is None
    other = plan_of(planted, is_holdout=False)
    assert measure_baselines(planted.lake, other, *held(planted, other)) is not None
    monkeypatch.setattr(measures, "code_digest", lambda _: "other code")
    assert measure_baselines(planted.lake, plan, patches, fold) is not None


def test_another_view_has_no_baselines(planted: PlantedLake) -> None:
    """Floor, flat patch and PCA are of pixels; a spectrum is not measured by them."""
    plan = plan_of(planted, view="fourier")
    assert measure_baselines(planted.lake, plan, *held(planted, plan)) is None


def test_all_patches_of_the_holdout_split_are_encoded(planted: PlantedLake, best: Checkpoint) -> None:
    """Each with its image and side, in the code that the checkpoint gives its pixels."""
    plan = plan_of(planted)
    patches, fold = held(planted, plan)
    found = encode_fold(best, patches, fold, plan)
    assert found.height == 30 * PATCHES_AN_IMAGE
    assert_frame_equal(found.select("patch_id", "image_id", "split"), fold.select("patch_id", "image_id", "split"))
    expected, _ = encode_patches(best.model, patches, range(len(patches)), target_range="unit")
    assert np.array(found["code"].to_list()) == pytest.approx(expected, abs=1e-5)
    assert set(found["code_kind"]) == {"bottleneck"}


def test_a_fold_keeps_the_codes_of_its_test_patches(planted: PlantedLake, best: Checkpoint) -> None:
    """Twenty folds of all patches would be twenty copies of the data set."""
    plan = plan_of(planted, is_holdout=False)
    patches, fold = held(planted, plan)
    found = encode_fold(best, patches, fold, plan)
    assert found["patch_id"].to_list() == fold.filter(split="test")["patch_id"].to_list()
    assert 0 < found.height < fold.height


def test_the_codes_fit_the_lake(planted: PlantedLake, best: Checkpoint) -> None:
    """Written and read again, a code is the same to the last bit."""
    plan = plan_of(planted)
    found = encode_fold(best, *held(planted, plan), plan)
    with planted.lake.write("codes") as transaction:
        transaction.replace_where("latents", found, run_id="run")
    stored = planted.lake.query(load("latents_of_run"), ["run"])
    assert stored["code"].to_list() == found["code"].to_list()
