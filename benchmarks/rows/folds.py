"""All twenty folds of the cross-validation; on a GPU, those and a long training."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.child import Clock
from benchmarks.pairs import run_side
from benchmarks.row import Row, faster, said_always, within
from benchmarks.sources import Stage

if TYPE_CHECKING:
    from deepdlt.night import RunPlan, SplitRecord

LABELS = ("angle", "PP1", "NP", "EP1")
N_FOLDS = 5
N_PER_IMAGE = 10
"""A tenth of the report's patches, and one epoch of its ten: time is linear in patches (rows `scale-epoch-...`)."""


def parameters(stage: Stage) -> dict[str, Any]:
    """Return a lake with the folds, and their tables with the patches as Bitmaps."""
    folder = stage.fresh("folds")
    given = {"source": str(stage.source), "folder": str(folder)}
    run_side("benchmarks.rows.folds:make", {**given, "n_per_image": N_PER_IMAGE, "has_tables": True})
    return given


def gpu_parameters(stage: Stage) -> dict[str, Any]:
    """Return a lake with the folds of the report's number of patches."""
    folder = stage.fresh("folds-gpu")
    given = {"source": str(stage.source), "folder": str(folder)}
    run_side("benchmarks.rows.folds:make", {**given, "n_per_image": 100, "has_tables": False})
    return given


def make(clock: Clock, source: str, folder: str, n_per_image: int, has_tables: bool) -> None:
    """Make the lake with its folds, their tables, and what belongs to a fold and not to a training: its baselines."""
    splits = _splits(source, folder, n_per_image)
    _train(clock, _plans(splits, "label-cv", epochs=1))
    if has_tables:
        _write_tables(Path(folder), splits)


def ours(clock: Clock, source: str, folder: str) -> None:
    """Train every fold for one epoch, score it, and write it into the lake, as a night's batch does."""
    plans = _plans(_splits(source, folder, N_PER_IMAGE), "label-cv", epochs=1)
    _forget_runs(folder)
    _train(clock, plans)


def baseline(clock: Clock, source: str, folder: str) -> None:
    """Train fold after fold for one epoch, and score its test patches by their loss."""
    del source
    import torch

    from benchmarks.reference.dataset import make_loader
    from benchmarks.reference.models import AutoEncoder
    from benchmarks.reference.training import test_loss, train_autoencoder

    torch.manual_seed(0)
    checkpoints = Path(folder, "checkpoints")
    shutil.rmtree(checkpoints, ignore_errors=True)
    checkpoints.mkdir()
    losses = []
    with clock.running():
        for label in LABELS:
            for fold in range(1, N_FOLDS + 1):
                tables = Path(folder, "tables", label, f"fold_{fold}")
                train = make_loader(tables / "train.csv", is_shuffled=True)
                val, test = (make_loader(tables / f"{split}.csv", is_shuffled=False) for split in ("val", "test"))
                model = AutoEncoder()
                train_autoencoder(model, train, val, epochs=1, learning_rate=5e-4, folder=checkpoints)
                losses.append(test_loss(model, test))
    clock.say(n_folds=len(losses))


def folds_on_gpu(clock: Clock, source: str, folder: str) -> None:
    """Train twenty folds for ten epochs, from the start of the task to rows in the lake."""
    plans = _plans(_splits(source, folder, 100), "label-cv", epochs=10)
    _forget_runs(folder)
    _train(clock, plans)


def long_on_gpu(clock: Clock, source: str, folder: str) -> None:
    """Train the autoencoder of experiment 1 for a hundred epochs, from the start of the task to rows in the lake."""
    plans = _plans(_splits(source, folder, 100), "experiment-1", epochs=100)
    _forget_runs(folder)
    _train(clock, plans)


def _splits(source: str, folder: str, n_per_image: int) -> "list[SplitRecord]":
    """Return the splits of a source in the lake of a folder; made where they are not there."""
    os.environ["DEEPDLT_LAKE"] = str(Path(folder, "lake"))
    from deepdlt.config import PatchRecipe
    from tasks.ingest import ingest_source
    from tasks.prepare import assign_missing, cut_missing, freeze

    recipe = PatchRecipe(n_per_image=n_per_image)
    known_as = ingest_source(Path(source))["source"]
    cut_missing(known_as, recipe)
    dataset = freeze(known_as, recipe, patches_per_image=n_per_image)
    return assign_missing(
        known_as,
        dataset,
        patches_per_image=n_per_image,
        labels=LABELS,
        schemes=["paper"],
        n_folds=N_FOLDS,
        seed=0,
    )


def _plans(splits: "Sequence[SplitRecord]", preset: str, *, epochs: int) -> "list[RunPlan]":
    """Return the trainings of one preset."""
    from deepdlt.night import plan_runs
    from deepdlt.presets import find_preset

    return plan_runs(splits, [find_preset(preset)], profile="paper", epochs=epochs, seeds=[0])


def _forget_runs(folder: str) -> None:
    """Take out of the lake what an earlier run of this side has trained."""
    from tasks.lake_access import open_lake

    shutil.rmtree(Path(folder, "lake", "models"), ignore_errors=True)
    with open_lake().write("forget the runs of the benchmarks") as transaction:
        transaction.execute("DELETE FROM runs")


def _train(clock: Clock, plans: "Sequence[RunPlan]") -> None:
    """Train plans as a batch of a night does, without Prefect."""
    from tasks.lake_access import open_lake
    from tasks.trainers import LAST, Trainers

    lake = open_lake()
    with clock.running(), Trainers(lake, plans) as trainers:
        boxes = [box for group in trainers.way.groups for box in trainers.train(group).values()]
        ends = []
        for box in boxes:
            while (event := box.get()).kind not in LAST:
                pass
            ends.append(event)
    failed = [event.text for event in ends if event.kind != "trained"]
    n_complete = lake.query("SELECT count(*) FROM runs WHERE status = 'complete'").item()
    clock.say(
        n_trained=len(ends) - len(failed),
        all_stand=not failed and n_complete == len(plans),
        failures=failed,
        n_processes=trainers.way.n_processes,
        n_threads=trainers.way.n_threads,
    )


def _write_tables(folder: Path, splits: "Sequence[SplitRecord]") -> None:
    """Write the patches as Bitmaps, and the three tables of every fold, in the program's order."""
    import numpy as np
    import polars as pl
    from PIL import Image

    from lake.shards import read_patches
    from lake.statements import load
    from tasks.lake_access import open_lake

    lake = open_lake()
    names = {"angle_deg": "angle", "pattern": "PP1", "n_pulses": "NP", "pulse_energy_1_uj": "EP1"}
    labels = lake.query(f"SELECT image_id, {', '.join(names)} FROM labels")  # noqa: S608 - the names above
    images = folder / "patches"
    images.mkdir(parents=True)
    manifest = lake.query(load("patches_of_fold"), [splits[0].split_id, 1]).drop("split")
    for row, patch in zip(manifest.iter_rows(named=True), read_patches(lake.root, manifest, size_px=64), strict=True):
        Image.fromarray(np.ascontiguousarray(patch)).save(images / f"{row['patch_id']}.bmp")
    paths = manifest.select("patch_id", image_path=pl.format("{}/{}.bmp", pl.lit(str(images)), "patch_id"))
    for split in splits[1:]:
        folds = lake.query(load("folds_of_split"), [split.split_id])
        table = folds.join(paths, on="patch_id").join(labels, on="image_id").rename(names)
        for (fold, side), part in table.partition_by("fold", "split", as_dict=True).items():
            target = folder / "tables" / split.label / f"fold_{fold}" / f"{side}.csv"
            target.parent.mkdir(parents=True, exist_ok=True)
            part.sort("patch_id").select("image_path", *names.values()).write_csv(target)


def _row(name: str, work: str, side: str, seconds: float, made: Callable[[Stage], dict[str, Any]]) -> Row:
    """Return a row for a CUDA device."""
    return Row(
        name=name,
        work=work,
        ours=f"benchmarks.rows.folds:{side}",
        parameters=made,
        judges=(within(seconds), said_always("all_stand", goal="all runs stand in the lake")),
        is_for_gpu=True,
        works_elsewhere=True,
    )


ROWS = (
    Row(
        name="folds",
        work=f"all 20 folds of `label-cv`, {N_PER_IMAGE} patches an image, one epoch",
        ours="benchmarks.rows.folds:ours",
        other="benchmarks.rows.folds:baseline",
        parameters=parameters,
        judges=(faster(4), said_always("all_stand", goal="all runs stand in the lake")),
        works_elsewhere=True,
    ),
    _row("gpu-folds", "all 20 folds, 10 epochs, 100 patches an image, one GPU", "folds_on_gpu", 30, gpu_parameters),
    _row("gpu-100-epochs", "autoencoder, 100 epochs, one GPU", "long_on_gpu", 20, gpu_parameters),
)
