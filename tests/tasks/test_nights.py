"""What a night does to the lake beside its rows."""

import logging
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from planted import PlantedLake

from deepdlt.night import plan_runs
from deepdlt.presets import find_preset
from lake import Lake
from lake.errors import LakeLocked
from lake.maintenance import MERGE_FROM
from tasks import nights
from tasks.forget import forget
from tasks.nights import merge_files, record_night
from tasks.still_there import DatasetForgotten

ROW = pl.DataFrame({"night_id": ["n"], "run_id": ["a"], "is_reused": [False]})


def n_files(lake: Lake) -> int:
    """In how many files the smallest table lies."""
    return int(lake.query("SELECT file_count FROM ducklake_table_info('lake') WHERE table_name = 'night_runs'").item())


def test_the_small_files_of_trainings_become_one(lake: Lake) -> None:
    """From eight on, with the rows that they held."""
    for number in range(MERGE_FROM):
        if number == MERGE_FROM - 1:
            merge_files()
            assert n_files(lake) == MERGE_FROM - 1
        with lake.write("a training") as transaction:
            transaction.replace("night_runs", ROW.with_columns(run_id=pl.lit(str(number))), key=["run_id"])
    merge_files()
    assert n_files(lake) == 1
    assert lake.query("SELECT run_id FROM night_runs ORDER BY run_id")["run_id"].to_list() == list("01234567")


def test_a_lake_that_is_held_fails_no_night(
    lake: Lake, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log says who holds it; the next night merges."""

    def held(_: Lake) -> None:
        raise LakeLocked("/srv/lake", wanted="merge small files", holder="process 7", waited_s=60.0)

    monkeypatch.setattr(nights, "merge_small_files", held)
    with caplog.at_level(logging.WARNING, logger="tasks.nights"):
        merge_files()
    assert "the lake at /srv/lake is being written by process 7" in caplog.text


def record(planted: PlantedLake) -> dict[str, Any]:
    """Record a night of two presets and two seeds, none of which was trained."""
    presets = [find_preset("label-cv"), find_preset("vae")]
    plans = plan_runs(planted.splits, presets, profile="quick", epochs=1, seeds=[0, 1])
    ingested: Any = {"source": planted.folder, "n_rejected": 0}
    now = datetime.now(UTC)
    of_night: dict[str, Any] = {"ingested": ingested, "n_new_images": 0, "n_new_patches": 0}
    return record_night("n", plans, plans, **of_night, started_at=now, finished_at=now)


def test_what_a_night_planned_is_noted_whatever_came_of_it(planted: PlantedLake) -> None:
    """By preset and scheme: two labels, three folds and two seeds; one training a seed on the 80/10/10 split."""
    assert record(planted)["n_failed"] == 26
    planned = planted.lake.query("SELECT night_id, preset, scheme, n_runs FROM night_plans ORDER BY ALL").rows()
    assert planned == [("n", "label-cv", "grouped", 12), ("n", "label-cv", "paper", 12), ("n", "vae", "holdout", 2)]


def test_a_night_on_a_data_set_that_was_forgotten_is_not_noted(planted: PlantedLake) -> None:
    """It says what to do; nothing refers to what is gone."""
    forget(planted.lake, [planted.labels["image_id"][0]])
    with pytest.raises(DatasetForgotten, match="run the night again"):
        record(planted)
    assert planted.lake.query("FROM nights").is_empty()
