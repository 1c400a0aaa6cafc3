"""Features of a stored model carry no held-out image into a training."""

import polars as pl
import pytest
import torch
from planted import PlantedLake

from deepdlt.night import RunPlan, SplitRecord, plan_runs
from deepdlt.presets import Preset, find_preset
from lake.statements import load
from tasks.feature_model import FeatureModelHasSeen, FeatureModelUnknown, check_feature_model
from tasks.shared_patches import PatchFiles
from tasks.training_work import take_patches, train_plans

torch.set_num_threads(1)


def plan_of(split: SplitRecord, fold: int = 1) -> RunPlan:
    """Return a training on a fold whose loss compares features of the run ``stored``."""
    found = find_preset("matched-label-cv")
    loss = {"loss": {"mse": 1.0, "feature_matching": 0.1}, "feature_model": "stored"}
    preset = Preset(
        name=found.name,
        settings=found.settings.model_copy(update=loss),
        evaluation="holdout" if split.scheme == "holdout" else "folds",
        published=found.published,
    )
    plans = plan_runs([split], [preset], profile="quick", epochs=1, seeds=(0,))
    (plan,) = [plan for plan in plans if plan.fold == fold]
    return plan


def fold_of(planted: PlantedLake, split: SplitRecord, fold: int = 1) -> pl.DataFrame:
    """Return the patches of a fold."""
    return planted.lake.query(load("patches_of_fold"), [split.split_id, fold])


def check(planted: PlantedLake, stored: tuple[SplitRecord, int], wanted: tuple[SplitRecord, int]) -> None:
    """Put a run on one fold into the lake, and ask whether its features may judge a training on another."""
    planted.night([planted.run("stored", stored[0], fold=stored[1])])
    check_feature_model(planted.lake, plan_of(*wanted), fold_of(planted, *wanted))


@pytest.mark.parametrize("scheme", ["holdout", "grouped", "paper"])
def test_a_model_of_the_same_fold_may_judge(planted: PlantedLake, scheme: str) -> None:
    """It was trained on nothing else than the training itself."""
    split = planted.holdout if scheme == "holdout" else planted.split(scheme, "angle")
    check(planted, (split, 1), (split, 1))


def test_a_model_of_another_fold_over_images_may_not(planted: PlantedLake) -> None:
    """Said with the model, the fold, and how many images it has seen."""
    split = planted.split("grouped", "angle")
    with pytest.raises(FeatureModelHasSeen, match=r"stored.* of the .* images.*angle fold 1/3, grouped") as caught:
        check(planted, (split, 2), (split, 1))
    one, other = (fold_of(planted, split, fold) for fold in (1, 2))
    held = set(one.filter(pl.col("split") != "train")["image_id"])
    seen = held & set(other.filter(split="train")["image_id"])
    assert seen
    assert (caught.value.n_seen, caught.value.n_held_out) == (len(seen), len(held))


def test_a_model_of_the_reports_folds_may_judge_there_alone(planted: PlantedLake) -> None:
    """It has seen something of every image: nothing new on folds over patches, too much on the 80/10/10 split."""
    paper = planted.split("paper", "angle")
    check(planted, (paper, 2), (paper, 1))
    with pytest.raises(FeatureModelHasSeen, match="80/10/10 split"):
        check(planted, (paper, 2), (planted.holdout, 1))


def test_a_model_of_which_nothing_is_known_may_not_judge(planted: PlantedLake) -> None:
    """A run_id that the lake does not hold is said to be that."""
    with pytest.raises(FeatureModelUnknown, match="no run 'stored'"):
        check_feature_model(planted.lake, plan_of(planted.holdout), fold_of(planted, planted.holdout))


def test_a_loss_without_features_asks_nothing(planted: PlantedLake) -> None:
    """Whatever model the settings name."""
    plan = plan_of(planted.holdout)
    plain = plan.model_copy(update={"settings": plan.settings.model_copy(update={"loss": {"mse": 1.0}})})
    check_feature_model(planted.lake, plain, fold_of(planted, planted.holdout))


def test_such_a_training_does_not_begin(planted: PlantedLake) -> None:
    """It is refused before the stored model is read."""
    split = planted.split("grouped", "angle")
    planted.night([planted.run("stored", split, fold=2)])
    plan = plan_of(split)
    with PatchFiles(planted.lake, [plan]) as files, pytest.raises(FeatureModelHasSeen):
        list(train_plans(planted.lake, [plan], take_patches(planted.lake, files.of(plan))))
