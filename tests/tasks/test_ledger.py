"""The ledger of a night: what stands in it of each step."""

import json
from pathlib import Path
from typing import Any

from lake_rows import fill

from deepdlt.page.steps import in_words
from lake import Lake
from tasks.ledger import StepRecord, note_step, note_steps
from tasks.why import why


def note(lake: Lake, sequence: int, *, is_hit: bool, **inputs: Any) -> dict[str, Any]:
    """Note a night of one step, and return the step's row."""
    fill(lake, nights=[{"night_id": f"n{sequence}", "sequence": sequence, "source": "s", "refresh": ""}])
    step = StepRecord(step="cut patches", is_hit=is_hit, is_asked_for=False, inputs=inputs)
    with lake.write("night") as transaction:
        note_steps(transaction, [step], night_id=f"n{sequence}", source="s", sequence=sequence)
    return lake.query("FROM reasons WHERE night_id = ?", [f"n{sequence}"]).row(0, named=True)


def test_a_step_that_ran_says_what_an_input_was_and_is(tmp_path: Path) -> None:
    """Only what differs from the last night that had the step."""
    lake = Lake.open(tmp_path / "lake")
    note(lake, 1, is_hit=False, recipe="a", seed=0)
    assert json.loads(note(lake, 2, is_hit=False, recipe="b", seed=0)["changed"]) == {"recipe": ["a", "b"]}


def test_a_reused_step_names_the_night_that_made_it(tmp_path: Path) -> None:
    """Also where another night came between with other inputs."""
    lake = Lake.open(tmp_path / "lake")
    for sequence, recipe in ((1, "a"), (2, "b")):
        note(lake, sequence, is_hit=False, recipe=recipe)
    assert note(lake, 3, is_hit=True, recipe="a")["made_in"] == 1


def test_a_night_noted_twice_stands_once(tmp_path: Path) -> None:
    """And is not compared with itself."""
    lake = Lake.open(tmp_path / "lake")
    note(lake, 1, is_hit=False, recipe="a")
    assert note(lake, 1, is_hit=False, recipe="a")["changed"] is None
    assert lake.query("SELECT count(*) FROM reasons").item() == 1


def test_changed_code_is_named_by_its_module() -> None:
    """Its digests say nothing to a reader."""
    changed = json.dumps({"code of deepdlt.loss.losses": ["1", "2"]})
    row = {"step": "cut patches", "is_hit": False, "is_asked_for": False, "changed": changed, "made_in": 2}
    assert in_words(row) == "cut patches: ran: code of deepdlt.loss.losses changed"


def test_why_tells_of_a_step_by_its_name(tmp_path: Path) -> None:
    """The steps before the trainings are asked for as trainings are."""
    lake = Lake.open(tmp_path / "lake")
    note(lake, 1, is_hit=False, recipe="a")
    note(lake, 2, is_hit=True, recipe="a")
    assert why(lake, "patches") == ["night 2", "cut patches: reused, made in night 1"]


def test_a_step_after_the_night_stands_beside_the_others(tmp_path: Path) -> None:
    """Once, however often it is noted; a night that is not in the lake has none."""
    lake = Lake.open(tmp_path / "lake")
    note(lake, 1, is_hit=False, recipe="a")
    step = StepRecord(step="draw pictures", is_hit=False, is_asked_for=True, inputs={"runs": "a"})
    with lake.write("step") as transaction:
        for night_id in ("n1", "n1", "n7"):
            note_step(transaction, step, night_id=night_id)
    found = lake.query("SELECT night_id, step, is_asked_for FROM reasons ORDER BY step")
    assert found.rows() == [("n1", "cut patches", False), ("n1", "draw pictures", True)]
    assert why(lake, "draw") == ["night 1", "draw pictures: ran: asked for and first time"]
