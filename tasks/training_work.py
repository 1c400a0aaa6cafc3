"""One training from the lake's patches to rows and files, without Prefect.

Imports torch: only workers that train come here.
"""

import functools
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from deepdlt.loss.losses import Dissimilarity
from deepdlt.night import RunPlan
from deepdlt.provenance import library_versions
from deepdlt.quality.scoring import score_patches
from deepdlt.threads import torch_threads
from deepdlt.together.halving import halving
from deepdlt.together.train import Member, train_members
from deepdlt.training.checkpoints import Checkpoint, RunIdentity, load_checkpoint
from deepdlt.training.devices import free_device_bytes, pick_device
from deepdlt.training.epochs import TrainingDiverged
from deepdlt.training.patchset import PatchSet
from deepdlt.training.progress import EpochRecord
from deepdlt.training.settings import TrainingSettings
from deepdlt.training.train import TrainingResult, build_dissimilarity
from lake import Lake
from lake.files import inside
from lake.statements import load
from tasks.choices import WeightsMissing, digest_file
from tasks.feature_model import check_feature_model
from tasks.kept_progress import KeptProgress
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
    return str(pick_device(os.environ.get("DEEPDLT_DEVICE") or "auto").type)


def free_bytes() -> dict[str, int]:
    """Return the memory that is free on a CUDA device, as ``free_bytes``; nothing where it is the machine's."""
    n_bytes = free_device_bytes(pick_device(device_name()))
    return {} if n_bytes is None else {"free_bytes": n_bytes}


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
    patches = place_patches(shared, os.environ.get("DEEPDLT_DEVICE") or "auto")
    return DatasetPatches(patches, shared.rows(lake))


Told = Callable[[RunPlan, EpochRecord], None]
"""Takes each new epoch of each training."""


def train_plans(
    lake: Lake,
    plans: Sequence[RunPlan],
    held: DatasetPatches,
    *,
    on_epoch: Told | None = None,
    root: Path | None = None,
) -> Iterator[TrainedFold | TrainingDiverged]:
    """Train plans, or go on where an earlier try was cut off, and score the best checkpoint of each.

    Several are trained as one network, in halves where the memory of a GPU does not bear all.

    Parameters
    ----------
    lake : Lake
        Holds the folds; checkpoints go to its folders ``models/<run_id>``, unless `root` is given.
    plans : sequence of RunPlan
        Of equal settings.
    held : DatasetPatches
        All patches of their data set, on the device to train on: `take_patches`.
    on_epoch : callable, optional
        Called with each epoch's plan and record.
    root : Path, optional
        Folder whose ``models/<run_id>`` the checkpoints go to, in place of the lake's.

    Yields
    ------
    TrainedFold or TrainingDiverged
        One a plan, in their order, as soon as it is scored.

    Raises
    ------
    FeatureModelUnknown, FeatureModelHasSeen
        If features of a stored model are to judge that must not; before anything is trained.
    """
    folds = [_fold(lake, plan, held) for plan in plans]
    folders = [inside(root or lake.root, f"models/{plan.run_id}") for plan in plans]
    is_shared = root is None and lake.location.bucket is not None
    kept = KeptProgress(lake.files, [plan.run_id for plan in plans]) if is_shared else None
    for plan, fold in zip(plans, folds, strict=True):
        check_feature_model(lake, plan, fold)
    dissimilarity = _dissimilarity(lake, plans[0].settings, held.patches)
    members = [
        Member(
            train_index=fold.filter(split="train")["row"].to_numpy(),
            val_index=fold.filter(split="val")["row"].to_numpy(),
            checkpoint_dir=folder,
            seed=plan.seed,
            identity=_identity(plan),
        )
        for plan, fold, folder in zip(plans, folds, folders, strict=True)
    ]

    def train_some(places: Sequence[int]) -> list[TrainingResult | TrainingDiverged]:
        def tell(place: int, record: EpochRecord) -> None:
            if kept is not None:
                kept.keep()
            if on_epoch is not None:
                on_epoch(plans[places[place]], record)

        chosen = [members[place] for place in places]
        return train_members(held.patches, plans[0].settings, chosen, dissimilarity=dissimilarity, on_epoch=tell)

    outcomes = halving(range(len(plans)), train_some)
    for plan, fold, outcome in zip(plans, folds, outcomes, strict=True):
        if isinstance(outcome, TrainingDiverged):
            yield outcome
            continue
        with torch_threads(outcome.n_threads):
            yield _examine(lake, plan, held.patches, fold, outcome, dissimilarity)


def _fold(lake: Lake, plan: RunPlan, held: DatasetPatches) -> pl.DataFrame:
    """Return the patches of a plan's fold: which split each is in, and which row holds it."""
    return lake.query(load("patches_of_fold"), [plan.split_id, plan.fold]).join(
        held.rows, on="patch_id", maintain_order="left"
    )


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
    )


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
        lake.files.fetch(f"models/{settings.feature_model}/loss.safetensors"), device=patches.device
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
