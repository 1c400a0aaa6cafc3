"""Prefect's own records of old runs: its database grows without end otherwise.

Only runs of our deployments go, only such as have come to their end, and their logs and artifacts with them. Prefect
is asked for all of it, through its interface.
"""

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import TERMINAL_STATES
from prefect.exceptions import ObjectNotFound

from lake.maintenance import Action

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

logger = logging.getLogger(__name__)

TAG = "deepdlt"
"""Tag of our deployments, and so of their runs."""

PAGE = 100
"""Runs asked for at once."""


def prune_runs(*, run_days: float, dry_run: bool) -> list[Action]:
    """Remove Prefect's records of our runs that ended long ago.

    Parameters
    ----------
    run_days : float
        Age from which a run that has ended goes, in days.
    dry_run : bool
        Change nothing, and say what would be removed.

    Returns
    -------
    list of Action
        One a run; how many bytes a server keeps of it is not known, so they count 0.
    """
    before = datetime.now(UTC) - timedelta(days=run_days)
    done: list[Action] = []
    with get_client(sync_client=True) as client:
        while found := _ended(client, before, offset=len(done) if dry_run else 0):
            for run in found:
                if not dry_run:
                    _remove(client, run)
                done.append(Action("remove run", f"{run.name} ({run.id}), {run.state_name}", 0))
    return done


def _ended(client: "SyncPrefectClient", before: datetime, *, offset: int) -> "list[FlowRun]":
    """Return some of our runs that have ended before a time."""
    wanted = FlowRunFilter(
        tags=FlowRunFilterTags(all_=[TAG]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=sorted(TERMINAL_STATES))),
        end_time=FlowRunFilterEndTime(before_=before),
    )
    return client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, offset=offset)


def _remove(client: "SyncPrefectClient", run: "FlowRun") -> None:
    """Remove a run with its artifacts; its logs go with it. Another one may have done so meanwhile."""
    of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
    for artifact in client.read_artifacts(artifact_filter=of_run):
        try:
            client.delete_artifact(artifact.id)
        except ObjectNotFound:
            logger.info("artifact %s is gone already", artifact.id)
    try:
        client.delete_flow_run(run.id)
    except ObjectNotFound:
        logger.info("run %s is gone already", run.id)
