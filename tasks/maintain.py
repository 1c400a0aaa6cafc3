"""Keep the lake small: expire old snapshots, remove what nothing refers to, merge small files."""

import logging

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from typing_extensions import TypedDict  # pydantic asks for this one below Python 3.12

from lake import maintain
from tasks.lake_access import open_lake

logger = logging.getLogger(__name__)


class MaintenanceRecord(TypedDict):
    """What maintenance did, or would do."""

    n_actions: int
    n_bytes: int
    is_dry_run: bool


@task(name="maintain lake", cache_policy=NO_CACHE, retries=1, retry_delay_seconds=30, timeout_seconds=3600)
def maintain_lake(keep_days: float, grace_hours: float, dry_run: bool) -> MaintenanceRecord:
    """Expire, remove and merge under the writer lock, and show what was done."""
    report = maintain(open_lake(), keep_days=keep_days, grace_hours=grace_hours, dry_run=dry_run)
    done = "would free" if dry_run else "freed"
    said = f"{len(report.actions)} actions, {done} {report.n_bytes / 1e6:.1f} MB"
    logger.info(said)
    create_table_artifact(report.frame().to_dicts(), key="maintenance", description=said)
    return MaintenanceRecord(n_actions=len(report.actions), n_bytes=report.n_bytes, is_dry_run=dry_run)
