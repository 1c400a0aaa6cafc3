"""Write a training into the lake: its rows in one transaction, or why it failed."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from deepdlt.digest import digest_json
from deepdlt.hardware import describe_hardware
from deepdlt.night import TRAINING_MODULES, RunPlan, training_code
from deepdlt.provenance import library_versions, module_digests
from deepdlt.quality.summaries import summarise_fold
from lake import Lake, Transaction
from lake.statements import load
from tasks.completed import whole_runs
from tasks.label_means import write_label_means
from tasks.still_there import snapshot_of_dataset

if TYPE_CHECKING:
    from tasks.training_work import TrainedFold

PATCH_COLUMNS = (
    *("patch_id", "image_id", "split"),
    *("mse", "psnr_paper_db", "ssim_paper", "psnr_db", "ssim", "floor_mse", "flat_mse"),
)


def store_run(lake: Lake, trained: "TrainedFold", *, started_at: datetime, flow_run_id: str) -> float:
    """Write everything of one training in one transaction; done twice, it stands once.

    What was asked of it, or of groups that it is in, is asked again by the next night that has them.

    Parameters
    ----------
    lake : Lake
    trained : TrainedFold
        The training and its scores.
    started_at : datetime
        When it began, with a time zone.
    flow_run_id : str
        The flow run that trained it; '' outside Prefect.

    Returns
    -------
    float
        Mean loss of the test patches.

    Raises
    ------
    DatasetForgotten
        If the data set that it was trained on was taken out of the lake meanwhile.
    """
    plan = trained.plan
    fold = fold_rows(trained)
    labels = lake.query(load("labels_of_dataset"), [plan.dataset_id])
    run = _run_row(plan, started_at=started_at, flow_run_id=flow_run_id) | {
        "status": "complete",
        "error": "",
        "device": trained.result.device,
        "hardware": describe_hardware(trained.result.device),
        "n_parameters": trained.result.n_parameters,
        "n_threads": trained.result.n_threads if trained.result.device == "cpu" else None,
        "n_together": trained.result.n_together,
        "diverged": trained.result.diverged,
    }
    frames = {
        "epochs": trained.result.epochs,
        "fold_metrics": fold,
        "patch_metrics": trained.scores.select(PATCH_COLUMNS),
        "models": _model_rows(lake, trained),
        "latents": trained.latents,
    }
    for path in frames["models"]["path"]:
        lake.files.publish(path)
    with lake.write(f"run {plan.run_id}: {plan.title}") as transaction:
        frames["runs"] = _run_frame(transaction, run)
        told = transaction.query(load("answers_on_run"), [plan.run_id])["subject"].to_list()
        if told:  # of numbers that go now
            transaction.execute(load("take_answers_back"), [told])
        for table, frame in frames.items():
            named = frame.with_columns(pl.lit(plan.run_id).alias("run_id"))
            transaction.replace_where(table, named, run_id=plan.run_id)
        write_label_means(transaction, plan.run_id, trained.scores, labels, seed=plan.seed)
        _note_code(transaction, plan.code_digest)
        if trained.baselines is not None:
            transaction.replace("baselines", trained.baselines, key=("split_id", "fold", "split", "target_range"))
    return float(fold.filter(pl.col("split") == "test")["loss"].item())


def _note_code(transaction: Transaction, code: str) -> None:
    """Note which modules a training code is made of, where the lake does not know."""
    if transaction.query(load("modules_of_code"), [code]).is_empty() and code == training_code():
        rows = list(module_digests(*TRAINING_MODULES).items())
        modules = pl.DataFrame(rows, schema=["module", "module_digest"], orient="row")
        transaction.replace_where("code_modules", modules, code_digest=code)


def store_failure(lake: Lake, plan: RunPlan, error: str, *, started_at: datetime, flow_run_id: str) -> bool:
    """Note that a training failed, and why, where it does not stand for all that; tell whether it does.

    What stands stays: a process may have stored its training before it came to grief, or another one may have. One that
    was to be done again is to be so still. A later one that succeeds takes the row's place.

    Raises
    ------
    DatasetForgotten
        As in `store_run`.
    """
    run = _run_row(plan, started_at=started_at, flow_run_id=flow_run_id) | {
        "status": "failed",
        "error": error,
        "device": "",
        "n_parameters": 0,
    }
    with lake.write(f"failed run {plan.run_id}") as transaction:
        if whole_runs(lake.files, transaction.query(load("models_of_complete_runs")), [plan.run_id]):
            return True
        if transaction.query("FROM runs WHERE status = 'complete' AND run_id = ?", [plan.run_id]).is_empty():
            transaction.replace_where("runs", _run_frame(transaction, run), run_id=plan.run_id)
        else:
            transaction.execute(load("set_runs_aside"), [error, [plan.run_id]])
    return False


def _run_row(plan: RunPlan, *, started_at: datetime, flow_run_id: str) -> dict[str, Any]:
    """Return what a run's row says however the run ended, now."""
    finished_at = datetime.now(UTC)
    return plan.model_dump(exclude={"settings"}) | {
        "model": plan.settings.model,
        "settings": json.dumps(plan.settings.model_dump(), sort_keys=True),
        "versions": json.dumps(library_versions(), sort_keys=True),
        "flow_run_id": flow_run_id,
        "started_at": started_at,
        "finished_at": finished_at,
        "seconds": (finished_at - started_at).total_seconds(),
    }


def _run_frame(transaction: Transaction, run: Mapping[str, Any]) -> pl.DataFrame:
    """Return a run's row with the snapshot of its data set, which is there."""
    return pl.DataFrame([{**run, "snapshot_id": snapshot_of_dataset(transaction, run["dataset_id"])}])


def fold_rows(trained: "TrainedFold") -> pl.DataFrame:
    """Return the run's rows of `fold_metrics`, named like the run."""
    plan = trained.plan
    means = summarise_fold(
        trained.scores,
        train_loss=trained.result.train_loss,
        n_train_patches=trained.train_patches.height,
        n_train_images=trained.train_patches["image_id"].n_unique(),
    )
    names = {name: getattr(plan, name) for name in ("profile", "preset", "scheme", "label", "fold", "seed")}
    return means.with_columns(
        pl.lit(value).alias(name) for name, value in (names | {"model": plan.settings.model}).items()
    )


def _model_rows(lake: Lake, trained: "TrainedFold") -> pl.DataFrame:
    """Return the run's rows of `models`."""
    result = trained.result
    return pl.DataFrame(
        [
            {
                "model_id": digest_json([trained.plan.run_id, best_by]),
                "best_by": best_by,
                "epoch": result.best_epochs[best_by],
                "path": path.relative_to(lake.root).as_posix(),
                "file_digest": result.file_digests[best_by],
                "n_bytes": path.stat().st_size,
                "created_at": datetime.now(UTC),
            }
            for best_by, path in result.checkpoints.items()
        ]
    )
