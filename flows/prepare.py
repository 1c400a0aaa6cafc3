"""Cut patches, freeze the data set, assign folds: part of a night, in its own run."""

from typing import Any

from typing_extensions import TypedDict  # pydantic asks for this one below Python 3.12

from deepdlt.config import FoldScheme, PatchRecipe
from deepdlt.refresh import Refresh
from tasks.audit import audit_missing
from tasks.caching import call_cached
from tasks.ledger import StepRecord
from tasks.prepared import (
    assign_all_folds,
    cut_patches_of_new_images,
    dataset_stands,
    freeze_dataset,
    patches_stand,
    splits_stand,
)
from tasks.records import DatasetRecord
from tasks.used import images_used, labels_used


class Prepared(TypedDict):
    """What stands ready for training."""

    dataset: DatasetRecord
    splits: list[dict[str, Any]]
    n_new_patches: int
    steps: list[StepRecord]


def make_ready(
    source: str,
    recipe: PatchRecipe,
    patches_per_image: int,
    labels: list[str],
    schemes: list[FoldScheme],
    n_folds: int,
    seed: int,
    refresh: Refresh,
) -> Prepared:
    """Make what a night trains on: patches of new images, the frozen data set, its folds."""
    images, settings = images_used(source), recipe.model_dump()
    patches, cut = call_cached(
        cut_patches_of_new_images,
        *(source, images, settings),
        confirm=lambda _: patches_stand(source, recipe),
        again=refresh.asks_for("cut"),
    )
    dataset, frozen = call_cached(
        freeze_dataset,
        *(source, images, patches["n_patches"], settings, patches_per_image),
        confirm=lambda record: dataset_stands(source, record),
        again=refresh.asks_for("freeze"),
    )
    values = labels_used(source, labels, schemes)
    splits, assigned = call_cached(
        assign_all_folds,
        *(source, dataset, values, patches_per_image, labels, schemes, n_folds, seed),
        confirm=splits_stand,
        again=refresh.asks_for("assign"),
    )
    audited = audit_missing(source, splits, again=refresh.asks_for("audit"))
    return Prepared(
        dataset=dataset,
        splits=splits,
        n_new_patches=0 if cut["is_hit"] else patches["n_new_patches"],
        steps=[cut, frozen, assigned, audited],
    )
