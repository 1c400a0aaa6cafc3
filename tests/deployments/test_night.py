"""A night from the command line: its parameters, and what it prints at its end."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from deepdlt.refresh import StepUnknown
from deployments.errors import WrongUse
from deployments.follow import Outcome
from deployments.night import night_parameters, show_metrics, show_ways, split_list
from deployments.stack_state import StackState
from lake import Lake

NIGHT = "9b1c5d7e-0000-4000-8000-000000000001"


def parameters(**said: object) -> dict[str, object]:
    """Return the flow's parameters for what was said."""
    nothing = dict.fromkeys(("source", "labels", "schemes", "models"))
    return night_parameters(**{**nothing, **said})  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["NP PP1", "NP,PP1", " NP,  PP1 "])
def test_lists_are_typed_with_commas_or_spaces(text: str) -> None:
    """Both are what people type."""
    assert split_list(text) == ["NP", "PP1"]


def test_only_what_was_said_is_passed_on() -> None:
    """The flow's own defaults hold for the rest."""
    assert parameters(epochs=None) == {}
    assert parameters(labels="NP", epochs=3) == {"labels": ["NP"], "epochs": 3}


def test_what_is_to_be_done_again_is_checked_before_anything_runs() -> None:
    """A name that no step has is answered with the list of names."""
    assert parameters(refresh="cut train:NP") == {"refresh": ["cut", "train:NP"]}
    with pytest.raises(StepUnknown, match=r"'cuts'.*ingest, cut, freeze"):
        parameters(refresh="cuts")


@pytest.mark.parametrize("api_url", ["", "http://127.0.0.1:4200/api"], ids=["no server named", "a server named"])
def test_a_path_here_is_made_absolute(api_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker runs in another folder; the server that is named may well be that of this machine."""
    monkeypatch.setenv("PREFECT_API_URL", api_url)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "vgg16").touch()
    assert parameters(source="images") == {"source": str(tmp_path / "images")}
    assert parameters(settings=["vgg_weights=vgg16"]) == {"settings": {"vgg_weights": str(tmp_path / "vgg16")}}


@pytest.mark.parametrize("api_url", ["", "http://server.example/api"], ids=["this machine", "another server"])
@pytest.mark.parametrize(
    ("said", "option"),
    [
        ({"source": "elsewhere"}, "--source"),
        ({"source": "~/nowhere/images"}, "--source"),
        ({"settings": ["vgg_weights=elsewhere"]}, "--set vgg_weights"),
    ],
    ids=["source", "source at home", "weights"],
)
def test_a_relative_path_that_leads_nowhere_is_refused(
    said: dict[str, object], option: str, api_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a night is made that has to fail; for workers elsewhere it says that theirs is the path that counts."""
    monkeypatch.setenv("PREFECT_API_URL", api_url)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrongUse, match=f"{option} .*is not there.*{'workers see it' if api_url else ''}"):
        parameters(**said)


def test_a_whole_path_on_the_machine_of_another_server_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be looked at from here; where it is a link here, the workers know it by that name."""
    monkeypatch.setenv("PREFECT_API_URL", "http://server.example/api")
    assert parameters(source="/data/images") == {"source": "/data/images"}
    assert parameters(settings=["vgg_weights=/data/vgg16"]) == {"settings": {"vgg_weights": "/data/vgg16"}}
    (tmp_path / "images").symlink_to(tmp_path)
    assert parameters(source=str(tmp_path / "images")) == {"source": str(tmp_path / "images")}


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """A lake with one night in it."""
    monkeypatch.setenv("DEEPDLT_LAKE", str(tmp_path / "lake"))
    moment = datetime(2026, 11, 23, 2, tzinfo=UTC)
    counts = dict.fromkeys(("n_new_images", "n_rejected", "n_new_patches", "n_failed"), 0) | {"n_trained": 7}
    night = {"night_id": NIGHT, "sequence": 3, "profile": "quick", "source": "/images", "dataset_id": "d"}
    ends = {"n_reused": 2, "status": "complete", "started_at": moment, "finished_at": moment}
    with Lake.open() as opened:
        columns = opened.query("DESCRIBE nights")["column_name"].to_list()
        row = {name: value for name, value in (night | counts | ends).items() if name in columns}
        with opened.write("a night") as transaction:
            transaction.replace("nights", pl.DataFrame([row]), key=("night_id",))
        yield opened


def test_the_profile_stands_on_top_and_the_query_above_its_result(lake: Lake) -> None:
    """Nobody mistakes a quick night for a paper one, and the query can be pasted."""
    said: list[str] = []
    show_metrics(Outcome(NIGHT, "Completed", "", 0), said.append)
    text = "\n".join(said)
    places = [text.index(part) for part in ("profile quick", "trained 7, reused 2", "FROM fold_summary", "(0 rows)")]
    assert places == sorted(places)
    assert lake.query(said[-2]).height == 0


def test_a_night_that_left_nothing_prints_no_table(lake: Lake) -> None:
    """One that failed before it came to the lake shows no other night's numbers."""
    said: list[str] = []
    show_metrics(Outcome("another", "Failed", "", 1), said.append)
    assert said == []


@pytest.mark.parametrize(
    ("path", "folder", "expected"),
    [("here", "elsewhere", "deepdlt"), ("nowhere", ".", "bin/deepdlt"), ("nowhere", "elsewhere", "{0}/bin/deepdlt")],
    ids=["on the path", "in this folder", "in another folder"],
)
def test_the_last_lines_of_a_night_can_be_typed_as_they_are(
    path: str, folder: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where `deepdlt` is not found by its name."""
    for name in ("bin", "elsewhere"):
        (tmp_path / name).mkdir()
    program = tmp_path / "bin" / "deepdlt"
    program.touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(program.with_name("python")))
    monkeypatch.setenv("PATH", str(tmp_path / "bin") if path == "here" else "/nowhere")
    monkeypatch.chdir(tmp_path / folder)
    said: list[str] = []
    show_ways(StackState("http://127.0.0.1:9/api", True), Outcome(NIGHT, "Completed", "", 0), said.append)
    (line,) = [line for line in said if "ask it" in line]
    assert f"  {expected.format(tmp_path)} sql " in line


@pytest.mark.parametrize(
    ("variables", "expected"), [({}, "synthetic"), ({"DEEPDLT_SOURCE": "/srv/images"}, "/srv/images")]
)
def test_a_night_says_what_the_next_ones_take(variables: dict[str, str], expected: str) -> None:
    """A folder that was given to one night is not that of the schedule."""
    said: list[str] = []
    state = StackState("http://127.0.0.1:9/api", True, (), variables)
    show_ways(state, Outcome(NIGHT, "Completed", "", 0), said.append)
    (line,) = [line for line in said if "scheduled nights" in line]
    assert expected in line


@pytest.mark.parametrize("is_own_server", [True, False])
def test_what_is_not_ours_is_not_said_to_be_stopped_by_down(is_own_server: bool) -> None:
    """Server and workers of a unit, or of containers."""
    said: list[str] = []
    show_ways(StackState("http://127.0.0.1:9/api", is_own_server), Outcome(NIGHT, "Completed", "", 0), said.append)
    assert (" down" in said[-1]) == is_own_server


def test_a_lake_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run's end is reported all the same."""
    monkeypatch.setenv("DEEPDLT_LAKE", str(tmp_path / "nowhere"))
    said: list[str] = []
    show_metrics(Outcome(NIGHT, "Failed", "", 1), said.append)
    assert "no lake" in said[0]
