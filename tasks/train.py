"""Train the plans of a batch one after another, each into the lake as soon as it is done."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run, task_run
from typing_extensions import TypedDict  # pydantic asks for this one below Python 3.12

from deepdlt.errors import DeepdltError
from deepdlt.night import RunPlan, refuse_other_code
from deepdlt.threads import share_cores
from tasks.completed import completed_runs
from tasks.lake_access import open_lake
from tasks.progress import move_bar, start_bar
from tasks.records import TrainedRecord
from tasks.trained import store_failure, store_run

if TYPE_CHECKING:
    from deepdlt.progress import EpochRecord

logger = logging.getLogger(__name__)


class TrainingsFailed(DeepdltError):
    """Some trainings of a batch failed; the others are in the lake."""

    def __init__(self, failures: dict[str, str], n_plans: int) -> None:
        self.failures = failures
        lines = [f"{len(failures)} of {n_plans} trainings failed, the others are in the lake:"]
        super().__init__("\n".join([*lines, *(f"{title}: {reason}" for title, reason in failures.items())]))


class ProgressBar(TypedDict):
    """Where the progress of a batch is shown, and how far it was before this training."""

    artifact: str
    n_done: int
    n_plans: int


def _title() -> str:
    """Return the name of a training's task run."""
    return RunPlan.model_validate(task_run.parameters["plan"]).title


def train_all(plans: Sequence[RunPlan]) -> None:
    """Train every plan; one that fails is noted and does not stop the others.

    Parameters
    ----------
    plans : sequence of RunPlan
        A batch.

    Raises
    ------
    TrainingsFailed
        In the end, with a line for each training that failed.
    """
    failures: dict[str, str] = {}
    artifact = start_bar("batch", f"0 of {len(plans)} trainings")
    for place, plan in enumerate(plans):
        started_at = datetime.now(UTC)
        bar = ProgressBar(artifact=str(artifact), n_done=place, n_plans=len(plans))
        state = train_fold(plan.model_dump(mode="json"), bar, return_state=True)
        if not state.is_completed():
            failures[plan.title] = state.message or state.name or "failed"
            store_failure(open_lake(), plan, failures[plan.title], started_at=started_at, flow_run_id=_flow_run_id())
    move_bar(artifact, 1.0, f"{len(plans) - len(failures)} of {len(plans)} trained")
    if failures:
        raise TrainingsFailed(failures, len(plans))


@task(name="train fold", task_run_name=_title, cache_policy=NO_CACHE, retries=0, timeout_seconds=None)
def train_fold(plan: dict[str, Any], bar: ProgressBar) -> TrainedRecord:
    """Train and score one fold.

    Prefect's cache is not asked: the run's id is the digest of all that the numbers depend on, and the
    lake knows which stand complete.
    """
    wanted = RunPlan.model_validate(plan)
    lake = open_lake()
    if completed_runs([wanted.run_id]):
        logger.info("%s stands in the lake already", wanted.title)
        return TrainedRecord(run_id=wanted.run_id, is_new=False)
    refuse_other_code(wanted)
    share_cores()
    from tasks.training_work import forget_progress, train_plan  # torch is imported where training begins

    started_at = datetime.now(UTC)
    trained = train_plan(lake, wanted, on_epoch=lambda record: _show_epoch(bar, wanted, record))
    test_loss = store_run(lake, trained, started_at=started_at, flow_run_id=_flow_run_id())
    forget_progress(trained)
    logger.info("%s: test loss %.4f on %s", wanted.title, test_loss, trained.result.device)
    return TrainedRecord(run_id=wanted.run_id, is_new=True)


def _show_epoch(bar: ProgressBar, plan: RunPlan, record: "EpochRecord") -> None:
    """Log an epoch and move the batch's progress artifact."""
    losses = f"train {record.train_loss:.4f}, val {record.val_loss:.4f}, {record.seconds:.1f} s"
    logger.info("%s: epoch %d/%d, %s", plan.title, record.epoch, plan.settings.epochs, losses)
    share = (bar["n_done"] + record.epoch / plan.settings.epochs) / bar["n_plans"]
    said = f"{plan.title}, epoch {record.epoch}/{plan.settings.epochs}; {bar['n_done']} of {bar['n_plans']} done"
    move_bar(UUID(bar["artifact"]), share, said)


def _flow_run_id() -> str:
    """Return the id of the flow run that trains."""
    return str(flow_run.get_id() or "")
