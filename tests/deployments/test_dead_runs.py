"""Runs that nobody will go on with are marked, and no other."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from stacks import RunningStack

from deployments import dead_runs
from deployments.dead_runs import GONE, WORKER_LABEL, mark_dead_runs


@pytest.fixture(autouse=True)
def named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else is about to give a run its name."""
    monkeypatch.setattr(dead_runs, "NAMED_S", 0.5)


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


def test_a_run_that_is_taken_while_others_are_waited_for_is_left(
    lab: RunningStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A living worker of another machine has just taken it, and is about to give its name."""
    monkeypatch.setattr(dead_runs, "NAMED_S", 3)
    old, young = taken_run(lab), list[str]()
    taking = threading.Timer(1, lambda: young.append(taken_run(lab)))
    taking.start()
    assert mark_dead_runs(lab.api_url, "one that died", "cpu") == 1
    taking.join()
    assert [lab.api.run(run_id)["state_name"] for run_id in (old, *young)] == ["Crashed", "Pending"]
    assert mark_dead_runs(lab.api_url, "one that died", "cpu") == 1


@contextmanager
def process_of(lab: RunningStack, run_id: str, seconds: float) -> Iterator[None]:
    """Have a process on this machine that runs a run, for some seconds."""
    command = [sys.executable, "-c", f"import time; time.sleep({seconds})"]
    with subprocess.Popen(command, env={**os.environ, "PREFECT__FLOW_RUN_ID": run_id}) as process:
        lab.api.ask("PATCH", f"flow_runs/{run_id}", {"infrastructure_pid": str(process.pid)})
        yield
        process.kill()


def test_a_process_that_ends_with_its_worker_before_it_began_is_waited_for(lab: RunningStack) -> None:
    """It was alive when the worker was found dead."""
    run_id = taken_run(lab, "one that died")
    with process_of(lab, run_id, seconds=2):
        assert mark_dead_runs(lab.api_url, "one that died", "cpu") == 1
    assert lab.api.run(run_id)["state_name"] == "Crashed"


def test_a_process_that_goes_on_without_its_worker_keeps_its_run(lab: RunningStack) -> None:
    """It has begun, and reports by itself."""
    run_id = taken_run(lab, "one that died")
    with process_of(lab, run_id, seconds=600):
        lab.api.set_state(run_id, "RUNNING", "begun")
        assert mark_dead_runs(lab.api_url, "one that died", "cpu") == 0
        assert lab.api.run(run_id)["state_name"] == "Running"
    assert mark_dead_runs(lab.api_url, "one that died", "cpu") == 1
