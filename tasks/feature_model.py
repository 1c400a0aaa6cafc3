"""May the features of a stored model judge a training: only if it has not seen what the training holds out."""

import polars as pl

from deepdlt.errors import DeepdltError
from deepdlt.night import RunPlan
from lake import Lake
from lake.statements import load


class FeatureModelUnknown(DeepdltError):
    """The lake does not say what the stored model was trained on."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(
            f"the lake holds no run {run_id!r} with its folds, so that nobody can tell which images it was trained on: "
            "give the run_id of a stored run as feature_model, or leave feature_matching out of the loss"
        )


class FeatureModelHasSeen(DeepdltError):
    """The stored model was trained on images that the training holds out."""

    def __init__(self, run_id: str, place: str, n_seen: int, n_held_out: int) -> None:
        self.run_id = run_id
        self.place = place
        self.n_seen = n_seen
        self.n_held_out = n_held_out
        super().__init__(
            f"the stored model {run_id} was trained on {n_seen} of the {n_held_out} images that are held out here "
            f"({place}), and its features would carry them into training: give a feature_model that was trained on "
            "this very fold, or leave feature_matching out of the loss"
        )


def check_feature_model(lake: Lake, plan: RunPlan, fold: pl.DataFrame) -> None:
    """Refuse a stored model that has seen an image of which the training sees nothing itself.

    Parameters
    ----------
    lake : Lake
    plan : RunPlan
        What does not use ``feature_matching`` passes.
    fold : polars.DataFrame
        ``image_id``, ``split`` of the patches of the plan's fold. Where folds are drawn over patches,
        every image is trained on, so that no model can have seen more.

    Raises
    ------
    FeatureModelUnknown
        If the lake does not say what the model was trained on.
    FeatureModelHasSeen
        If it was trained on an image that is held out as a whole.
    """
    if "feature_matching" not in plan.settings.loss:
        return
    run_id = plan.settings.feature_model
    seen = set(lake.query(load("train_images_of_run"), [run_id])["image_id"])
    if not seen:
        raise FeatureModelUnknown(run_id)
    is_trained_on = pl.col("split") == "train"
    held_out = set(fold.filter(~is_trained_on)["image_id"]) - set(fold.filter(is_trained_on)["image_id"])
    if seen & held_out:
        raise FeatureModelHasSeen(run_id, plan.place, len(seen & held_out), len(held_out))
