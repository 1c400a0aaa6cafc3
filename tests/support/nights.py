"""Nights by the project's own code, without a server: ingest, patches, folds, trainings, rows, answers."""

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from remembered import without_a_server

from deepdlt.config import PatchRecipe, TrainingChoices
from deepdlt.night import SplitRecord, plan_runs, presets_of_night
from deepdlt.refresh import Refresh
from deepdlt.threads import torch_threads
from flows.ingest import take_in
from flows.prepare import make_ready
from tasks.analysis import analyse_night
from tasks.aside import set_aside
from tasks.kept_progress import forget_progress
from tasks.lake_access import open_lake
from tasks.nights import NOTHING, missing_plans, record_night
from tasks.shared_patches import PatchFiles
from tasks.trained import store_run
from tasks.training_work import TrainedFold, take_patches, train_plans


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
    refresh: Refresh = NOTHING,
) -> dict[str, Any]:
    """Run a night on a source into the lake of this process, and return its row."""
    lake = open_lake()
    started_at = datetime.now(UTC)
    recipe = recipe or PatchRecipe(n_per_image=patches_per_image)
    with without_a_server():
        ingested, taken = take_in(str(source), None, False, refresh)
        how = (patches_per_image, list(labels), list(schemes), n_folds, 0, refresh)
        ready = make_ready(ingested["source"], recipe, *how)
    splits = [SplitRecord.model_validate(split) for split in ready["splits"]]
    plans = plan_runs(splits, presets_of_night(preset, models, choices), profile=profile, epochs=epochs, seeds=seeds)
    set_aside(plans, refresh)
    missing = missing_plans(plans)
    with PatchFiles(lake, missing) as files, torch_threads(1):
        for plan in missing:
            began = datetime.now(UTC)
            (trained,) = train_plans(lake, [plan], take_patches(lake, files.of(plan)))
            assert isinstance(trained, TrainedFold)
            store_run(lake, trained, started_at=began, flow_run_id="")
            forget_progress(lake.files, [plan.run_id])
    night = record_night(
        str(uuid.uuid4()),
        plans,
        missing,
        ingested=ingested,
        n_new_images=0 if taken["is_hit"] else ingested["n_new_images"],
        n_new_patches=ready["n_new_patches"],
        started_at=started_at,
        finished_at=datetime.now(UTC),
        steps=[taken, *ready["steps"]],
        refresh=refresh,
    )
    analyse_night.fn(night["night_id"], refresh.asks_for("analyse"))
    return night
