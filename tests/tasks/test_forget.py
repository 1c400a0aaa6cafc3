"""What a wrong image made goes with it, all of it and nothing else; the image does not come back by itself."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from lake_rows import fill
from planted import PlantedLake
from sources import Source
from typer.testing import CliRunner

from deployments.cli import app
from lake import Lake
from lake.statements import load
from tasks.changes import refuse_changes
from tasks.forget import NothingCalledSo, _of_forgotten, forget, take_back, what_goes
from tasks.ingest import ingest_source

OWNERS = {
    "image_id": "images",
    "patch_id": "patches",
    "dataset_id": "datasets",
    "split_id": "splits",
    "run_id": "runs",
    "group_id": "groups",
    "night_id": "nights",
}


def loose_ends(lake: Lake) -> list[tuple[str, str]]:
    """Return tables and columns that name something which is not there."""
    found = []
    for table in lake.tables().filter(kind="table")["name"]:
        columns = set(lake.query(f"DESCRIBE {table}")["column_name"])
        for column, owner in OWNERS.items():
            if column in columns and table not in (owner, "forgotten"):
                there = f"SELECT {column} FROM {owner}"
                sql = f"SELECT count(*) FROM {table} WHERE {column} != '' AND {column} NOT IN ({there})"
                found += [(table, column)] if lake.query(sql).item() else []
    return found


def counts(lake: Lake) -> dict[str, int]:
    """Return the number of rows of each table."""
    names = lake.tables().filter(kind="table")["name"]
    return {name: lake.query(f"SELECT count(*) FROM {name}").item() for name in names}


@pytest.fixture
def night(planted: PlantedLake) -> PlantedLake:
    """A night with runs, of which one has a model, and a page."""
    runs = [planted.run("r0", planted.holdout), *planted.runs("grouped", ["PP1"])]
    planted.night(runs, errors={"r0": dict.fromkeys(planted.labels["image_id"], 0.5)})
    for folder in ("models/r0", "models/other", "reports/1"):
        (planted.lake.root / folder).mkdir(parents=True)
        (planted.lake.root / folder / "file").touch()
    return planted


def first(lake: Lake) -> dict[str, Any]:
    """Return a file of the lake."""
    return lake.query("SELECT image_id, path, source FROM sources ORDER BY path LIMIT 1").row(0, named=True)


def test_what_an_image_made_goes_and_nothing_refers_to_it(night: PlantedLake) -> None:
    """Its patches, and every data set, split, run and night that it was in, with files and page; no other image."""
    before, image = counts(night.lake), first(night.lake)
    told = what_goes(night.lake, [image["path"]])
    assert counts(night.lake) == before
    assert forget(night.lake, [image["path"]]).rows == told.rows
    after = counts(night.lake)
    assert {table: before[table] - after[table] for table in told.rows} == dict(told.rows)
    assert (after["images"], after["labels"], after["patches"]) == (29, 29, 116)
    assert [after[table] for table in ("datasets", "splits", "folds", "runs", "fold_metrics", "nights")] == [0] * 6
    assert loose_ends(night.lake) == []
    assert sorted(path.name for path in (night.lake.root / "models").iterdir()) == ["other"]
    assert not (night.lake.root / "reports" / "1").exists()
    assert after["leftovers"] == 0


@pytest.mark.long
def test_a_forgotten_image_stays_away_until_it_is_taken_back(planted: PlantedLake) -> None:
    """The next ingest rejects it, with what to do; taken back, it is as it was."""
    image, source = first(planted.lake), Path(planted.folder)
    forget(planted.lake, [image["image_id"][:12]])
    assert ingest_source(source)["n_images"] == 29
    rejected = planted.lake.query("SELECT path, rule, remedy FROM rejected_now").row(0, named=True)
    assert (rejected["path"], rejected["rule"]) == (image["path"], "forgotten")
    assert f"deepdlt forget --take-back {image['image_id']}" in rejected["remedy"]
    assert take_back(planted.lake, [Path(image["path"]).name]) == [image["path"]]
    assert ingest_source(source)["n_images"] == 30
    assert planted.lake.query("FROM rejected_now").is_empty()
    assert loose_ends(planted.lake) == []


def test_what_is_forgotten_while_an_ingest_surveys_stays_away(
    source: Source, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ingest had its file before it was forgotten; it writes nothing of it, and says why."""
    image: dict[str, Any] = {}

    def forgotten_first(into: Lake, name: str, labels: pl.DataFrame, files: pl.DataFrame) -> None:
        image.update(labels.row(0, named=True))
        fill(into, forgotten=[{"image_id": image["image_id"], "taken_back_at": None}])
        refuse_changes(into, name, labels, files)

    monkeypatch.setattr("tasks.ingest.refuse_changes", forgotten_first)
    assert ingest_source(source.folder)["n_images"] == 11
    assert lake.query("SELECT value, rule FROM rejected_now").rows() == [(image["image_id"], "forgotten")]
    assert [counts(lake)[table] for table in ("images", "sources", "labels")] == [11] * 3


def test_an_image_of_two_sources_comes_back_to_both_by_any_of_its_names(planted: PlantedLake) -> None:
    """Noted by each file; the next ingest looks at every source that had it, or from which it was left out since."""
    lake, image = planted.lake, first(planted.lake)
    file = lake.query("FROM sources WHERE path = ?", [image["path"]])
    elsewhere = file.with_columns(source=pl.lit("/elsewhere"), path=pl.lit("other name.png"))
    ingest = lake.query("FROM ingests")
    with lake.write("the same image elsewhere") as transaction:
        transaction.replace("sources", elsewhere, ("source", "path"))
    forget(lake, [image["path"]])
    left_out = {"source": "/third", "path": "third.png", "rule": "forgotten", "value": image["image_id"]}
    fill(lake, rejected=[left_out])
    with lake.write("ingests since") as transaction:
        for source in (planted.folder, "/elsewhere", "/third", "/of others"):
            transaction.replace("ingests", ingest.with_columns(source=pl.lit(source)), ("source",))
    for name in ("third.png", image["path"], "/elsewhere", image["image_id"][:6]):
        found = _of_forgotten(lake.query(load("forgotten_images")), name)
        assert found["image_id"].unique().to_list() == [image["image_id"]], name
    assert take_back(lake, ["other name.png"]) == ["other name.png"]
    assert lake.query("SELECT source FROM ingests")["source"].to_list() == ["/of others"]
    assert lake.query(load("forgotten_images")).is_empty()


def test_a_name_is_not_the_beginning_of_another_images_id(planted: PlantedLake) -> None:
    """Only where nothing is called so, it is read as one: of what is there, and of what was forgotten."""
    lake = planted.lake
    one, other = lake.query("SELECT image_id FROM sources ORDER BY path LIMIT 2")["image_id"]
    name = other[:6]
    assert what_goes(lake, [name]).ids["image_id"] == [other]
    with lake.write("rename") as transaction:
        transaction.execute("UPDATE sources SET path = 'folder/' || ? WHERE image_id = ?", [name, one])
    assert what_goes(lake, [name]).ids["image_id"] == [one]
    forget(lake, [one, other])
    assert take_back(lake, [name]) == [f"folder/{name}"]


def test_what_a_night_stored_meanwhile_goes_too(night: PlantedLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes is told while nobody else can write: of a run that was stored before that, nothing is left."""
    write = night.lake.write

    def after_another(what: str) -> Any:
        monkeypatch.setattr(night.lake, "write", write)
        late = {"patch_id": night.lake.query("SELECT min(patch_id) FROM patches").item(), "run_id": "late"}
        fill(night.lake, runs=[night.run("late", night.holdout)], patch_metrics=[late])
        return write(what)

    monkeypatch.setattr(night.lake, "write", after_another)
    forget(night.lake, [first(night.lake)["path"]])
    assert loose_ends(night.lake) == []
    assert counts(night.lake)["runs"] == 0


def test_numbers_of_forgotten_nights_are_not_given_again(night: PlantedLake) -> None:
    """A page of that number is another night's."""
    forget(night.lake, [first(night.lake)["path"]])
    assert night.lake.query(load("next_night_sequence"), ["another"]).item() == 2


def test_nor_are_they_where_an_image_that_came_back_is_forgotten_again(night: PlantedLake) -> None:
    """What was noted of it the first time stands for nights that nothing else remembers."""
    image = first(night.lake)
    file = night.lake.query("FROM sources WHERE path = ?", [image["path"]])
    forget(night.lake, [image["path"]])
    take_back(night.lake, [image["path"]])
    with night.lake.write("it came back") as transaction:
        transaction.replace("sources", file, ("source", "path"))
    forget(night.lake, [image["path"]])
    assert night.lake.query(load("next_night_sequence"), ["another"]).item() == 2


def test_what_no_image_is_called_is_said(planted: PlantedLake) -> None:
    """And a second time there is nothing to forget."""
    image = first(planted.lake)
    forget(planted.lake, [image["path"]])
    for name in (image["path"], "nowhere.png", "abc"):
        with pytest.raises(NothingCalledSo, match="goes by"):
            what_goes(planted.lake, [name])
    with pytest.raises(NothingCalledSo, match="no forgotten image"):
        take_back(planted.lake, ["nowhere.png"])


@pytest.mark.long
def test_a_source_goes_as_a_whole(planted: PlantedLake) -> None:
    """By the path of its folder."""
    forget(planted.lake, [planted.folder + "/"])
    assert [counts(planted.lake)[table] for table in ("images", "sources", "labels", "patches", "ingests")] == [0] * 5


@pytest.mark.long
def test_the_command_only_tells_unless_it_is_meant(night: PlantedLake) -> None:
    """It prints rows by table, and changes nothing without --yes."""
    image, environment = first(night.lake), {"DEEPDLT_LAKE": str(night.lake.root)}
    told = CliRunner().invoke(app, ["forget", image["path"]], env=environment)
    assert told.exit_code == 0
    assert "4 rows of patches" in told.output
    assert "nothing was changed" in told.output
    assert counts(night.lake)["images"] == 30
    done = CliRunner().invoke(app, ["forget", image["path"], "--yes"], env=environment)
    assert done.exit_code == 0
    assert counts(night.lake)["images"] == 29


KILLED = """
import os, signal, sys
from lake.transaction import Transaction
from tasks.changes import refuse_changes
from tasks.forget import forget
from tasks.lake_access import open_lake
left = int(sys.argv[2])
run = Transaction._run
def counted(self, *rest):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return run(self, *rest)
Transaction._run = counted
forget(open_lake(), [sys.argv[1]])
"""


@pytest.mark.long
@pytest.mark.parametrize("n_statements", [0, 3, 9, 20, 40])
def test_killed_between_statements_it_leaves_all_or_nothing(night: PlantedLake, n_statements: int) -> None:
    """And done again, nothing of it is left."""
    image, before = first(night.lake), counts(night.lake)
    command = [sys.executable, "-c", KILLED, image["path"], str(n_statements)]
    environment = {**os.environ, "DEEPDLT_LAKE": str(night.lake.root)}
    done = subprocess.run(command, env=environment, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode in (0, -signal.SIGKILL)
    assert loose_ends(night.lake) == []
    now = counts(night.lake)
    if now["images"] == 30:
        assert now == before
        forget(night.lake, [image["path"]])
    assert counts(night.lake)["images"] == 29
