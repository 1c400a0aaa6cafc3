"""What a night does to the lake beside its rows."""

import logging

import polars as pl
import pytest

from lake import Lake
from lake.errors import LakeLocked
from lake.maintenance import MERGE_FROM
from tasks import nights
from tasks.nights import merge_files

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
