"""One training from the lake's patches to rows and files, without Prefect.

Imports torch: only workers that train come here.
"""

import functools
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from deepdlt.loss.losses import Dissimilarity
from deepdlt.night import RunPlan
from deepdlt.provenance import library_versions
from deepdlt.quality.scoring import score_patches
from deepdlt.threads import torch_threads
from deepdlt.training.checkpoints import Checkpoint, RunIdentity, load_checkpoint
from deepdlt.training.devices import pick_device
from deepdlt.training.patchset import PatchSet
from deepdlt.training.progress import EpochRecord
from deepdlt.training.settings import TrainingSettings
from deepdlt.training.train import PROGRESS_FILE, TrainingResult, build_dissimilarity, train
from lake import Lake
from lake.files import inside
from lake.statements import load
from tasks.choices import WeightsMissing, digest_file
from tasks.measures import encode_fold, measure_baselines
from tasks.placing import place_patches
from tasks.shared_patches import SharedPatches

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainedFold:
    """A training and its scores, not yet in the lake."""

    plan: RunPlan
    result: TrainingResult
    scores: pl.DataFrame
    """One row per held-out patch, with patch_id, image_id and split."""
    train_patches: pl.DataFrame
    latents: pl.DataFrame
    """Codes, as rows of the table `latents`."""
    baselines: pl.DataFrame | None
    """Rows of the table `baselines`; None where they stand in the lake, or do not apply."""
    folder: Path


@dataclass(frozen=True)
class DatasetPatches:
    """A data set in memory: pixels on the device, and which row holds which patch."""

    patches: PatchSet
    rows: pl.DataFrame
    """patch_id and row."""


def device_name() -> str:
    """Return the kind of device that trainings of this process run on: `DEEPDLT_DEVICE`, else the best there is.

    Raises
    ------
    DeviceMissing
        If `DEEPDLT_DEVICE` names one that is not here.
    """
    return str(pick_device(os.environ.get("DEEPDLT_DEVICE", "auto")).type)


@functools.lru_cache(maxsize=1)
def take_patches(lake: Lake, shared: SharedPatches) -> DatasetPatches:
    """Make a data set's patches ready for the device, once for all trainings of this process.

    Parameters
    ----------
    lake : Lake
    shared : SharedPatches
        Where they lie.

    Returns
    -------
    DatasetPatches

    Raises
    ------
    DeviceMissing
        If `DEEPDLT_DEVICE` names a device that is not here.
    """
    patches = place_patches(shared, os.environ.get("DEEPDLT_DEVICE", "auto"))
    return DatasetPatches(patches, shared.rows(lake))


def train_plan(
    lake: Lake, plan: RunPlan, held: DatasetPatches, *, on_epoch: Callable[[EpochRecord], None] | None = None
) -> TrainedFold:
    """Train one plan, or go on where an earlier try was cut off, and score its best checkpoint.

    Parameters
    ----------
    lake : Lake
        Holds the patches; checkpoints go to its folder ``models/<run_id>``.
    plan : RunPlan
        What to train.
    held : DatasetPatches
        All patches of its data set, on the device to train on: `take_patches`.
    on_epoch : callable, optional
        Called with each epoch's record.

    Returns
    -------
    TrainedFold

    Raises
    ------
    TrainingDiverged
        If a loss is not finite.
    """
    fold = lake.query(load("patches_of_fold"), [plan.split_id, plan.fold]).join(held.rows, on="patch_id")
    train_rows, val_rows = (fold.filter(split=split)["row"].to_numpy() for split in ("train", "val"))
    dissimilarity = _dissimilarity(lake, plan.settings, held.patches)
    result = train(
        held.patches,
        plan.settings,
        train_index=train_rows,
        val_index=val_rows,
        checkpoint_dir=_folder(lake, plan),
        dissimilarity=dissimilarity,
        seed=plan.seed,
        identity=_identity(plan),
        on_epoch=on_epoch,
    )
    with torch_threads(result.n_threads):
        return _examine(lake, plan, held.patches, fold, result, dissimilarity)


def _examine(
    lake: Lake,
    plan: RunPlan,
    patches: PatchSet,
    fold: pl.DataFrame,
    result: TrainingResult,
    dissimilarity: Dissimilarity,
) -> TrainedFold:
    """Score and encode with the best checkpoint of a training."""
    best = load_checkpoint(result.checkpoints["loss"], device=patches.device)
    return TrainedFold(
        plan=plan,
        result=result,
        scores=pl.concat([_score(best, patches, fold, plan, split, dissimilarity) for split in ("val", "test")]),
        train_patches=fold.filter(pl.col("split") == "train"),
        latents=encode_fold(best, patches, fold, plan),
        baselines=measure_baselines(lake, plan, patches, fold),
        folder=_folder(lake, plan),
    )


def _folder(lake: Lake, plan: RunPlan) -> Path:
    """Return where a training keeps its checkpoints."""
    return inside(lake.root, f"models/{plan.run_id}")


def forget_progress(trained: TrainedFold) -> None:
    """Remove the file that a cut-off training would go on from, once the run stands in the lake."""
    (trained.folder / PROGRESS_FILE).unlink(missing_ok=True)


def _identity(plan: RunPlan) -> RunIdentity:
    """Return where the checkpoints of a plan belong."""
    return RunIdentity(
        run_id=plan.run_id,
        dataset_id=plan.dataset_id,
        split_id=plan.split_id,
        code_digest=plan.code_digest,
        versions=library_versions(),
    )


def _dissimilarity(lake: Lake, settings: TrainingSettings, patches: PatchSet) -> Dissimilarity:
    """Return what a training's reconstructions are judged by; a stored model's encoder comes from the lake."""
    if settings.vgg_weights and digest_file(Path(settings.vgg_weights)) != settings.vgg_digest:
        raise WeightsMissing(Path(settings.vgg_weights), "it is not the file that the night was planned with")
    if "feature_matching" not in settings.loss:
        return build_dissimilarity(settings, device=patches.device)
    stored = load_checkpoint(
        inside(lake.root, f"models/{settings.feature_model}") / "loss.safetensors", device=patches.device
    )
    encoder, encoder_range = stored.model.encoder, stored.header.target_range
    return build_dissimilarity(settings, device=patches.device, encoder=encoder, encoder_range=encoder_range)


def _score(
    best: Checkpoint,
    patches: PatchSet,
    fold: pl.DataFrame,
    plan: RunPlan,
    split: str,
    dissimilarity: Dissimilarity,
) -> pl.DataFrame:
    """Score one split's patches."""
    part = fold.filter(pl.col("split") == split)
    scores = score_patches(
        best.model,
        patches,
        part["row"].to_numpy(),
        target_range=plan.settings.target_range,
        beta=plan.settings.beta,
        seed=plan.seed,
        view=plan.settings.view,
        threshold=plan.settings.threshold,
        dissimilarity=dissimilarity,
    )
    return pl.concat([part.select("patch_id", "image_id", "split", "row"), scores], how="horizontal")
