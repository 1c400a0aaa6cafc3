"""What a night shows in the Prefect UI is of that night."""

from typing import Any

import pytest
from planted import PlantedLake

from tasks import report
from tasks.report import report_night


def test_the_table_is_of_the_night_and_no_cell_ends_early(
    planted: PlantedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not of the newest one; a bar in what was rejected stays in its cell, whatever stands before it."""
    shown: dict[str, Any] = {}
    monkeypatch.setattr(report, "tell_watchers", lambda *_: None)
    monkeypatch.setattr(report, "create_table_artifact", lambda table, **_: shown.update(table=table))
    monkeypatch.setattr(report, "create_markdown_artifact", lambda text, **_: shown.update(text=text))
    for scheme in ("grouped", "paper"):
        run = planted.run(scheme, planted.split(scheme, "PP1"))
        planted.night([run], errors={scheme: dict.fromkeys(planted.labels["image_id"], 0.5)}, night_id=scheme)
    first = planted.lake.query("FROM nights ORDER BY sequence").row(0, named=True)
    counts = dict.fromkeys(("n_new_images", "n_new_patches", "n_rejected", "n_trained", "n_reused", "n_failed"), 0)
    with planted.lake.write("a fault") as transaction:
        transaction.execute(
            "INSERT INTO rejected VALUES (?, 'a\\|b', '', 'rule', '', 'm', 'r', now(), NULL)", [first["source"]]
        )
    report_night.fn(first | counts | {"profile": "quick"})
    assert {row["scheme"] for row in shown["table"]} == {"grouped"}
    assert "| a\\\\\\|b | rule |" in shown["text"]
