"""Cut patches, freeze the data set, assign folds: part of a night, in its own run."""

from typing import Any

from typing_extensions import TypedDict  # pydantic asks for this one below Python 3.12

from deepdlt.config import FoldScheme, PatchRecipe
from tasks.audit import audit_splits, splits_without_audit
from tasks.caching import call_cached
from tasks.ledger import StepRecord
from tasks.prepared import (
    assign_all_folds,
    cut_patches_of_new_images,
    dataset_stands,
    freeze_dataset,
    ledger_of,
    patches_stand,
    splits_stand,
)
from tasks.records import DatasetRecord, IngestRecord


class Prepared(TypedDict):
    """What stands ready for training."""

    dataset: DatasetRecord
    splits: list[dict[str, Any]]
    n_new_patches: int
    steps: list[StepRecord]


def make_ready(
    ingested: IngestRecord,
    recipe: PatchRecipe,
    patches_per_image: int,
    labels: list[str],
    schemes: list[FoldScheme],
    n_folds: int,
    seed: int,
) -> Prepared:
    """Make what a night trains on: patches of new images, the frozen data set, its folds."""
    settings = recipe.model_dump()
    patches, is_hit = call_cached(
        cut_patches_of_new_images, ingested, settings, confirm=lambda _: patches_stand(ingested, recipe)
    )
    dataset, is_frozen = call_cached(freeze_dataset, ingested, settings, patches_per_image, confirm=dataset_stands)
    splits, is_assigned = call_cached(
        assign_all_folds, ingested, dataset, patches_per_image, labels, schemes, n_folds, seed, confirm=splits_stand
    )
    unaudited = splits_without_audit(ingested["source"], splits)
    if unaudited:
        audit_splits(ingested["source"], unaudited)
    asked = {"labels": labels, "schemes": schemes, "folds": n_folds, "seed": seed}
    return Prepared(
        dataset=dataset,
        splits=splits,
        n_new_patches=0 if is_hit else patches["n_new_patches"],
        steps=ledger_of(
            ingested, settings, patches_per_image, dataset, asked, are_hits=(is_hit, is_frozen, is_assigned)
        ),
    )
