"""The steps of preparation as cached tasks: what stands in their keys, and what confirms a hit."""

import logging
from typing import Any

from prefect import task

from deepdlt.config import FoldScheme, PatchRecipe
from lake.statements import load
from tasks.caching import ContentKey
from tasks.lake_access import open_lake
from tasks.prepare import FOLD_MODULES, assign_missing, cut_missing, freeze, images_without_patches, standing_splits
from tasks.records import DatasetRecord, ImagesRecord, LabelsRecord, PatchRecord

logger = logging.getLogger(__name__)

CUT_MODULES = ("deepdlt.dataset.patches", "deepdlt.source.images")
CUT_LIBRARIES = ("numpy", "pillow", "polars")
FREEZE_MODULES = ("deepdlt.dataset.patches",)
FREEZE_LIBRARIES = ("numpy", "polars")
FOLD_LIBRARIES = ("numpy", "polars")
WORK = ("tasks.prepare",)
CUT_WORK = (*WORK, "tasks.cutting")
"""Modules of tasks, beside this one, whose code is in the keys."""


@task(
    name="cut patches",
    cache_policy=ContentKey(modules=CUT_MODULES, work=CUT_WORK, libraries=CUT_LIBRARIES, apart=("source",)),
    persist_result=True,
    result_serializer="json",
    retries=1,
    retry_delay_seconds=2,
    timeout_seconds=3600,
)
def cut_patches_of_new_images(
    source: str,
    images: ImagesRecord,  # noqa: ARG001 - in the key
    recipe: dict[str, Any],
    again: bool = False,
) -> PatchRecord:
    """Cut the patches of images that have none under this recipe, or of all images `again`."""
    record = cut_missing(source, PatchRecipe.model_validate(recipe), again=again, on_progress=_log_progress)
    logger.info("%(n_new_patches)d new patches, %(n_patches)d of %(n_images)d images in all", record)
    return record


def patches_stand(source: str, recipe: PatchRecipe) -> bool:
    """Tell whether every image of the source has its patches, rows and files."""
    return images_without_patches(open_lake(), source, recipe).is_empty()


@task(
    name="freeze data set",
    cache_policy=ContentKey(modules=FREEZE_MODULES, work=WORK, libraries=FREEZE_LIBRARIES, apart=("source",)),
    persist_result=True,
    result_serializer="json",
    retries=1,
    retry_delay_seconds=2,
    timeout_seconds=600,
)
def freeze_dataset(
    source: str,
    images: ImagesRecord,  # noqa: ARG001 - in the key, as is the number of patches: an image may have waited for its cut
    n_patches: int,  # noqa: ARG001
    recipe: dict[str, Any],
    patches_per_image: int,
    again: bool = False,
) -> DatasetRecord:
    """Name the set of patches that this night trains on."""
    record = freeze(source, PatchRecipe.model_validate(recipe), patches_per_image=patches_per_image, again=again)
    logger.info("data set %(dataset_id)s: %(n_patches)d patches of %(n_images)d images", record)
    return record


def dataset_stands(source: str, record: DatasetRecord) -> bool:
    """Tell whether the lake holds the data set just as the record has it, as one of that source."""
    found = open_lake().query(load("dataset_record"), [record["dataset_id"], source])
    return bool(found.height) and found.row(0, named=True) == record


@task(
    name="assign folds",
    cache_policy=ContentKey(
        modules=FOLD_MODULES, work=WORK, libraries=FOLD_LIBRARIES, apart=("source", "dataset snapshot_id")
    ),
    persist_result=True,
    result_serializer="json",
    retries=1,
    retry_delay_seconds=2,
    timeout_seconds=1800,
)
def assign_all_folds(
    source: str,
    dataset: DatasetRecord,
    values: LabelsRecord,  # noqa: ARG001 - in the key
    patches_per_image: int,
    labels: list[str],
    schemes: list[FoldScheme],
    n_folds: int,
    seed: int,
    again: bool = False,
) -> list[dict[str, Any]]:
    """Assign the 80/10/10 split and the label-aware folds of a data set."""
    splits = assign_missing(
        source,
        dataset,
        patches_per_image=patches_per_image,
        labels=labels,
        schemes=schemes,
        n_folds=n_folds,
        seed=seed,
        again=again,
    )
    logger.info("%d splits: %s", len(splits), ", ".join(f"{split.label}/{split.scheme}" for split in splits))
    return [split.model_dump() for split in splits]


def splits_stand(records: list[dict[str, Any]]) -> bool:
    """Tell whether the lake holds every one of the splits, with all its folds and their rows."""
    wanted = [record["split_id"] for record in records]
    return set(wanted) == standing_splits(open_lake(), wanted)


def _log_progress(done: int, of: int) -> None:
    """Say after each commit how far the cutting is."""
    logger.info("patches of %d of %d images cut", done, of)
