"""Prefect forgets our runs that ended long ago, and no other."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from stacks import RunningStack, wait_until

from tasks import prune
from tasks.prune import prune_runs

OURS = f"deepdlt-{uuid4().hex[:6]}"
"""In the place of our tag: other tests have runs at this server, too."""


@pytest.fixture
def runs(stack: RunningStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Runs of ours in every kind of state and one of somebody else's that has ended; by name, their ids."""
    monkeypatch.setattr(prune, "TAG", OURS)
    flow_id = stack.api.ask("POST", "flows/", {"name": "upkeep"})["id"]
    ids = {}
    for name in (
        "COMPLETED",
        "FAILED",
        "CRASHED",
        "CANCELLED",
        "RUNNING",
        "SCHEDULED",
        "PAUSED",
        "CANCELLING",
        "other",
    ):
        body = {"flow_id": flow_id, "name": name, "tags": ["somebody"] if name == "other" else [OURS]}
        ids[name] = stack.api.ask("POST", "flow_runs/", body)["id"]
        for state in ("RUNNING", "COMPLETED" if name == "other" else name):
            stack.api.set_state(ids[name], state, "", is_forced=True)
    yield ids
    for run in stack.api.runs({"tags": {"all_": [OURS]}}):
        stack.api.ask("DELETE", f"flow_runs/{run['id']}")


def names(stack: RunningStack, runs: dict[str, str]) -> set[str]:
    """The runs that the server knows."""
    return {run["name"] for run in stack.api.runs({"id": {"any_": list(runs.values())}})}


def test_only_our_runs_that_have_ended_are_forgotten(stack: RunningStack, runs: dict[str, str]) -> None:
    """None that is younger than the age; dry, the same are named and all stay; their logs and artifacts go along."""
    ended = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
    line = {
        "name": "x",
        "level": 20,
        "message": "m",
        "timestamp": "2026-01-01T00:00:00Z",
        "flow_run_id": runs["FAILED"],
    }
    stack.api.ask("POST", "logs/", [line])
    stack.api.ask(
        "POST", "artifacts/", {"key": "upkeep", "type": "markdown", "data": "m", "flow_run_id": runs["FAILED"]}
    )
    assert prune_runs(run_days=1, dry_run=False) == []
    dry = prune_runs(run_days=0, dry_run=True)
    assert {action.what.partition(" ")[0] for action in dry} == ended
    assert names(stack, runs) == set(runs)
    assert {action.what for action in prune_runs(run_days=0, dry_run=False)} == {action.what for action in dry}
    assert names(stack, runs) == set(runs) - ended
    of_run = {"flow_run_id": {"any_": [runs["FAILED"]]}}
    assert stack.api.ask("POST", "artifacts/filter", {"artifacts": of_run}) == []
    wait_until(lambda: stack.api.ask("POST", "logs/filter", {"logs": of_run}) == [])
