"""Mark runs as crashed whose worker and process are gone, so that they hold no slot and nobody waits for them.

The automation in `deploy` finds them by their missing heartbeats, but only where the server lived long enough to see
the first one: after a power cut it is `up` that has to look.
"""

from collections.abc import Iterable
from contextlib import suppress

import psutil

from deployments.server_api import Json, ServerApi

UNDER_WAY = ["RUNNING", "PENDING", "CANCELLING"]
GONE = "The worker and the process that ran it are gone."


def is_running_here(run: Json) -> bool:
    """Tell whether the process of a run is alive on this machine."""
    with suppress(psutil.Error, ValueError):
        environment = psutil.Process(int(run["infrastructure_pid"] or "")).environ()
        return environment.get("PREFECT__FLOW_RUN_ID") == str(run["id"])
    return False


def runs_under_way(api: ServerApi) -> list[Json]:
    """Return the runs that are said to be under way."""
    return api.runs({"state": {"type": {"any_": UNDER_WAY}}})


def runs_of_workers(api: ServerApi, workers: Iterable[str]) -> list[Json]:
    """Return the runs under way that some workers took, by the names that the server knows them by."""
    names = set(workers)
    return [run for run in runs_under_way(api) if (run["labels"] or {}).get("prefect.worker.name") in names]


def mark_with_children(api: ServerApi, run: Json, message: str) -> int:
    """Mark a run as crashed, and with it those of its children that ran in the same process; return how many."""
    api.set_state(run["id"], "CRASHED", message, is_forced=True)
    children = api.runs(
        {
            "parent_flow_run_id": {"any_": [run["id"]]},
            "state": {"type": {"any_": UNDER_WAY}},
            "deployment_id": {"is_null_": True},
        }
    )
    return 1 + sum(mark_with_children(api, child, message) for child in children)


def mark_dead_runs(api_url: str, worker: str) -> int:
    """Mark the runs that a dead worker of this machine had, and whose processes are gone too.

    A process that outlived its worker goes on and reports by itself.

    Parameters
    ----------
    api_url : str
        The server.
    worker : str
        Name of the worker, as the server knows it.

    Returns
    -------
    n_marked : int
    """
    api = ServerApi(api_url)
    own = runs_of_workers(api, [worker])
    return sum(mark_with_children(api, run, GONE) for run in own if not is_running_here(run))
