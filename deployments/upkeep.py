"""The command ``deepdlt maintain``: upkeep in this process, and what came of it."""

import os
from collections.abc import Callable

from deployments.server_api import ServerApi
from deployments.settings import external_api_url, keep_prefect_here, results_folder, stack_paths
from deployments.stack_state import read_state
from deployments.tables import render_table

Say = Callable[[str], None]


def run_upkeep(
    say: Say,
    *,
    keep_days: float,
    grace_hours: float,
    page_days: float,
    run_days: float,
    export_days: float | None,
    dry_run: bool,
) -> None:
    """Do what the deployment ``maintain/weekly`` does, and say it line by line.

    Without a server that answers, Prefect's records stay.
    """
    from lake import Lake

    Lake.open(is_read_only=True).close()  # a lake that is not there is not made
    lake = Lake.open(migrates=not dry_run)
    keep_prefect_here()
    api_url = external_api_url() or read_state(stack_paths()).api_url
    has_server = api_url is not None and ServerApi(api_url, timeout_s=5).is_healthy()
    if api_url:
        os.environ["PREFECT_API_URL"] = api_url  # before Prefect is imported
    os.environ["DEEPDLT_RESULTS"] = str(results_folder(stack_paths()))
    from tasks.upkeep import frame_of, tidy

    ages = {"keep_days": keep_days, "grace_hours": grace_hours, "page_days": page_days}
    done = tidy(lake, **ages, export_days=export_days, dry_run=dry_run)
    if has_server:
        from tasks.prune import prune_runs

        done += prune_runs(run_days=run_days, dry_run=dry_run)
    if dry_run:
        say(render_table(["step", "what", "bytes"], [(one.step, one.what, one.n_bytes) for one in done]))
    totals = frame_of(done)
    say(render_table(["step", "n", "bytes"], totals.rows()))
    if not has_server:
        say("no Prefect server answers: its records of old runs stay")
    if dry_run:
        say(f"Nothing was changed; {totals['n_bytes'].sum():,} bytes would be freed.")
