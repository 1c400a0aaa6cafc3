"""A night tells what somebody should know, and nothing else."""

import json
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


def put(
    lake: Lake,
    number: int,
    *mses: float,
    preset: str = "tuned",
    source: str = "s",
    first_fold: int = 1,
    epochs: int = 9,
) -> dict[str, Any]:
    """Put a night of a training with each of these errors, fold after fold, and return its row."""
    names = {"preset": preset, "scheme": "grouped", "label": "NP", "profile": "quick"}
    settings = json.dumps({"epochs": epochs})
    runs = {f"{number} {preset} {source} {fold}": (fold, mse) for fold, mse in enumerate(mses, first_fold)}
    fill(
        lake,
        runs=[{"run_id": run_id, "fold": fold, "settings": settings} | names for run_id, (fold, _) in runs.items()],
        fold_metrics=[{"run_id": run_id, "split": "test", "mse": mse} for run_id, (_, mse) in runs.items()],
        nights=[{"night_id": f"n{number}", "sequence": number, "source": source, "n_trained": 1}],
        night_runs=[{"night_id": f"n{number}", "run_id": run_id} for run_id in runs],
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


def test_only_the_same_trainings_are_compared(lake: Lake, told: list[tuple[str, dict[str, Any]]]) -> None:
    """A night of which some folds failed, or with fewer epochs, is not worse for that; equal folds are."""
    put(lake, 1, 1.0, 3.0)
    assert tell_watchers(lake, put(lake, 2, 3.0, first_fold=2)) == []
    assert tell_watchers(lake, put(lake, 3, 9.0, 9.0, epochs=1)) == []
    assert tell_watchers(lake, put(lake, 4, 1.0, 3.5)) == ["deepdlt.metric.regression"]
    ((_, payload),) = told
    assert (payload["mse"], payload["mse_before"], payload["night_before"]) == (3.5, 3.0, 2)


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
