"""Mark runs as crashed whose worker and process are gone, so that they hold no slot and nobody waits for them.

The automations in `deploy` find them by their silence, but only where the server lived long enough to hear the first
word: after a power cut it is `up` that has to look. What a dead worker had asked for may still come to pass after that,
where the server was slow to answer: then it is left to the automations.
"""

import time
from collections.abc import Iterable
from contextlib import suppress

import psutil

from deployments.server_api import Json, ServerApi

UNDER_WAY = ["RUNNING", "PENDING", "CANCELLING"]
WORKER_LABEL = "prefect.worker.name"
GONE = "The worker and the process that ran it are gone."
# A worker says that a run is its own within a moment, or later where the server is busy; a process needs some imports
# until it begins.
NAMED_S = 20.0
BEGUN_S = 60.0


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
    return [run for run in runs_under_way(api) if (run["labels"] or {}).get(WORKER_LABEL) in names]


def taken_by_nobody(api: ServerApi, pool: str) -> list[Json]:
    """Return the runs of a pool that were taken, by no worker that one could name: it died before it said so."""
    return [
        run
        for run in api.runs({"state": {"type": {"any_": ["PENDING"]}}})
        if run["work_pool_name"] == pool and WORKER_LABEL not in (run["labels"] or {})
    ]


def wait_for_last_words(api: ServerApi, worker: str, pool: str) -> list[Json]:
    """Wait until runs that were just taken have the name of a worker, and until those of a dead one begin or end.

    A living worker of another machine may be about to give its name; a process that was just started may end with its
    worker, or go on without it. Return the runs that nobody has named in all that time: what is taken meanwhile is
    none of them.
    """
    began, first = time.monotonic(), {run["id"] for run in taken_by_nobody(api, pool)}
    while True:
        waited_s = time.monotonic() - began
        unnamed = [run for run in taken_by_nobody(api, pool) if run["id"] in first] if first else []
        own = runs_of_workers(api, [worker]) if waited_s < BEGUN_S else []
        is_beginning = any(run["state_type"] == "PENDING" and is_running_here(run) for run in own)
        if not (unnamed and waited_s < NAMED_S) and not is_beginning:
            return unnamed
        time.sleep(0.5)


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


def mark_dead_runs(api_url: str, worker: str, pool: str) -> int:
    """Mark the runs that a dead worker of this machine had, and whose processes are gone too, or never came to be.

    A process that outlived its worker goes on and reports by itself. Takes up to `BEGUN_S` where it is not yet clear.

    Parameters
    ----------
    api_url : str
        The server.
    worker : str
        Name of the worker, as the server knows it.
    pool : str
        The pool that it worked for.

    Returns
    -------
    n_marked : int
    """
    api = ServerApi(api_url)
    nobodys = wait_for_last_words(api, worker, pool)
    dead = [run for run in runs_of_workers(api, [worker]) if not is_running_here(run)]
    return sum(mark_with_children(api, run, GONE) for run in [*dead, *nobodys])
