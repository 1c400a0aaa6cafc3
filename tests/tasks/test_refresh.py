"""A night that is asked to do again what stands: the same rows, once, and the ledger says so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from nights import run_night
from polars.testing import assert_frame_equal

from deepdlt.refresh import STEPS, Refresh
from deepdlt.training.progress_files import PROGRESS_FILES
from lake import Lake
from tasks.aside import set_aside
from tasks.lake_access import open_lake
from tasks.why import why

pytestmark = pytest.mark.long

OF_A_NIGHT = ("nights", "night_plans", "night_runs", "night_groups", "reasons", "meta")
TIMES = ("_at", "seconds", "snapshot_id", "n_new_images")


def content(lake: Lake) -> dict[str, pl.DataFrame]:
    """Return every row of every table that is not of one night alone; without times, and what was new to whom."""
    names = lake.tables().filter(kind="table")["name"]
    tables = {name: lake.query(f"SELECT * FROM {name} ORDER BY ALL") for name in names if name not in OF_A_NIGHT}
    return {
        name: frame.select(column for column in frame.columns if not column.endswith(TIMES)).sort(pl.all())
        if name != "latents"
        else frame.sort("run_id", "patch_id")
        for name, frame in tables.items()
    }


@pytest.fixture(scope="module")
def nights(synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A night, and one that is asked to do all of it again."""
    folder = tmp_path_factory.mktemp("again")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPDLT_LAKE", str(folder / "lake"))
        patch.setattr("tasks.probing.METHODS", ("pca",))
        patch.setattr("tasks.probing.N_PERMUTATIONS", 9)
        small: dict[str, Any] = {"models": ("ae",), "schemes": ("grouped",)}
        first = run_night(synthetic, **small)
        before, asked = content(open_lake()), open_lake().query("FROM analyses")
        again = run_night(synthetic, **small, refresh=Refresh(STEPS))
        yield {"first": first, "again": again, "before": before, "asked": asked, "lake": open_lake()}


def test_what_is_done_again_stands_once_with_equal_content(nights: dict[str, Any]) -> None:
    """Images, patches, folds, audits, and of trainings every number to the last bit."""
    after = content(nights["lake"])
    for table, frame in nights["before"].items():
        assert frame.columns == after[table].columns, table
        assert_frame_equal(frame, after[table], check_exact=True)


def test_every_step_ran_and_every_training_was_done(nights: dict[str, Any]) -> None:
    """None is a hit; nothing of it is new."""
    again, lake = nights["again"], nights["lake"]
    assert (again["n_trained"], again["n_reused"]) == (3, 0)
    assert (again["n_new_images"], again["n_new_patches"]) == (0, 0)
    steps = lake.query("SELECT * FROM reasons WHERE night_id = ?", [again["night_id"]])
    assert steps.filter(pl.col("is_hit") | ~pl.col("is_asked_for"))["step"].to_list() == []
    before = nights["asked"].select("subject", "question", before="asked_at")
    both = lake.query("FROM analyses").join(before, on=["subject", "question"])
    assert both.filter(pl.col("asked_at") <= pl.col("before"))["question"].to_list() == []


def test_why_says_that_it_was_asked_for(nights: dict[str, Any]) -> None:
    """Of steps and of trainings; of the night, what it was asked."""
    lines = why(nights["lake"])
    assert lines[0] == f"night 2, asked to do again: {' '.join(STEPS)}"
    assert "cut patches: ran: asked for" in lines
    assert all(line.endswith(": asked for") for line in lines[1:])


def test_a_training_that_is_set_aside_is_missing_until_it_is_done(nights: dict[str, Any]) -> None:
    """Its numbers stay meanwhile; its progress goes, so that it begins anew."""
    from tasks.completed import completed_runs

    lake = nights["lake"]
    run = lake.query("SELECT run_id, preset, label FROM runs WHERE label = 'PP1' LIMIT 1").row(0, named=True)
    progress = [lake.root / "models" / run["run_id"] / name for name in PROGRESS_FILES]
    for file in progress:
        file.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPDLT_LAKE", str(lake.root))
        assert set_aside([_plan(run)], Refresh(("train:NP",))) == set()
        assert completed_runs([run["run_id"]]) == {run["run_id"]}
        set_aside([_plan(run)], Refresh(("train:PP1",)))
        assert completed_runs([run["run_id"]]) == set()
    assert not any(file.exists() for file in progress)
    assert lake.query("SELECT count(*) FROM epochs WHERE run_id = ?", [run["run_id"]]).item() == 1


def _plan(run: dict[str, Any]) -> Any:
    """Return what is asked of a plan."""
    from types import SimpleNamespace

    return SimpleNamespace(**run)
