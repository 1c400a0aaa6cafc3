"""Runs that nobody will go on with are marked, and no other."""

import pytest
from stacks import RunningStack

from deployments import dead_runs
from deployments.dead_runs import GONE, WORKER_LABEL, mark_dead_runs


@pytest.fixture(autouse=True)
def settled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else is about to give a run its name."""
    monkeypatch.setattr(dead_runs, "SETTLED_S", 0.5)


def taken_run(lab: RunningStack, worker: str | None = None) -> str:
    """Make a run that a worker of the cpu pool has taken, and say which one where it came so far."""
    deployment = lab.api.deployment("lab-quick/lab")
    body = {"state": {"type": "PENDING", "name": "Pending"}}
    run = lab.api.ask("POST", f"deployments/{deployment['id']}/create_flow_run", body)
    if worker is not None:
        lab.api.ask("PATCH", f"flow_runs/{run['id']}/labels", {WORKER_LABEL: worker})
    return str(run["id"])


def test_a_run_whose_worker_died_before_it_gave_its_name_is_marked(lab: RunningStack) -> None:
    """It was taken, has no process, and would wait for ever; but not where workers of another pool died."""
    run_id = taken_run(lab)
    assert mark_dead_runs(lab.api_url, "one that died", "gpu") == 0
    assert mark_dead_runs(lab.api_url, "one that died", "cpu") == 1
    run = lab.api.run(run_id)
    assert (run["state_name"], run["state"]["message"]) == ("Crashed", GONE)


def test_a_run_that_another_worker_has_just_taken_is_not(lab: RunningStack) -> None:
    """Of another machine, perhaps."""
    run_id = taken_run(lab, "one that lives")
    assert mark_dead_runs(lab.api_url, "one that died", "cpu") == 0
    assert lab.api.run(run_id)["state_name"] == "Pending"
    assert mark_dead_runs(lab.api_url, "one that lives", "cpu") == 1
