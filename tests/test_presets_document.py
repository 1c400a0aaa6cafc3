"""docs/presets.md says what the presets are, and what the report published of them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from deepdlt.presets import PRESETS
from deepdlt.training.settings import TrainingSettings
from lake import Lake

TEXT = (Path(__file__).parents[1] / "docs" / "presets.md").read_text()
DEFAULTS = TrainingSettings().model_dump()
OURS = ("tuned", "tuned-128", "residual", "residual-128")


def rows() -> dict[str, list[str]]:
    """Return the cells behind the name of each row that begins with a name."""
    found = re.findall(r"^\| `([\w-]+)` \|(.*)\|$", TEXT, re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in found}


def settings(cell: str) -> dict[str, Any]:
    """Return the settings that a cell names, as the program reads them."""
    pairs = (part.split("=") for part in cell.split())
    named = {name: json.loads(value) if value[0] in "{0123456789" else value for name, value in pairs}
    read = TrainingSettings.model_validate(DEFAULTS | named).model_dump()
    return {name: read[name] for name in named}


def changed(name: str) -> dict[str, Any]:
    """Return the settings of a preset that are not the default."""
    found = PRESETS[name].settings.model_dump()
    return {key: value for key, value in found.items() if value != DEFAULTS[key]}


def numbers(text: str) -> set[float]:
    """Return the numbers in a text."""
    return {float(found.replace(",", "")) for found in re.findall(r"\d[\d,]*\.?\d*", text)}


def test_every_preset_is_on_the_page() -> None:
    """The report's in a table, their twins by name, our own in a table."""
    assert [name for name in PRESETS if f"`{name}`" not in TEXT] == []
    assert {name for name in rows() if name in PRESETS} == {n for n in PRESETS if not n.startswith("matched-")}


@pytest.mark.parametrize("name", [name for name in PRESETS if not name.startswith("matched-") and name not in OURS])
def test_a_preset_of_the_report_is_what_its_row_says(name: str) -> None:
    """Every setting that is not the default stands there, at its value, and where it is trained."""
    trained_on, cell, _, _ = rows()[name]
    assert trained_on == PRESETS[name].evaluation
    said = settings(cell)
    assert {key: value for key, value in said.items() if value != DEFAULTS[key]} == changed(name)


@pytest.mark.parametrize("name", [name for name in PRESETS if name.startswith("matched-")])
def test_a_twin_differs_as_its_table_says(name: str) -> None:
    """In the settings that the page lists, from the report's value to the matched one, and in no other."""
    report, twin = (PRESETS[each].settings.model_dump() for each in (name.removeprefix("matched-"), name))
    different = {key: (str(report[key]), str(twin[key])) for key in report if report[key] != twin[key]}
    assert different == {key: tuple(rows()[key][:2]) for key in different}
    assert set(different) == {"target_range", "is_sampling_in_evaluation"}


@pytest.mark.parametrize("name", OURS)
def test_our_own_differ_from_the_tuned_one_as_said(name: str) -> None:
    """What the first two share stands above their table."""
    shared = {key: value for key, value in changed("tuned").items() if changed("tuned-128").get(key) == value}
    said = shared | settings(rows()[name][0])
    assert changed(name) == {key: value for key, value in said.items() if value != DEFAULTS[key]}
    recipe = (
        "no dropout, flips and turns, ELU, 8 patches a step, Muon with a momentum of 0.95, one cycle to a peak of 3e-3"
    )
    assert f"{recipe}, 30 epochs" in TEXT
    kept = {"dropout": 0.0, "is_turned": True, "schedule": "one_cycle", "learning_rate": 3e-3, "epochs": 30}
    kept |= {"activation": "elu", "batch_size": 8, "optimiser": "muon", "momentum": 0.95}
    assert kept.items() <= shared.items()


def test_the_published_numbers_are_those_of_the_lake(tmp_path: Path) -> None:
    """Of each preset: those that its row gives, with their table; of folds, the averages."""
    stored = Lake.open(tmp_path / "lake").query("FROM published")
    for name in stored["preset"].unique():
        of_preset = stored.filter(preset=name)
        averages = of_preset.filter(paper_row="average")
        expected = of_preset if averages.is_empty() else averages
        _, _, published, source = rows()[name]
        assert set(expected["value"]) <= numbers(published)
        tables = set(expected["paper_table"]) - {"plot"}
        assert ("plot" in source) == (not tables)
        assert {int(number) for number in tables} <= set(range(*_span(source)))


def _span(source: str) -> tuple[int, int]:
    """Return the first table and the one after the last of ``Table 2``, ``Tables 3 to 6``."""
    found = [int(number) for number in re.findall(r"\d+", source)]
    return (found[0], found[-1] + 1) if found else (0, 0)
