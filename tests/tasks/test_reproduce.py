"""A training of a past night comes out again, to the last bit, whatever was added since."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from nights import run_night
from typer.testing import CliRunner

from deepdlt.synthetic.synth import write_synthetic
from deployments.cli import app
from lake import Lake, maintain
from lake.errors import SnapshotMissing
from tasks.lake_access import open_lake
from tasks.replay import replay
from tasks.reproduce import Reproduction, judge
from tasks.stored_run import DataGone, RunUnknown, find_run, lake_of

SMALL: dict[str, Any] = {
    "preset": "matched-experiment-1",
    "models": ("ae",),
    "schemes": ("grouped",),
    "labels": ("PP1",),
    "epochs": 2,
}


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake of two nights: after the first, three images came, a label was corrected, and snapshots were expired."""
    folder = tmp_path_factory.mktemp("past")
    write_synthetic(folder / "images", n_images=12, height_px=96, width_px=128)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPDLT_LAKE", str(folder / "lake"))
        patch.setenv("DEEPDLT_DEVICE", "cpu")
        for slow in ("_store_probes", "_store_difficulty"):  # of other tests
            patch.setattr(f"tasks.analysis.{slow}", lambda *_: None)
        run_night(folder / "images", **SMALL)
        write_synthetic(folder / "images", n_images=15, height_px=96, width_px=128)
        run_night(folder / "images", **SMALL)
        maintain(open_lake(), keep_days=0, grace_hours=0)
        yield open_lake()


@pytest.fixture
def lake(past: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A copy of that lake for one test."""
    shutil.copytree(past.root, tmp_path / "lake")
    monkeypatch.setenv("DEEPDLT_LAKE", str(tmp_path / "lake"))
    return open_lake()


def first_run(lake: Lake) -> str:
    """Return the run of the first night."""
    return str(lake.query("SELECT run_id FROM night_runs JOIN nights USING (night_id) WHERE sequence = 1").item())


def again(lake: Lake, run_id: str) -> Reproduction:
    """Do a run again in this process: torch is here already."""
    run = find_run(lake, run_id)
    return judge(lake, run, replay(lake, run, tell=lambda _: None))


def test_a_run_of_a_past_night_comes_out_again_after_images_were_added(past: Lake) -> None:
    """Every value of its four tables, from its beginning of an id; no second run stands, and no row is another."""
    run_id = first_run(past)
    before, files = past.snapshot_id(), sorted(past.root.rglob("models/**/*"))
    done = CliRunner().invoke(app, ["reproduce", run_id[:8]], env={"DEEPDLT_LAKE": str(past.root)})
    assert done.exit_code == 0, done.output
    assert "Equal: every number is the same, to the last bit." in done.output
    assert [line.split()[0] for line in done.output.splitlines() if "_metrics" in line or "epochs " in line] == [
        "epochs",
        "fold_metrics",
        "label_metrics",
        "patch_metrics",
    ]
    assert (past.snapshot_id(), sorted(past.root.rglob("models/**/*"))) == (before, files)


def test_data_come_from_the_snapshot_where_rows_are_gone(lake: Lake) -> None:
    """Folds and patches that were deleted since stand in the snapshot that the split has pinned."""
    run = find_run(lake, first_run(lake))
    with lake.write("forget") as transaction:
        transaction.execute("DELETE FROM folds WHERE split_id = ?", [run.plan.split_id])
        transaction.execute("DELETE FROM patches")
    for _ in range(2):
        maintain(lake, keep_days=0, grace_hours=0)
    found = again(lake, run.plan.run_id)
    assert found.is_equal
    assert [one.what for one in found.differences] == ["data"]


def test_a_number_that_is_another_is_found_with_how_far_it_is_apart(lake: Lake) -> None:
    """One patch, one epoch, other versions and code: each is named, and the exit code is 1."""
    run_id = first_run(lake)
    with lake.write("spoil") as transaction:
        transaction.execute(
            "UPDATE patch_metrics SET mse = mse + 0.5 WHERE patch_id = (SELECT min(patch_id) FROM patches)"
        )
        transaction.execute("UPDATE epochs SET val_loss = 2 * val_loss WHERE epoch = 1 AND run_id = ?", [run_id])
        transaction.execute("""UPDATE runs SET versions = '{"torch": "1.0"}', code_digest = 'old'""")
        transaction.execute("UPDATE code_modules SET code_digest = 'old'")
        transaction.execute("UPDATE code_modules SET module_digest = 'x' WHERE module = 'deepdlt.loss.losses'")
    found = again(lake, run_id)
    assert not found.is_equal
    tables = {one.table: one for one in found.tables}
    assert (tables["epochs"].n_unequal, tables["epochs"].column, tables["epochs"].relative) == (1, "val_loss", 0.5)
    assert tables["fold_metrics"].is_equal
    assert {"torch", "code of deepdlt.loss.losses"} <= {one.what for one in found.differences}
    assert not any(one.what == "code of deepdlt.models" for one in found.differences)


def test_a_run_that_cannot_be_told_is_refused(past: Lake) -> None:
    """None begins so, or several do: both say which."""
    with pytest.raises(RunUnknown, match="no complete run"):
        find_run(past, "zz")
    with pytest.raises(RunUnknown, match="2 runs begin so"):
        find_run(past, "")


def test_a_run_whose_data_are_gone_for_good_says_so(lake: Lake) -> None:
    """Neither the lake nor the snapshot has its patches: it is not trained on what is left."""
    run = find_run(lake, first_run(lake))
    with lake.write("forget") as transaction:
        transaction.execute("DELETE FROM folds WHERE patch_id IN (SELECT min(patch_id) FROM folds)")
        transaction.execute("UPDATE splits SET snapshot_id = ?", [transaction.next_snapshot_id()])
    with pytest.raises(DataGone, match="whole neither"):
        lake_of(lake, find_run(lake, run.plan.run_id))


def test_a_lake_at_a_snapshot_is_the_lake_of_then(lake: Lake) -> None:
    """Rows written since are not seen, nothing can be written, and a moment that never was is refused."""
    pinned = lake.query("SELECT min(snapshot_id) FROM splits").item()
    then = lake.at(pinned)
    assert then.query("SELECT count(*) FROM runs").item() == 0
    assert then.query("SELECT count(DISTINCT split_id) FROM folds").item() > 0
    assert then.is_read_only
    with pytest.raises(SnapshotMissing, match="no snapshot 99999"):
        lake.at(99_999)


def test_the_modules_of_a_runs_code_are_known(past: Lake) -> None:
    """Once for each code, with the modules that it reaches."""
    modules = past.query("FROM code_modules")
    assert {"deepdlt.training.train", "deepdlt.loss.losses"} <= set(modules["module"])
    assert modules.select("code_digest", "module").is_unique().all()
    assert set(modules["code_digest"]) == set(past.query("SELECT code_digest FROM runs")["code_digest"])
    assert isinstance(modules, pl.DataFrame)
