"""Why each training of a night ran, as the lake tells it."""

from pathlib import Path
from typing import Any

import pytest
from lake_rows import fill
from typer.testing import CliRunner

from deployments.cli import app
from lake import Lake
from tasks.why import NothingToExplain, why

SAME = {"scheme": "grouped", "label": "NP", "seed": 0, "settings": "{}", "versions": "{}", "preset": "label-cv"}


def run(run_id: str, fold: int, dataset_id: str, code: str) -> dict[str, Any]:
    """A row of `runs`."""
    named = {"run_id": run_id, "fold": fold, "dataset_id": dataset_id, "split_id": dataset_id, "code_digest": code}
    return SAME | named


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Two nights: in the second one, fold 1 came again as it was, and fold 2 for one more image and other code."""
    opened = Lake.open(tmp_path / "lake")
    fill(
        opened,
        datasets=[{"dataset_id": name, "source": "s", "n_images": n} for name, n in (("d12", 12), ("d13", 13))],
        runs=[run("aaaa", 1, "d12", "old"), run("bbbb", 2, "d12", "old"), run("cccc", 2, "d13", "new")],
        nights=[{"night_id": f"n{number}", "sequence": number, "refresh": ""} for number in (1, 2)],
        night_runs=[
            {"night_id": "n1", "run_id": "aaaa", "is_reused": False},
            {"night_id": "n1", "run_id": "bbbb", "is_reused": False},
            {"night_id": "n2", "run_id": "aaaa", "is_reused": True},
            {"night_id": "n2", "run_id": "cccc", "is_reused": False},
        ],
        code_modules=[
            {"code_digest": "old", "module": "deepdlt.loss.losses", "module_digest": "1"},
            {"code_digest": "old", "module": "deepdlt.models.blocks", "module_digest": "2"},
            {"code_digest": "new", "module": "deepdlt.loss.losses", "module_digest": "9"},
            {"code_digest": "new", "module": "deepdlt.models.blocks", "module_digest": "2"},
        ],
    )
    return opened


def test_each_training_says_what_had_changed_down_to_the_module(lake: Lake) -> None:
    """The reused one names the night that it is from; the other its data and the one module that differs."""
    assert why(lake) == [
        "night 2",
        "NP fold 1 grouped label-cv seed 0 (aaaa): reused, as in night 1",
        "NP fold 2 grouped label-cv seed 0 (cccc): trained: data set: 12 → 13 images; code of deepdlt.loss.losses",
    ]


def test_an_earlier_night_is_told_of_its_own_time(lake: Lake) -> None:
    """What came later is not known to it."""
    assert why(lake, "fold 2", night=1) == [
        "night 1",
        "NP fold 2 grouped label-cv seed 0 (bbbb): trained: first time: no earlier night has it",
    ]


@pytest.mark.parametrize("what", ["NP fold 2", "cccc", "grouped 2 seed"])
def test_a_training_is_found_by_words_or_by_its_id(lake: Lake, what: str) -> None:
    """All words of a line, or the beginning of the run's id."""
    assert [line.partition(" (")[2][:4] for line in why(lake, what)[1:]] == ["cccc"]


def test_what_is_not_there_is_said(lake: Lake) -> None:
    """No such night, no such training: one sentence each, exit code 1."""
    with pytest.raises(NothingToExplain, match="no night 7"):
        why(lake, night=7)
    done = CliRunner().invoke(app, ["why", "PP1"], env={"DEEPDLT_LAKE": str(lake.root)})
    assert done.exit_code == 1
    assert "no step or training of night 2 goes by 'PP1'" in done.output


def test_codes_of_unknown_modules_are_told_apart_by_digest(lake: Lake) -> None:
    """A lake that was written before modules were noted."""
    with lake.write("forget") as transaction:
        transaction.execute("DELETE FROM code_modules WHERE code_digest = 'old'")
    assert "training code old → new" in why(lake, "cccc")[1]
