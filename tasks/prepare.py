"""Cut patches, freeze a data set, assign folds: each only where the lake does not hold it yet."""

import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from deepdlt.config import FoldScheme, PatchRecipe
from deepdlt.dataset.folds import assign_folds, count_levels, split_holdout, split_id_of
from deepdlt.dataset.image_groups import condition_groups
from deepdlt.dataset.patches import dataset_id_of
from deepdlt.digest import digest_json
from deepdlt.errors import DeepdltError
from deepdlt.night import HOLDOUT, NO_LABEL, SplitRecord
from deepdlt.provenance import code_digest
from lake import Lake
from lake.shards import shards_present, write_shards
from lake.statements import load
from tasks.cutting import EARLY, Cut, cut_image
from tasks.lake_access import open_lake
from tasks.records import DatasetRecord, PatchRecord
from tasks.sheet import find_label, sheet_spec

logger = logging.getLogger(__name__)

IMAGES_A_COMMIT = 256
"""Images whose patches are held in memory and committed together: 256 x 100 x 4 KiB = 105 MB."""

FOLD_MODULES = ("deepdlt.dataset.folds", "deepdlt.dataset.image_groups")


class NothingToTrain(DeepdltError):
    """A source has no image with labels and patches."""

    def __init__(self, source: str) -> None:
        self.source = source
        super().__init__(
            f"no image of {source} has both a label row and patches: the table `rejected` says what is wrong with each"
        )


class LevelsMissing(DeepdltError):
    """The values of a label are to be left out one by one, and there are no two of them."""

    def __init__(self, label: str, n_levels: int) -> None:
        self.label = label
        self.n_levels = n_levels
        super().__init__(
            f"the images with patches have {n_levels} value{'' if n_levels == 1 else 's'} of the label {label}, and "
            "the scheme leave-one-level-out needs at least 2: add images of another value, or leave out this label or "
            "the scheme"
        )


class DatasetGone(DeepdltError):
    """The patches of a frozen data set are no longer those of its source."""

    def __init__(self, dataset_id: str, source: str) -> None:
        self.dataset_id = dataset_id
        self.source = source
        super().__init__(
            f"the patches of {source} are no longer those of the data set {dataset_id}, which was frozen of them: "
            "another ingest changed the source meanwhile; run again"
        )


def cut_missing(
    source: str,
    recipe: PatchRecipe,
    *,
    again: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> PatchRecord:
    """Cut the patches that a source's images lack under a recipe.

    Parameters
    ----------
    source : str
        Source folder as the lake knows it.
    recipe : PatchRecipe
        How patches are cut.
    again : bool
        Cut those of all images, and write their shards anew.
    on_progress : callable, optional
        Called with images done and images to do.

    Returns
    -------
    PatchRecord

    Raises
    ------
    NothingToTrain
        If the source has no patches in the end.
    """
    lake = open_lake()
    lacking = images_without_patches(lake, source, recipe)
    todo = lake.query(load("images_of_source"), [source]).sort("image_id") if again else lacking
    n_new = 0
    for start in range(0, todo.height, IMAGES_A_COMMIT):
        part = todo.slice(start, IMAGES_A_COMMIT)
        cut = _cut_and_store(lake, Path(source), recipe, part)
        n_new += sum(cut.get(image_id, 0) for image_id in lacking["image_id"])
        if on_progress:
            on_progress(start + part.height, todo.height)
    EARLY.clear()  # what is left belongs to images that were not taken in
    there = lake.query(load("patch_counts"), [source, recipe.recipe_id])
    if not there.item(0, "n_patches"):
        raise NothingToTrain(source)
    return PatchRecord(
        recipe_id=recipe.recipe_id,
        n_images=there.item(0, "n_images"),
        n_patches=there.item(0, "n_patches"),
        n_new_patches=n_new,
    )


def images_without_patches(lake: Lake, source: str, recipe: PatchRecipe) -> pl.DataFrame:
    """Return image_id and path of every image of a source that lacks rows, or files, of its patches."""
    images = lake.query(load("images_of_source"), [source])
    held = lake.query(load("patch_shards_of_source"), [source, recipe.recipe_id])
    present = shards_present(lake.files, dict(held.select("shard", "shard_bytes").unique().iter_rows()))
    whole = (
        held.filter(pl.col("shard").is_in(list(present)))
        .group_by("image_id")
        .agg(pl.col("n_patches").sum())
        .filter(pl.col("n_patches") == recipe.n_per_image)
    )
    return images.join(whole, on="image_id", how="anti").sort("image_id")


def _cut_and_store(lake: Lake, folder: Path, recipe: PatchRecipe, images: pl.DataFrame) -> dict[str, int]:
    """Cut some images, write their shards, then their manifest rows; return the number of patches of each image."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        cuts = [cut for cut in pool.map(lambda row: _cut(folder, recipe, row), images.iter_rows(named=True)) if cut]
    if not cuts:
        return {}
    manifest = pl.concat([cut.manifest for cut in cuts])
    places = write_shards(lake.files, np.concatenate([cut.pixels for cut in cuts]), manifest["patch_id"].to_list())
    rows = manifest.join(places, on="patch_id", how="left")
    made = pl.DataFrame([{"recipe_id": recipe.recipe_id, **recipe.model_dump(), "created_at": datetime.now(UTC)}])
    with lake.write(f"patches of {len(cuts)} images") as transaction:
        transaction.replace("recipes", made, key=("recipe_id",))
        transaction.replace("patches", rows, key=("patch_id",))
    return dict(rows.group_by("image_id").len().iter_rows())


def _cut(folder: Path, recipe: PatchRecipe, image: dict[str, Any]) -> Cut | None:
    """Cut one image; one that is gone or no longer what was ingested is left for the next ingest to judge."""
    early = EARLY.take(image["image_id"], recipe)
    if early is not None:
        return early
    from deepdlt.source.images import decode_image, image_id_of

    try:
        pixels = decode_image((folder / image["path"]).read_bytes(), path=image["path"]).pixels
    except (OSError, DeepdltError) as error:
        logger.warning("%s cannot be cut, the next ingest will judge it: %s", image["path"], error)
        return None
    if image_id_of(pixels) != image["image_id"]:
        logger.warning(
            "%s has other pixels than when it was ingested: its patches wait for the next ingest; where that says so "
            "again, have all images decoded anew (deepdlt retrain --refresh ingest)",
            image["path"],
        )
        return None
    return cut_image(image["image_id"], pixels, recipe)


def freeze(source: str, recipe: PatchRecipe, *, patches_per_image: int, again: bool = False) -> DatasetRecord:
    """Name the set of patches that a night trains on, and note it in the lake.

    The same images under another path are the same data set; its row then names the newer path, so that what is
    asked by label is asked with the labels of there.

    Parameters
    ----------
    source : str
        Source folder; its present images with labels count.
    recipe : PatchRecipe
        How the patches were cut.
    patches_per_image : int
        The first so many draws of each image.
    again : bool
        Write its row anew, with the snapshot of now.

    Returns
    -------
    DatasetRecord

    Raises
    ------
    NothingToTrain
        If there are no patches.
    """
    lake = open_lake()
    snapshot_id = lake.snapshot_id()
    patches = patches_of(lake, source, recipe.recipe_id, patches_per_image)
    if patches.is_empty():
        raise NothingToTrain(source)
    record = DatasetRecord(
        dataset_id=dataset_id_of(recipe.recipe_id, patches["patch_id"].to_list()),
        recipe_id=recipe.recipe_id,
        n_images=patches["image_id"].n_unique(),
        n_patches=patches.height,
        snapshot_id=snapshot_id,
    )
    known = lake.query(load("dataset_record"), [record["dataset_id"], source])
    if known.height and not again:
        record["snapshot_id"] = known.item(0, "snapshot_id")
        if known.row(0, named=True) == record:
            return record
    now = datetime.now(UTC)
    row = {**record, "source": source, "patches_per_image": patches_per_image, "created_at": now}
    with lake.write(f"data set {record['dataset_id']}") as transaction:
        transaction.replace("datasets", pl.DataFrame([row]), key=("dataset_id",))
    return record


def patches_of(lake: Lake, source: str, recipe_id: str, patches_per_image: int) -> pl.DataFrame:
    """Return patch_id and image_id of a source's data set, sorted by patch_id."""
    return lake.query(load("patches_of_dataset"), [source, recipe_id, patches_per_image])


def assign_missing(
    source: str,
    dataset: DatasetRecord,
    *,
    patches_per_image: int,
    labels: Sequence[str],
    schemes: Sequence[FoldScheme],
    n_folds: int,
    seed: int,
    again: bool = False,
) -> list[SplitRecord]:
    """Assign the folds of a data set that the lake does not hold yet.

    Parameters
    ----------
    source : str
        Source folder, for the label values.
    dataset : DatasetRecord
        What is split.
    patches_per_image : int
        As it was frozen.
    labels : sequence of str
        People's keys of the labels, e.g. ``"NP"``.
    schemes : sequence of FoldScheme
        How folds are drawn.
    n_folds : int
        Folds of each label and scheme; ``leave-one-level-out`` has one for each value of the label.
    seed : int
        Seed of the draws.
    again : bool
        Assign those that the lake holds, too.

    Returns
    -------
    list of SplitRecord
        The holdout split first, then label by label, scheme by scheme.

    Raises
    ------
    LabelUnknown
        If the sheet's declaration has no label of that key.
    LevelsMissing
        If a label of ``leave-one-level-out`` has fewer than two values.
    DatasetGone
        If the source has changed since, and the data set's snapshot does not hold its patches.
    """
    lake = open_lake()
    patches = _frozen_patches(lake, source, dataset, patches_per_image)
    wanted: list[tuple[SplitRecord, Callable[[], pl.DataFrame]]] = [
        _holdout(dataset["dataset_id"], patches, seed),
        *(
            _label_aware(lake, source, dataset["dataset_id"], patches, label, scheme, n_folds, seed)
            for label in dict.fromkeys(labels)
            for scheme in dict.fromkeys(schemes)
        ),
    ]
    known = set() if again else standing_splits(lake, [split.split_id for split, _ in wanted])
    _store_splits(lake, [(split, assign()) for split, assign in wanted if split.split_id not in known])
    return [split for split, _ in wanted]


def _frozen_patches(lake: Lake, source: str, dataset: DatasetRecord, patches_per_image: int) -> pl.DataFrame:
    """Return the patches of a data set: those of its source, or as they were, if an ingest came since it was frozen."""
    patches = patches_of(lake, source, dataset["recipe_id"], patches_per_image)
    if _is_of(dataset, patches):
        return patches
    with lake.at(dataset["snapshot_id"]) as then:
        patches = patches_of(then, source, dataset["recipe_id"], patches_per_image)
    if _is_of(dataset, patches):
        return patches
    raise DatasetGone(dataset["dataset_id"], source)


def _is_of(dataset: DatasetRecord, patches: pl.DataFrame) -> bool:
    """Tell whether these are the patches of a data set."""
    return dataset_id_of(dataset["recipe_id"], patches["patch_id"].to_list()) == dataset["dataset_id"]


def standing_splits(lake: Lake, split_ids: Sequence[str]) -> set[str]:
    """Return those of the splits that the lake holds with all their folds and rows."""
    return set(lake.query(load("splits_that_stand"), [list(split_ids)])["split_id"])


def _holdout(dataset_id: str, patches: pl.DataFrame, seed: int) -> tuple[SplitRecord, Callable[[], pl.DataFrame]]:
    """Return the 80/10/10 split by image and how to assign it."""
    split_id = digest_json([dataset_id, HOLDOUT, seed, code_digest(*FOLD_MODULES)])
    split = SplitRecord(split_id=split_id, dataset_id=dataset_id, scheme=HOLDOUT, label=NO_LABEL, n_folds=1, seed=seed)
    return split, lambda: split_holdout(patches, seed=seed)


def _label_aware(
    lake: Lake,
    source: str,
    dataset_id: str,
    patches: pl.DataFrame,
    label: str,
    scheme: FoldScheme,
    n_folds: int,
    seed: int,
) -> tuple[SplitRecord, Callable[[], pl.DataFrame]]:
    """Return one label-aware split and how to assign it."""
    declared = find_label(label)
    rows = lake.query(load("labels_of_source"), [source])
    values = rows.select("image_id", pl.col(declared.column).alias("value"))
    groups = None
    if scheme in ("condition", "leave-one-level-out"):
        groups = condition_groups(rows, sheet_spec().setting_columns)
    if scheme == "leave-one-level-out":
        n_folds = count_levels(values.join(patches, on="image_id", how="semi"))
        if n_folds < 2:
            raise LevelsMissing(label, n_folds)
    drawn = split_id_of(dataset_id, scheme, label, n_folds, seed, values, kind=declared.kind, groups=groups)
    split = SplitRecord(
        split_id=digest_json([drawn, code_digest(*FOLD_MODULES)]),
        dataset_id=dataset_id,
        scheme=scheme,
        label=label,
        n_folds=n_folds,
        seed=seed,
    )
    return split, lambda: assign_folds(
        patches, values, scheme=scheme, kind=declared.kind, n_folds=n_folds, seed=seed, groups=groups
    )


def _store_splits(lake: Lake, assigned: Sequence[tuple[SplitRecord, pl.DataFrame]]) -> None:
    """Write splits and their folds in one transaction."""
    if not assigned:
        return
    now = datetime.now(UTC)
    with lake.write(f"folds of {len(assigned)} splits") as transaction:
        snapshot_id = transaction.next_snapshot_id()  # the one in which the folds, and all they refer to, stand
        for split, folds in assigned:
            named = folds.with_columns(pl.lit(split.split_id).alias("split_id"))
            transaction.replace_where("folds", named, split_id=split.split_id)
        rows = pl.DataFrame(
            [
                {**split.model_dump(), "n_rows": folds.height, "snapshot_id": snapshot_id, "created_at": now}
                for split, folds in assigned
            ]
        )
        transaction.replace("splits", rows, key=("split_id",))
