"""A night tells what somebody should know, and nothing else."""

from typing import Any

import pytest
from lake_rows import fill

from lake import Lake
from tasks import watching
from tasks.watching import tell_watchers


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Every event that is emitted, with its payload."""
    events: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(watching, "emit_event", lambda event, *, payload, **_: events.append((event, payload)))
    return events


def put(lake: Lake, number: int, mse: float, *, preset: str = "tuned", source: str = "s") -> dict[str, Any]:
    """Put a night of one training with this error, and return its row."""
    names = {"preset": preset, "scheme": "grouped", "label": "NP", "profile": "quick"}
    run_id = f"{number} {preset} {source}"
    fill(
        lake,
        runs=[{"run_id": run_id} | names],
        fold_metrics=[{"run_id": run_id, "split": "test", "mse": mse}],
        nights=[{"night_id": f"n{number}", "sequence": number, "source": source, "n_trained": 1}],
        night_runs=[{"night_id": f"n{number}", "run_id": run_id}],
    )
    return lake.query("FROM nights WHERE sequence = ?", [number]).row(0, named=True)


def test_an_error_a_tenth_above_the_night_before_is_told(lake: Lake, told: list[tuple[str, dict[str, Any]]]) -> None:
    """Against the newest night that had the same of the same source; other presets and sources do not count."""
    put(lake, 1, 1.0)
    put(lake, 2, 2.0)
    put(lake, 3, 0.1, preset="residual")
    put(lake, 4, 0.1, source="elsewhere")
    assert tell_watchers(lake, put(lake, 5, 2.1)) == []
    assert tell_watchers(lake, put(lake, 6, 2.4)) == ["deepdlt.metric.regression"]
    ((_, payload),) = told
    assert (payload["preset"], payload["mse"], payload["mse_before"], payload["night_before"]) == ("tuned", 2.4, 2.1, 5)


def test_a_night_that_trained_nothing_has_no_regression(lake: Lake, told: list[tuple[str, dict[str, Any]]]) -> None:
    """It was told by the night that trained."""
    put(lake, 1, 1.0)
    assert tell_watchers(lake, put(lake, 2, 2.0) | {"n_trained": 0}) == []
    assert told == []


def test_a_disk_that_is_nearly_full_is_told(
    lake: Lake, told: list[tuple[str, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by a night that trained nothing."""
    night = put(lake, 1, 1.0) | {"n_trained": 0}
    monkeypatch.setattr(watching, "LOW_BYTES", 10**18)
    assert tell_watchers(lake, night) == ["deepdlt.disk.low"]
    assert told[0][1]["folder"] == str(lake.root)
