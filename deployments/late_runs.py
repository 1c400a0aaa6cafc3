"""Skip nights that nobody ran: after days in which server or workers were away, one night makes up for all.

The server makes the runs of a schedule days ahead. Those whose time has passed when a worker comes back would all be
taken at once, each as good as the newest: a night takes what is new, whenever that came.
"""

from collections import defaultdict
from datetime import UTC, datetime

from deployments.server_api import ServerApi

SKIPPED = "Skipped: it was due while no worker was there, and so was a later one, which does its work."


def skip_late_runs(api: ServerApi, pool: str) -> list[str]:
    """Cancel, of the runs that a schedule made and that are overdue, all but the newest of each deployment.

    Runs that somebody asked for stay.

    Parameters
    ----------
    api : ServerApi
    pool : str
        Work pool whose runs are looked at.

    Returns
    -------
    list of str
        Names of the runs that were skipped.
    """
    overdue = api.runs(
        {
            "state": {"type": {"any_": ["SCHEDULED"]}},
            "next_scheduled_start_time": {"before_": datetime.now(UTC).isoformat()},
        }
    )
    by_deployment = defaultdict(list)
    for run in overdue:  # oldest first
        if run["work_pool_name"] == pool and run["auto_scheduled"]:
            by_deployment[run["deployment_id"]].append(run)
    late = [run for runs in by_deployment.values() for run in runs[:-1]]
    for run in late:
        api.set_state(run["id"], "CANCELLED", SKIPPED)
    return [run["name"] for run in late]
