"""Nights by the project's own code, without a server: ingest, patches, folds, trainings, rows, answers."""

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deepdlt.config import PatchRecipe, TrainingChoices
from deepdlt.night import plan_runs, presets_of_night
from deepdlt.threads import torch_threads
from tasks.analysis import analyse_night
from tasks.audit import audit_splits, splits_without_audit
from tasks.ingest import ingest_source, ingest_step
from tasks.lake_access import open_lake
from tasks.nights import missing_plans, record_night
from tasks.prepare import assign_missing, cut_missing, freeze
from tasks.prepared import ledger_of
from tasks.shared_patches import PatchFiles
from tasks.trained import store_run
from tasks.training_work import TrainedFold, forget_progress, take_patches, train_plans


def run_night(
    source: Path,
    *,
    preset: str = "matched-label-cv",
    labels: tuple[str, ...] = ("PP1",),
    schemes: tuple[Any, ...] = ("paper", "grouped"),
    n_folds: int = 2,
    models: tuple[Any, ...] = ("ae", "vae"),
    epochs: int | None = 1,
    seeds: tuple[int, ...] = (0,),
    patches_per_image: int = 4,
    recipe: PatchRecipe | None = None,
    profile: Any = "quick",
    choices: TrainingChoices | None = None,
) -> dict[str, Any]:
    """Run a night on a source into the lake of this process, and return its row."""
    lake = open_lake()
    started_at = datetime.now(UTC)
    known = _counts()
    ingested = ingest_source(source)
    recipe = recipe or PatchRecipe(n_per_image=patches_per_image)
    cut_missing(ingested["source"], recipe)
    dataset = freeze(ingested["source"], recipe, patches_per_image=patches_per_image)
    splits = assign_missing(
        ingested["source"],
        dataset,
        patches_per_image=patches_per_image,
        labels=labels,
        schemes=schemes,
        n_folds=n_folds,
        seed=0,
    )
    audit_splits.fn(ingested["source"], splits_without_audit(ingested["source"], [one.model_dump() for one in splits]))
    plans = plan_runs(splits, presets_of_night(preset, models, choices), profile=profile, epochs=epochs, seeds=seeds)
    missing = missing_plans(plans)
    with PatchFiles(lake, missing) as files, torch_threads(1):
        for plan in missing:
            began = datetime.now(UTC)
            (trained,) = train_plans(lake, [plan], take_patches(lake, files.of(plan)))
            assert isinstance(trained, TrainedFold)
            store_run(lake, trained, started_at=began, flow_run_id="")
            forget_progress(trained)
    night = record_night(
        str(uuid.uuid4()),
        plans,
        missing,
        ingested=ingested,
        **{name: now - known[name] for name, now in _counts().items()},
        started_at=started_at,
        finished_at=datetime.now(UTC),
        steps=[
            ingest_step(ingested, False, None, False),
            *ledger_of(ingested, recipe.model_dump(), patches_per_image, dataset, {}, are_hits=(False, False, False)),
        ],
    )
    analyse_night.fn(night["night_id"])
    return night


def _counts() -> dict[str, int]:
    """Return how many images and patches the lake holds."""
    lake = open_lake()
    tables = {"n_new_images": "images", "n_new_patches": "patches"}
    return {name: lake.query(f"SELECT count(*) FROM {table}").item() for name, table in tables.items()}
