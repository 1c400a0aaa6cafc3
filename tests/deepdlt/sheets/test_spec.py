"""Declarations of label sheets: what holds together, and another lab's."""

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from deepdlt.sheets.meanings import meanings_of
from deepdlt.sheets.sheet import SheetSpec, SheetSpecInvalid, load_spec, read_sheet
from deepdlt.sheets.spec import DLIP_SPEC

BAD_KEYS = ("", "a/b", "x,y", "none", "folds", "x", "Name", "image_id", "pixel_size_nm", "gain\n")
BAD_NAMES = ("image_id", "row", "condition", "loss")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"labels": {"NP": {"column": "nothing", "kind": "number"}}}, "required"),
        ({"labels": {"PP1": {"column": "pattern", "kind": "number"}}}, "category"),
        ({"labels": {"Δτ": {"column": "delay_ps", "kind": "number"}}}, "required"),
        ({"field_of_view": {"x": "angle_deg"}}, "field of view"),
        ({"derived": [{"name": "pattern", "first_of": ["pattern_1", "n_pulses"], "required": True}]}, "one kind"),
        ({"surprise": 1}, "surprise"),
        *(({"labels": {key: {"column": "n_pulses", "kind": "number"}}}, "cannot be called so") for key in BAD_KEYS),
        ({"columns": [{"header": "a", "name": "length", "kind": "number", "unit": "um"}]}, "unit"),
        *(({"columns": [{"header": "a", "name": name, "kind": "category"}]}, "of ours") for name in BAD_NAMES),
        ({"columns": [{"header": "a", "name": "word", "kind": "category", "above": 0}]}, "bounds"),
    ],
)
def test_a_declaration_that_does_not_hold_together_is_refused(change: dict[str, object], reason: str) -> None:
    """Mistakes in a declaration are found when it is loaded, not in the middle of a night."""
    declared = tomllib.loads(DLIP_SPEC.read_text(encoding="utf-8"))
    with pytest.raises(ValidationError, match=reason):
        SheetSpec.model_validate(declared | change)


@pytest.mark.parametrize("content", [b"title = ", b"\xff", b"title = 'only this'", None])
def test_a_file_that_declares_no_sheet_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """A missing, broken or incomplete declaration ends in an error that names the file."""
    path = tmp_path / "lab.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SheetSpecInvalid, match=r"lab\.toml"):
        load_spec(path)


LAB = """
title = "Hardness of coated steel"
name_header = "file"
csv_separator = ";"
[[columns]]
header = "Coating"
name = "coating"
kind = "category"
allowed = ["TiN", "CrN"]
required = true
[[columns]]
header = "HV (GPa)"
name = "hardness_gpa"
kind = "number"
unit = "gpa"
above = 0.0
required = true
[[columns]]
header = "Cycles"
name = "n_cycles"
kind = "integer"
at_least = 0
[[columns]]
header = "Operator"
name = "operator"
kind = "category"
[[columns]]
header = "T"
name = "temperature_degc"
kind = "number"
unit = "degc"
at_least = -273.15
[labels.coating]
column = "coating"
kind = "category"
[labels.hardness]
column = "hardness_gpa"
kind = "number"
"""


def test_another_labs_sheet_needs_no_code(tmp_path: Path) -> None:
    """Five columns of another kind, a separator and labels of their own come from a declaration alone."""
    (tmp_path / "lab.toml").write_text(LAB, encoding="utf-8")
    (tmp_path / "sheet.csv").write_text(
        "Operator;T;file;Cycles;Coating;HV (GPa)\nAda;20;x.tif;7;TiN;21.5\n;-300;y.tif;7;TiN;20\n", encoding="utf-8"
    )
    table = read_sheet(tmp_path / "sheet.csv", spec=load_spec(tmp_path / "lab.toml"))
    assert table.rows.drop("row_digest").rows(named=True) == [
        {
            "name": "x.tif",
            "sheet_row": 2,
            "coating": "TiN",
            "hardness_gpa": 21.5,
            "n_cycles": 7,
            "operator": "Ada",
            "temperature_degc": 20.0,
        }
    ]
    assert [fault.rule for fault in table.faults] == ["label-out-of-bounds"]


def test_what_a_label_is_in_words_is_in_no_digest(tmp_path: Path) -> None:
    """Better words for a label take no image in again and ask no question anew."""
    other = DLIP_SPEC.read_text(encoding="utf-8").replace("number of pulses", "how many pulses")
    (tmp_path / "other.toml").write_text(other, encoding="utf-8")
    before, after = load_spec(), load_spec(tmp_path / "other.toml")
    assert before != after
    assert before.model_dump(mode="json") == after.model_dump(mode="json")
    assert meanings_of(after)["NP"].text == "how many pulses; column NP of the sheet"
