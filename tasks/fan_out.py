"""Send trainings to the workers of the gpu pool and wait for them."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.deployments import run_deployment
from prefect.runtime import flow_run as this_run
from prefect.states import Cancelling

from deepdlt.digest import digest_json
from deepdlt.night import RunPlan, batch_plans
from tasks.completed import completed_runs
from tasks.progress import Bar

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.schemas.objects import FlowRun, State

logger = logging.getLogger(__name__)

TRAINING_DEPLOYMENT = "train-folds/gpu"
TRAINING_POOL = "gpu"
POLL_S = 0.5
PROGRESS_S = 2.0
UNTAKEN_WARNING_S = 60.0
LONGEST_NIGHT = timedelta(hours=20)


@dataclass(frozen=True)
class BatchOutcome:
    """How one child run ended.

    Attributes
    ----------
    name : str
        Name of the flow run.
    state : str
        Prefect's name of its last state.
    message : str
        What the state says.
    """

    name: str
    state: str
    message: str


def fan_out(plans: Sequence[RunPlan]) -> list[BatchOutcome]:
    """Train the plans on the gpu pool, one child run a worker, and wait until the last has ended.

    A child that fails is an outcome, not an exception: the folds that it finished stand in the lake.

    Parameters
    ----------
    plans : sequence of RunPlan
        What is missing; with none, no child run is made.

    Returns
    -------
    list of BatchOutcome
        One per child run, in the order they were sent.
    """
    if not plans:
        logger.info("nothing to train: every run of this night stands in the lake")
        return []
    with get_client(sync_client=True) as client:
        batches = batch_plans(plans, n_workers=_online_workers(client))
        logger.info("%d trainings go out in %d child runs", len(plans), len(batches))
        sent = [_send(batch, place, len(batches)) for place, batch in enumerate(batches, start=1)]
        return _wait(client, sent, plans)


def _online_workers(client: SyncPrefectClient) -> int:
    """Return how many workers of the gpu pool answer now."""
    workers = client.read_workers_for_work_pool(TRAINING_POOL)
    return sum(worker.status == "ONLINE" for worker in workers)


def _send(batch: Sequence[RunPlan], place: int, of: int) -> UUID:
    """Create the child run of one batch and return its id.

    The key holds the parent and its attempt: asked twice, the server makes one run; a retried night
    gets new ones.
    """
    names = digest_json([plan.run_id for plan in batch])
    sent = run_deployment(
        TRAINING_DEPLOYMENT,
        parameters={"plans": [plan.model_dump(mode="json") for plan in batch]},
        flow_run_name=f"train {len(batch)} runs, batch {place}/{of}",
        timeout=0,
        as_subflow=True,
        idempotency_key=f"{this_run.get_id()}-{this_run.get_run_count()}-{names}",
    )
    return cast("FlowRun", sent).id


def _wait(client: SyncPrefectClient, sent: Sequence[UUID], plans: Sequence[RunPlan]) -> list[BatchOutcome]:
    """Poll the children until all have ended, moving the progress artifact as runs land in the lake."""
    wanted = [plan.run_id for plan in plans]
    bar = Bar("trainings", f"0 of {len(wanted)} trainings in the lake")
    started = time.monotonic()
    next_look = started + PROGRESS_S
    warned = is_over = False
    while True:
        runs = _read(client, sent)
        if all(run.state and run.state.is_final() for run in runs):
            break
        now = time.monotonic()
        if now >= next_look:
            _show(bar, wanted)
            next_look = now + PROGRESS_S
        if not warned and now - started > UNTAKEN_WARNING_S and not any(run.start_time for run in runs):
            logger.warning("no worker of pool %r has taken a batch for a minute: is one up?", TRAINING_POOL)
            warned = True
        if not is_over and now - started > LONGEST_NIGHT.total_seconds():
            is_over = True
            _cancel(client, [run for run in runs if not (run.state and run.state.is_final())])
        time.sleep(POLL_S)
    _show(bar, wanted)
    return [_outcome(run) for run in runs]


def _read(client: SyncPrefectClient, ids: Sequence[UUID]) -> "list[FlowRun]":
    """Return the child runs in the order of their ids, in one request."""
    found = client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=list(ids))))
    by_id = {run.id: run for run in found}
    return [by_id[run_id] for run_id in ids]


def _show(bar: Bar, wanted: Sequence[str]) -> None:
    """Move the progress artifact to how many of the runs stand in the lake."""
    with bar.apart():
        done, of = len(completed_runs(wanted)), len(wanted)
        bar.move(done / of, f"{done} of {of} trainings in the lake")


def _outcome(run: "FlowRun") -> BatchOutcome:
    """Return how a child run ended."""
    state = run.state
    return BatchOutcome(
        name=run.name, state=state.name or "?" if state else "?", message=(state.message or "") if state else ""
    )


def _cancel(client: SyncPrefectClient, runs: "Sequence[FlowRun]") -> None:
    """Ask the workers to end these runs."""
    for run in runs:
        client.set_flow_run_state(run.id, Cancelling(message="the night that sent it was ended"))


def cancel_children(flow: "Flow[..., Any]", flow_run: "FlowRun", state: "State[Any]") -> None:  # noqa: ARG001 - Prefect's hook
    """End the child runs of a night that was cancelled: by themselves they would go on."""
    with get_client(sync_client=True) as client:
        tasks = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[flow_run.id])))
        children = [task.state.state_details.child_flow_run_id for task in tasks if task.state]
        running = [one for child in children if child and not _ended(one := client.read_flow_run(child))]
        _cancel(client, running)


def _ended(run: "FlowRun") -> bool:
    """Tell whether a run is over."""
    return bool(run.state and run.state.is_final())
