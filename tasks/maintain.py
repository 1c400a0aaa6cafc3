"""Keep the lake small: expire old snapshots, remove what nothing refers to, merge small files, forget old runs."""

import logging
from collections.abc import Sequence

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from typing_extensions import TypedDict  # pydantic asks for this one below Python 3.12

from lake import Lake
from lake.maintenance import Action
from tasks.lake_access import open_lake
from tasks.prune import prune_runs
from tasks.upkeep import frame_of, tidy

logger = logging.getLogger(__name__)

MOST_SHOWN = 1000
"""Actions in the table of one run; the log counts all."""


class MaintenanceRecord(TypedDict):
    """What maintenance did, or would do."""

    n_actions: int
    n_bytes: int
    is_dry_run: bool


@task(name="maintain lake", cache_policy=NO_CACHE, retries=1, retry_delay_seconds=30, timeout_seconds=3600)
def maintain_lake(
    keep_days: float, grace_hours: float, page_days: float, export_days: float | None, dry_run: bool
) -> MaintenanceRecord:
    """Expire, remove and merge, and show what was done."""
    ages = {"keep_days": keep_days, "grace_hours": grace_hours, "page_days": page_days}
    lake = Lake.open(migrates=False) if dry_run else open_lake()
    done = tidy(lake, **ages, export_days=export_days, dry_run=dry_run)
    show(done, "maintenance", dry_run=dry_run)
    return MaintenanceRecord(n_actions=len(done), n_bytes=sum(action.n_bytes for action in done), is_dry_run=dry_run)


@task(name="forget old runs", cache_policy=NO_CACHE, retries=1, retry_delay_seconds=30, timeout_seconds=3600)
def prune_prefect(run_days: float, dry_run: bool) -> int:
    """Have Prefect remove its records of our runs that ended long ago; return how many."""
    done = prune_runs(run_days=run_days, dry_run=dry_run)
    show(done, "forgotten-runs", dry_run=dry_run)
    return len(done)


def show(actions: Sequence[Action], key: str, *, dry_run: bool) -> None:
    """Show what was done, or would be, in the log and as a table."""
    for step, n, n_bytes in frame_of(actions).iter_rows():
        logger.info("%s: %d, %.1f MB", step, n, n_bytes / 1e6)
    freed = sum(action.n_bytes for action in actions) / 1e6
    said = f"{len(actions)} actions, {'would free' if dry_run else 'freed'} {freed:.1f} MB"
    logger.info(said)
    rows = [{"step": one.step, "what": one.what, "n_bytes": one.n_bytes} for one in actions[:MOST_SHOWN]]
    create_table_artifact(rows, key=key, description=said)
