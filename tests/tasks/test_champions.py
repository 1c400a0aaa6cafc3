"""A night's best trainings become champion where they prove to be better; what was set back stays back."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lake_rows import fill
from planted import PlantedLake
from typer.testing import CliRunner

from deployments.cli import app
from lake import Lake
from lake.statements import load
from tasks.analysis import groups_of, store_groups
from tasks.champions import ChampionUnknown, JudgingFailed, judge_champions, roll_back, stack
from tasks.lake_access import open_lake

NIGHTS: dict[str, dict[str, Any]] = {
    "first": {"factor": 1.0},
    "better": {"factor": 0.8},
    "worse": {"factor": 0.9},
    "best": {"factor": 0.6},
    "newest": {"factor": 0.5},
    "paper": {"factor": 1.0, "scheme": "paper"},
    "torn": {"factor": 1.0, "n_left_out": 1},
    "bad": {"factor": 4.0},
}
"""Trainings of one preset, by name of their night, with what they have in the place of an error of 5 to 8 %."""


@pytest.fixture(scope="module")
def put_once(planted_once: PlantedLake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with all these nights, none of which has been judged."""
    folder = tmp_path_factory.mktemp("champions") / "lake"
    shutil.copytree(planted_once.lake.root, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPDLT_LAKE", str(folder))
        planted = replace(planted_once, lake=open_lake())
        for name, options in NIGHTS.items():
            put(planted, name, **options)
    return folder


@pytest.fixture
def lake(put_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A copy of that lake for one test."""
    shutil.copytree(put_once, tmp_path / "lake")
    monkeypatch.setenv("DEEPDLT_LAKE", str(tmp_path / "lake"))
    return open_lake()


def put(planted: PlantedLake, name: str, factor: float, *, scheme: str = "grouped", n_left_out: int = 0) -> None:
    """Put a night of three folds by angle, whose errors are those of the images times a factor."""
    images = planted.labels["image_id"].to_list()
    errors = {image: factor * (0.05 + 0.001 * place) for place, image in enumerate(images)}
    runs = [run | {"run_id": f"{name} {run['run_id']}"} for run in planted.runs(scheme, ["angle"])][n_left_out:]
    planted.night(runs, errors={run["run_id"]: errors for run in runs}, night_id=name)
    measured = {f"pca_{count}_mse": 0.5 for count in (8, 32, 128)} | {"pca_512_mse": 0.2}
    fill(
        planted.lake,
        baselines=[
            {"split_id": run["split_id"], "fold": run["fold"], "split": "test", "target_range": "unit"} | measured
            for run in runs
        ],
        models=[
            {"model_id": run["run_id"], "run_id": run["run_id"], "best_by": "loss", "path": f"models/{run['run_id']}"}
            for run in runs
        ],
    )
    (planted.lake.root / "models").mkdir(exist_ok=True)
    for run in runs:
        (planted.lake.root / "models" / run["run_id"]).write_bytes(b"model")
    store_groups(planted.lake, name, groups_of(planted.lake.query(load("runs_to_analyse"), [name])))


def judge(lake: Lake, *nights: str) -> list[tuple[Any, ...]]:
    """Judge nights in turn and return night, promoted or not, and reason of every decision."""
    for night in nights:
        judge_champions.fn(night)
    asked = "SELECT night_sequence, is_promoted, reason FROM champion_decisions ORDER BY decided_at"
    return lake.query(asked).rows()


def set_failed(lake: Lake, night: str) -> None:
    """Have all trainings of a night be failed ones, as lakes of before may have them."""
    with lake.write("failed") as transaction:
        transaction.execute("UPDATE runs SET status = 'failed' WHERE run_id LIKE ?", [f"{night} %"])


def champions(lake: Lake) -> list[str]:
    """The model of each change of champion, as the night that trained it."""
    return [run_id.split()[0] for run_id in lake.query("FROM champions ORDER BY sequence")["run_id"]]


def test_the_better_one_becomes_champion_and_the_reason_stands(lake: Lake) -> None:
    """The first, then one that is better by a fifth; one that is worse is not, and the table says why."""
    decisions = judge(lake, "first", "better", "worse")
    assert [is_promoted for _, is_promoted, _ in decisions] == [True, True, False]
    assert decisions[0][2] == "it is the first that is better than every baseline"
    assert "95 % interval" in decisions[1][2]
    assert "not lower than the champion's" in decisions[2][2]
    assert champions(lake) == ["first", "better"]
    assert lake.query("FROM champion").height == 1


def test_each_of_two_sources_with_equal_images_has_its_champion(lake: Lake) -> None:
    """The trainings are the same, and stand once; what one source has decided is nothing to the other."""
    with lake.write("the same images elsewhere") as transaction:
        for name, number in (("first", 101), ("better", 102)):
            transaction.execute(
                "INSERT INTO nights SELECT * REPLACE (? AS night_id, ? AS sequence, 'elsewhere' AS source) FROM nights"
                " WHERE night_id = ?",
                [f"{name} elsewhere", number, name],
            )
            for table in ("night_runs", "night_groups"):
                transaction.execute(
                    f"INSERT INTO {table} SELECT * REPLACE (? AS night_id) FROM {table} WHERE night_id = ?",
                    [f"{name} elsewhere", name],
                )
    decisions = judge(lake, "first", "better", "first elsewhere", "better elsewhere", "better")
    assert [is_promoted for _, is_promoted, _ in decisions] == [True] * 4
    standing = lake.query("SELECT source, run_id FROM champion ORDER BY source").rows()
    assert len(standing) == 2
    assert standing[0][1] == standing[1][1]


def test_a_night_with_nothing_new_judges_nothing(lake: Lake) -> None:
    """Judged again, and once more under another night's name: no row more, and nothing heavy imported for it."""
    judge(lake, "first")
    before = lake.snapshot_id()
    with lake.write("the same trainings") as transaction:
        transaction.execute(
            "INSERT INTO nights SELECT * REPLACE ('z' AS night_id, 99 AS sequence) FROM nights WHERE sequence = 1"
        )
        for table in ("night_runs", "night_groups"):
            transaction.execute(
                f"INSERT INTO {table} SELECT * REPLACE ('z' AS night_id) FROM {table} WHERE night_id = 'first'"
            )
    judge(lake, "first", "z")
    assert lake.snapshot_id() == before + 1
    assert champions(lake) == ["first"]


@pytest.mark.parametrize(
    ("night", "reason"),
    [
        pytest.param("paper", "tested on paper folds alone", id="folds that share images"),
        pytest.param("torn", "1 of its 3 trainings are missing", id="fold missing"),
        pytest.param("bad", "no better than the baseline PCA-512", id="below a baseline"),
    ],
)
def test_what_cannot_be_champion_has_its_reason_in_the_table(lake: Lake, night: str, reason: str) -> None:
    """And there is no champion."""
    ((_, is_promoted, said),) = judge(lake, night)
    assert (is_promoted, reason in said) == (False, True), said
    assert champions(lake) == []


def test_what_its_night_planned_and_is_not_there_is_missing(lake: Lake) -> None:
    """Labels or seeds all of whose trainings failed: the champion is not chosen of those that did not."""
    fill(lake, night_plans=[{"night_id": "first", "preset": "planted", "scheme": "grouped", "n_runs": 9}])
    ((_, is_promoted, said),) = judge(lake, "first")
    assert (is_promoted, said) == (False, "6 of its 9 trainings are missing")


def test_a_candidate_of_which_nothing_stands_is_refused(lake: Lake) -> None:
    """And the table says so."""
    set_failed(lake, "first")
    ((_, is_promoted, said),) = judge(lake, "first")
    assert (is_promoted, said) == (False, "none of its trainings stands complete")


def test_a_champion_of_which_nothing_stands_keeps_its_place(lake: Lake) -> None:
    """Nothing can be compared with it; the table says what to do."""
    judge(lake, "first")
    set_failed(lake, "first")
    ((_, is_promoted, said),) = judge(lake, "better")[1:]
    assert not is_promoted
    assert "the champion's trainings do not stand complete: train them again, or `deepdlt rollback`" in said
    assert champions(lake) == ["first"]


def test_a_preset_that_cannot_be_judged_does_not_hinder_the_others(lake: Lake) -> None:
    """It is named in the end."""
    with lake.write("a preset of the same night, of unknown settings") as transaction:
        transaction.execute("UPDATE runs SET preset = 'odd', settings = '{\"epochs\": 0}' WHERE run_id LIKE 'worse %'")
        ours = "SELECT group_id FROM night_groups WHERE night_id = 'worse'"
        transaction.execute(f"UPDATE groups SET preset = 'odd' WHERE group_id IN ({ours})")
        for table in ("night_runs", "night_groups"):
            transaction.execute(f"UPDATE {table} SET night_id = 'first' WHERE night_id = 'worse'")
    with pytest.raises(JudgingFailed, match=r"odd: ValidationError"):
        judge(lake, "first")
    assert champions(lake) == ["first"]


def test_a_rollback_stands_until_something_better_comes(lake: Lake) -> None:
    """Former champions are not promoted again by a night; a new and better one is. Two rollbacks go back two."""
    judge(lake, "first", "better", "best")
    for former in ("better", "first"):
        row = roll_back(lake, "planted", reason="blurs")
        assert (row["run_id"].split()[0], row["how"], row["reason"]) == (former, "rolled back", "blurs")
    decisions = judge(lake, "best", "better")
    assert {reason for *_, reason in decisions[3:]} == {"it was champion before: `deepdlt rollback` makes it so again"}
    assert champions(lake) == ["first", "better", "best", "better", "first"]
    judge(lake, "newest")
    assert champions(lake)[-1] == "newest"


def test_what_cannot_be_set_back_is_said(lake: Lake) -> None:
    """No champion, no former one, a former one whose file is gone."""
    with pytest.raises(ChampionUnknown, match="'planted' has none"):
        roll_back(lake, "planted")
    judge(lake, "first")
    with pytest.raises(ChampionUnknown, match="no former champion"):
        roll_back(lake, "planted")
    judge(lake, "better")
    for file in (lake.root / "models").glob("first *"):
        file.unlink()
    with pytest.raises(ChampionUnknown, match="is gone"):
        roll_back(lake, "planted")
    assert champions(lake) == ["first", "better"]


def test_the_order_is_by_sequence_not_by_the_clock(lake: Lake) -> None:
    """A clock that was set back makes no older champion the present one."""
    judge(lake, "first", "better")
    with lake.write("clock") as transaction:
        transaction.execute("UPDATE champions SET since = since - INTERVAL 9 DAY WHERE sequence = 2")
    assert lake.query("SELECT run_id FROM champion").item().startswith("better ")


def changes(*told: str) -> list[dict[str, Any]]:
    """Changes of champion: ``a`` was promoted, ``-a`` was set back to."""
    return [{"how": "rolled back" if one[0] == "-" else "promoted", "group_id": one.lstrip("-")} for one in told]


@pytest.mark.parametrize(
    ("told", "standing"),
    [
        (("a",), ["a"]),
        (("a", "b", "-a"), ["a"]),
        (("a", "b", "-a", "c"), ["a", "c"]),
        (("a", "b", "c", "-b", "-a"), ["a"]),
        (("a", "-a"), ["a"]),
        (("a", "c", "-a", "d"), ["a", "d"]),
    ],
    ids=[
        "first",
        "one back",
        "back and on",
        "two back",
        "the one set back from is forgotten",
        "one between is forgotten",
    ],
)
def test_a_rollback_takes_off_what_was_put_on_last(told: Sequence[str], standing: list[str]) -> None:
    """Promotions put on, rollbacks take off, down to the one that they name."""
    assert [each["group_id"] for each in stack(changes(*told))] == standing


def test_the_champions_data_stay_in_their_snapshot(lake: Lake) -> None:
    """The snapshot is one that holds the folds, and it is not expired, though no data set or run pins it any more."""
    judge(lake, "first")
    pinned = lake.query("SELECT snapshot_id FROM champion").item()
    with lake.write("unpin") as transaction:
        for table in ("datasets", "splits", "runs"):
            transaction.execute(f"DELETE FROM {table}")
    with lake.maintenance("look") as connection:
        going = {number for (number,) in connection.execute(load("expirable_snapshots"), [0]).fetchall()}
    assert going
    assert pinned not in going


def test_the_commands_show_and_set_back(lake: Lake) -> None:
    """`champion` says who and why; with a preset, every change; `rollback` writes one and says so."""
    judge(lake, "first", "better", "worse")
    env = {"DEEPDLT_LAKE": str(lake.root)}

    def said(*command: str) -> str:
        done = CliRunner().invoke(app, command, env=env)
        assert done.exit_code == 0, done.output
        return str(done.stdout)

    assert "not lower than the champion's" in said("champion")
    assert "The champion of planted is run first " in said("rollback", "planted", "--reason", "blurs")
    shown = said("champion", "planted")
    assert [word in shown for word in ("promoted", "rolled back", "blurs", "the first that is better")] == [True] * 4
    assert CliRunner().invoke(app, ["rollback", "nothing"], env=env).exit_code == 1
    assert champions(lake) == ["first", "better", "first"]
