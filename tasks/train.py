"""Train the plans of a batch in processes of their own, each into the lake as soon as it is done."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run, task_run

from deepdlt.errors import DeepdltError
from deepdlt.night import RunPlan
from tasks.completed import completed_runs
from tasks.lake_access import open_lake
from tasks.messages import Event
from tasks.progress import BatchBar
from tasks.records import TrainedRecord
from tasks.trained import store_failure
from tasks.trainers import LAST, Mailbox, TrainerFailed, Trainers

logger = logging.getLogger(__name__)


class TrainingsFailed(DeepdltError):
    """Some trainings of a batch failed; the others are in the lake."""

    def __init__(self, failures: dict[str, str], n_plans: int) -> None:
        self.failures = failures
        lines = [f"{len(failures)} of {n_plans} trainings failed, the others are in the lake:"]
        super().__init__("\n".join([*lines, *failures.values()]))


class TrainingFailed(DeepdltError):
    """One training of a batch failed."""


def train_all(plans: Sequence[RunPlan]) -> None:
    """Train every plan; one that fails is noted and does not stop the others.

    Prefect's cache is not asked: a run's id is the digest of all that its numbers depend on, and the
    lake knows which stand complete.

    Parameters
    ----------
    plans : sequence of RunPlan
        A batch.

    Raises
    ------
    TrainingsFailed
        In the end, with a line for each training that failed.
    """
    standing = completed_runs([plan.run_id for plan in plans])
    missing = [plan for plan in plans if plan.run_id not in standing]
    logger.info("%d of %d trainings stand in the lake already", len(plans) - len(missing), len(plans))
    failures = _train_missing(missing) if missing else {}
    if failures:
        raise TrainingsFailed(failures, len(plans))


def _train_missing(plans: Sequence[RunPlan]) -> dict[str, str]:
    """Train every plan and return, by run_id, a line for each that failed."""
    bar = BatchBar(len(plans))
    try:
        with Trainers(open_lake(), plans, flow_run_id=_flow_run_id()) as trainers:
            sent = [
                (plan, train_fold.submit(plan.model_dump(mode="json"), box, bar))
                for group in trainers.way.groups
                for plan, box in zip(group, trainers.train(group).values(), strict=True)
            ]
            for _, future in sent:
                future.wait()
    except TrainerFailed as error:
        failed = [plan for plan in plans if not _note_failure(plan, str(error), datetime.now(UTC))]
        return {plan.run_id: f"{plan.title}: {error}" for plan in failed}
    failures = {
        plan.run_id: f"{plan.title}: {future.state.message or future.state.name}"
        for plan, future in sent
        if not future.state.is_completed()
    }
    bar.finish(f"{len(plans) - len(failures)} of {len(plans)} trained")
    return failures


def _title() -> str:
    """Return the name of a training's task run."""
    return RunPlan.model_validate(task_run.parameters["plan"]).title


@task(name="train fold", task_run_name=_title, cache_policy=NO_CACHE, retries=0, timeout_seconds=None)
def train_fold(plan: dict[str, Any], box: Mailbox, bar: BatchBar) -> TrainedRecord:
    """Follow the training of one fold in its process, to its end.

    Raises
    ------
    TrainingFailed
        If it failed, or its process is gone.
    """
    wanted = RunPlan.model_validate(plan)
    started_at = datetime.now(UTC)
    while (event := box.get()).kind not in LAST:
        _show(wanted, event, bar)
    bar.note_end(wanted.run_id)
    if event.kind in ("failed", "died") and _note_failure(wanted, event.text, started_at):
        logger.warning("%s stands in the lake, though this was told of it: %s", wanted.title, event.text)
        return TrainedRecord(run_id=wanted.run_id)
    if event.kind != "trained":
        raise TrainingFailed(event.text)
    logger.info("%s: test loss %.4f on %s", wanted.title, event.numbers["test_loss"], event.text)
    return TrainedRecord(run_id=wanted.run_id)


def _show(plan: RunPlan, event: Event, bar: BatchBar) -> None:
    """Log what a training's process says, and move the batch's progress artifact."""
    if event.kind == "log":
        logging.getLogger(event.logger).log(event.level, "%s: %s", plan.title, event.text)
        return
    epoch, record = event.numbers["epoch"], event.numbers
    losses = f"train {record['train_loss']:.4f}, val {record['val_loss']:.4f}, {record['seconds']:.1f} s"
    logger.info("%s: epoch %d/%d, %s", plan.title, epoch, plan.settings.epochs, losses)
    bar.note_epoch(plan, epoch)


def _note_failure(plan: RunPlan, reason: str, started_at: datetime) -> bool:
    """Write into the lake why a training failed, and tell whether it stands there for all that."""
    return store_failure(open_lake(), plan, reason, started_at=started_at, flow_run_id=_flow_run_id())


def _flow_run_id() -> str:
    """Return the id of the flow run that trains."""
    return str(flow_run.get_id() or "")
