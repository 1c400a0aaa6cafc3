"""The document says what the results say."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks import document, results
from benchmarks.choices import document as choices
from benchmarks.machine import describe_machine
from benchmarks.pairs import Measured, Pairs
from benchmarks.results import write_result
from benchmarks.row import Limit, faster
from benchmarks.rows import all_rows
from benchmarks.table import lines_of, render


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results of this test alone."""
    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")
    return tmp_path / "results"


def written(load: float, name: str = "") -> dict[str, Any]:
    """Keep a result of a row, the first unless named: the other side took three times as long."""
    row = next(row for row in all_rows() if name in ("", row.name))
    runs = [Measured(seconds=seconds, cpu_seconds=seconds, peak_mb=10, said={}) for seconds in (1.0, 3.0)]
    pairs = Pairs((runs[0],), (runs[1],))
    machine = describe_machine() | {"load_before": load, "cores": 2}
    return write_result(
        row, pairs, [faster(4)(pairs)], Limit(0.5, "half of it is reading"), machine=machine, source="2 given images"
    )


def test_a_result_is_in_table_and_document_with_goal_ratio_and_limit(kept: Path, tmp_path: Path) -> None:
    """A goal that is missed shows, and rows without a result are named."""
    result = written(load=0.1)
    assert json.loads((kept / f"{result['row']}.json").read_text()) == result
    table = render(lines_of(result))
    assert all(part in table for part in (">= 4x", "3.0x", "NO", "0.5 s"))
    document.write_document(tmp_path / "performance.md")
    said = (tmp_path / "performance.md").read_text()
    assert all(part in said for part in (">= 4x", "3.0x", "**no**", "half of it is reading", "50% of the time taken"))
    assert "*Not measured* here" in said
    assert "not final" not in said


def test_a_result_of_a_busy_machine_is_marked(kept: Path, tmp_path: Path) -> None:
    """Its seconds are those of other work, too."""
    written(load=3.0)
    document.write_document(tmp_path / "performance.md")
    assert "not final" in (tmp_path / "performance.md").read_text()


def test_a_row_says_what_it_worked_on(kept: Path, tmp_path: Path) -> None:
    """Not the source, where it makes its own data."""
    result = written(load=0.1, name="scale-ingest")
    document.write_document(tmp_path / "performance.md")
    said = (tmp_path / "performance.md").read_text()
    assert "1 pair on synthetic images of 72 px" in said
    assert result["source"] not in said


def test_where_other_processes_work_nothing_is_said_of_the_one_that_waits(kept: Path, tmp_path: Path) -> None:
    """Memory and processors of a client that polls are no property of the night."""
    written(load=0.1, name="night")
    document.write_document(tmp_path / "performance.md")
    assert "MB" not in (tmp_path / "performance.md").read_text().partition("(`night`)")[2].partition("<sub>")[0]


def test_trainings_of_other_code_are_not_said_to_be_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor are machines: each that trained is named."""
    monkeypatch.setattr(choices, "overlaid_curves_figure", lambda *_, **__: b"")
    found = json.loads(choices.RESULTS.read_text())
    machine = describe_machine()
    for number, record in enumerate(found["records"]):
        record |= {"code": "c", "machine": machine | {"processor": f"processor {number % 2}"}}
    monkeypatch.setattr(choices, "RESULTS", tmp_path / "results.json")
    for code, said in (("c", "by the same training code"), ("d", "not surely by one training code")):
        found["records"][0]["code"] = code
        choices.RESULTS.write_text(json.dumps(found))
        choices.write_document(tmp_path)
        text = (tmp_path / "choices.md").read_text()
        assert said in text
        assert all(f"processor {number}, torch" in text for number in (0, 1))


def test_pictures_of_choices_say_which_they_are_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a text of its own, and no table compares seconds of different hours."""
    monkeypatch.setattr(choices, "overlaid_curves_figure", lambda *_, **__: b"")
    choices.write_document(tmp_path)
    said = (tmp_path / "choices.md").read_text()
    texts = re.findall(r"^!\[(.+)\]\(", said, re.MULTILINE)
    assert len(set(texts)) == len(texts) > 5
    assert "relu, elu, selu, leaky_relu; the highest PSNR in the end has elu" in texts[0]
    assert "s an epoch" not in said


def test_every_row_names_sides_that_exist() -> None:
    """Each row has a name of its own, and its functions can be found."""
    rows = all_rows()
    assert len({row.name for row in rows}) == len(rows) > 15
    for row in rows:
        for side in filter(None, (row.ours, row.other, row.check)):
            module, _, function = side.partition(":")
            source = Path(document.__file__).parents[1] / f"{module.replace('.', '/')}.py"
            assert f"def {function}(" in source.read_text()
