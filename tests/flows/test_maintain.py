"""What upkeep does when a part of it fails."""

from typing import Any

import pytest

from flows import maintain as flow


def test_prefects_old_runs_go_whatever_came_of_the_lake(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the flow fails with what was wrong with the lake."""

    def locked(*_: object) -> Any:
        raise RuntimeError("the lake is being written")

    pruned: list[tuple[float, bool]] = []
    monkeypatch.setattr(flow, "maintain_lake", locked)
    monkeypatch.setattr(flow, "prune_prefect", lambda *given: pruned.append(given))
    with pytest.raises(RuntimeError, match="being written"):
        flow.maintain.fn(run_days=7.0)
    assert pruned == [(7.0, False)]
