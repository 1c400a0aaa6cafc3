"""The wait for the child runs of a night."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tasks import fan_out


def test_a_night_that_takes_too_long_ends_its_trainings_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers need a while for it; the night waits until they have ended."""
    looks = iter([False, False, False, True])
    cancelled: list[int] = []

    def read(*_: object) -> list[Any]:
        is_over = next(looks)
        state = SimpleNamespace(is_final=lambda: is_over, name="Cancelled", message="")
        return [SimpleNamespace(state=state, start_time="once", name="train 1 runs")]

    monkeypatch.setattr(fan_out, "LONGEST_NIGHT", timedelta(0))
    monkeypatch.setattr(fan_out, "POLL_S", 0.001)
    monkeypatch.setattr(fan_out, "Bar", lambda *_: None)
    monkeypatch.setattr(fan_out, "_show", lambda *_: None)
    monkeypatch.setattr(fan_out, "completed_runs", lambda _: set())
    monkeypatch.setattr(fan_out, "_read", read)
    monkeypatch.setattr(fan_out, "_cancel", lambda _, runs: cancelled.append(len(runs)))
    client: Any = None
    (ended,) = fan_out._wait(client, [], [])
    assert ended.state == "Cancelled"
    assert cancelled == [1]
