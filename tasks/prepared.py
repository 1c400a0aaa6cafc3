"""The steps of preparation as cached tasks: what stands in their keys, what confirms a hit, what the ledger says."""

import logging
from typing import Any

from prefect import task

from deepdlt.config import FoldScheme, PatchRecipe
from deepdlt.digest import digest_json
from lake.statements import load
from tasks.caching import ContentKey, work_digests
from tasks.lake_access import open_lake
from tasks.ledger import StepRecord, step_record
from tasks.prepare import FOLD_MODULES, assign_missing, cut_missing, freeze, images_without_patches
from tasks.records import DatasetRecord, IngestRecord, PatchRecord

logger = logging.getLogger(__name__)

CUT_MODULES = ("deepdlt.dataset.patches", "deepdlt.source.images")
FREEZE_MODULES = ("deepdlt.dataset.patches",)
WORK = ("tasks.prepare",)
CUT_WORK = (*WORK, "tasks.cutting")
"""Modules of tasks, beside this one, whose code is in the keys."""


@task(
    name="cut patches",
    cache_policy=ContentKey(modules=CUT_MODULES, work=CUT_WORK),
    persist_result=True,
    result_serializer="json",
    retries=1,
    retry_delay_seconds=2,
    timeout_seconds=3600,
)
def cut_patches_of_new_images(ingested: IngestRecord, recipe: dict[str, Any]) -> PatchRecord:
    """Cut the patches of images that have none under this recipe."""
    record = cut_missing(ingested["source"], PatchRecipe.model_validate(recipe), on_progress=_log_progress)
    logger.info("%(n_new_patches)d new patches, %(n_patches)d of %(n_images)d images in all", record)
    return record


def patches_stand(ingested: IngestRecord, recipe: PatchRecipe) -> bool:
    """Tell whether every image of the source has its patches, rows and files."""
    return images_without_patches(open_lake(), ingested["source"], recipe).is_empty()


@task(
    name="freeze data set",
    cache_policy=ContentKey(modules=FREEZE_MODULES, work=WORK),
    persist_result=True,
    result_serializer="json",
    retries=1,
    retry_delay_seconds=2,
    timeout_seconds=600,
)
def freeze_dataset(ingested: IngestRecord, recipe: dict[str, Any], patches_per_image: int) -> DatasetRecord:
    """Name the set of patches that this night trains on."""
    record = freeze(ingested["source"], PatchRecipe.model_validate(recipe), patches_per_image=patches_per_image)
    logger.info("data set %(dataset_id)s: %(n_patches)d patches of %(n_images)d images", record)
    return record


def dataset_stands(record: DatasetRecord) -> bool:
    """Tell whether the lake holds the data set just as the record has it."""
    found = open_lake().query(load("dataset_record"), [record["dataset_id"]])
    return bool(found.height) and found.row(0, named=True) == record


@task(
    name="assign folds",
    cache_policy=ContentKey(modules=FOLD_MODULES, work=WORK),
    persist_result=True,
    result_serializer="json",
    retries=1,
    retry_delay_seconds=2,
    timeout_seconds=1800,
)
def assign_all_folds(
    ingested: IngestRecord,
    dataset: DatasetRecord,
    patches_per_image: int,
    labels: list[str],
    schemes: list[FoldScheme],
    n_folds: int,
    seed: int,
) -> list[dict[str, Any]]:
    """Assign the 80/10/10 split and the label-aware folds of a data set."""
    splits = assign_missing(
        ingested["source"],
        dataset,
        patches_per_image=patches_per_image,
        labels=labels,
        schemes=schemes,
        n_folds=n_folds,
        seed=seed,
    )
    logger.info("%d splits: %s", len(splits), ", ".join(f"{split.label}/{split.scheme}" for split in splits))
    return [split.model_dump() for split in splits]


def splits_stand(records: list[dict[str, Any]]) -> bool:
    """Tell whether the lake holds every one of the splits with its folds."""
    wanted = {record["split_id"] for record in records}
    there = open_lake().query(load("splits_with_folds"))
    return wanted <= set(there["split_id"])


def ledger_of(
    ingested: IngestRecord,
    recipe: dict[str, Any],
    patches_per_image: int,
    dataset: DatasetRecord,
    asked: dict[str, Any],
    *,
    are_hits: tuple[bool, bool, bool],
) -> list[StepRecord]:
    """Return the ledger's records of cutting, freezing and assigning, in this order, as `are_hits` is."""
    taken = {"ingest": digest_json(ingested), "images": ingested["n_images"]}
    cut = {**taken, "recipe": recipe}
    frozen = {**cut, "patches an image": patches_per_image}
    folds = {**taken, "data set": dataset["dataset_id"], "snapshot": dataset["snapshot_id"], **asked}
    return [
        step_record("cut patches", are_hits[0], {**cut, **_code(CUT_WORK)}, *CUT_MODULES),
        step_record("freeze data set", are_hits[1], {**frozen, **_code(WORK)}, *FREEZE_MODULES),
        step_record("assign folds", are_hits[2], {**folds, **_code(WORK)}, *FOLD_MODULES),
    ]


def _code(work: tuple[str, ...]) -> dict[str, str]:
    """Return the code of modules of tasks as inputs of the ledger."""
    return {f"code of {name}": digest for name, digest in work_digests(__name__, *work).items()}


def _log_progress(done: int, of: int) -> None:
    """Say after each commit how far the cutting is."""
    logger.info("patches of %d of %d images cut", done, of)
