"""Bars in the UI: what goes wrong with them is said, and ends nothing."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NoReturn
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.states import Completed, Running

from tasks.fan_out import _wait
from tasks.progress import BatchBar


def refuse(*_: Any, **__: Any) -> NoReturn:
    """Be a server, or a lake, that is out of reach."""
    raise OSError("out of reach")


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How far bars were moved, by a server that takes them."""
    shares: list[float] = []
    monkeypatch.setattr("tasks.progress.create_progress_artifact", lambda *_, **__: uuid4())
    monkeypatch.setattr("tasks.progress.update_progress_artifact", lambda _, share, **__: shares.append(share))
    monkeypatch.setattr("tasks.progress.MOVE_S", 0.0)
    return shares


@pytest.mark.parametrize("refused", ["create_progress_artifact", "update_progress_artifact"])
def test_a_server_that_takes_no_bar_ends_no_training(
    moved: list[float], refused: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Said once, however often the bar is moved."""
    monkeypatch.setattr(f"tasks.progress.{refused}", refuse)
    bar = BatchBar(2)
    bar.note_end("a")
    bar.note_end("b")
    bar.finish("2 of 2 trained")
    assert moved == []
    assert [record.message for record in caplog.records] == [
        "progress cannot be shown, the work goes on: OSError: out of reach"
    ]


def test_a_lake_out_of_reach_for_a_moment_ends_no_night(moved: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that fails moves no bar; the next one does, and the night waits until its trainings have ended."""
    sent = uuid4()
    looks: Iterator[Any] = iter([refuse, lambda _: {"a"}])
    monkeypatch.setattr("tasks.fan_out.completed_runs", lambda wanted: next(looks)(wanted))
    monkeypatch.setattr("tasks.fan_out.PROGRESS_S", 0.0)
    states = iter([Running(), Completed()])

    def read_flow_runs(**_: Any) -> list[FlowRun]:
        return [FlowRun(id=sent, flow_id=UUID(int=0), name="batch", state=next(states))]

    client: Any = SimpleNamespace(read_flow_runs=read_flow_runs)
    plan: Any = SimpleNamespace(run_id="a")
    assert [outcome.state for outcome in _wait(client, [sent], [plan])] == ["Completed"]
    assert moved == [100.0]
