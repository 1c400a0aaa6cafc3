"""What becomes of bad images, sheets, names and parameters: as `verdicts.md` says, case by case."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from bad_images import GREY, IMAGES, encoded
from bad_sheets import BYSTANDER, HEADER, NAMES, SHEETS, SPEC, Spoil, put_csv, row
from PIL import Image
from prefect.exceptions import ParameterTypeError, SignatureMismatchError
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import ValidationError, validate
from verdicts import Verdict, read_verdicts

from deepdlt.errors import DeepdltError
from deepdlt.source.survey import Survey, survey
from flows.retrain import retrain
from tasks.sheet import refuse_unknown_labels

VERDICTS = read_verdicts()
BYSTANDER_FILE = "2-2.png"
FOLDERS: dict[str, dict[str, Any]] = {"Images": IMAGES, "Sheets": SHEETS, "Names and links": NAMES}


def of_sections(*sections: str) -> list[Any]:
    """Return the rows of some sections as parameters of a test."""
    return [pytest.param(one, id=f"{one.section}: {one.case}") for one in VERDICTS if one.section in sections]


def good_folder(folder: Path) -> Path:
    """Make a folder with two images and a row for each."""
    folder.mkdir()
    (folder / "1-1.png").write_bytes(encoded(Image.fromarray(GREY)))
    (folder / BYSTANDER_FILE).write_bytes(encoded(Image.fromarray(255 - GREY)))
    put_csv(folder, [HEADER, row(), BYSTANDER])
    return folder


def spoil_image(name: str) -> Spoil:
    """Return what puts the file of a case in the place of image 1-1."""
    file, make = IMAGES[name]

    def put(folder: Path) -> None:
        (folder / "1-1.png").unlink()
        (folder / file).write_bytes(make())

    return put


def spoil_of(verdict: Verdict) -> Spoil:
    """Return what spoils a good folder as a row of the table says."""
    spoil: Spoil = spoil_image(verdict.case) if verdict.section == "Images" else FOLDERS[verdict.section][verdict.case]
    return spoil


def outcome_of(found: Survey) -> tuple[str, set[str]]:
    """Return what a survey says, in the words of the table; remarks on the bystander do not count."""
    rejected = set(found.rejected["rule"])
    warned = {rule for path, rule in found.warnings.select("path", "rule").iter_rows() if path != BYSTANDER_FILE}
    if rejected:
        return "rejected", rejected
    return ("warned", warned) if warned else ("accepted", set())


@pytest.mark.parametrize("expected", of_sections(*FOLDERS))
def test_bad_input_meets_its_verdict(expected: Verdict, tmp_path: Path) -> None:
    """Accepted, warned of, rejected or refused by the rule of the table; a good image beside it is taken."""
    folder = good_folder(tmp_path / "source")
    spoil_of(expected)(folder)
    if expected.outcome == "refused":
        with pytest.raises(DeepdltError, match=re.escape(str(folder))) as caught:
            survey(folder, spec=SPEC, known={})
        assert {type(caught.value).__name__} == expected.rules
        return
    found = survey(folder, spec=SPEC, known={})
    assert outcome_of(found) == (expected.outcome, expected.rules)
    assert BYSTANDER_FILE in found.sources["path"].to_list()
    assert all(len(text) > 10 for text in found.rejected["remedy"])
    assert all(
        text.isprintable() for faults in (found.rejected, found.warnings) for line in faults.rows() for text in line
    )


@cache
def form() -> dict[str, Any]:
    """Return the schema by which the server checks parameters."""
    return dict(json.loads(parameter_schema(retrain).model_dump_json()))


def refusal_of(parameters: dict[str, Any]) -> set[str]:
    """Return who refuses the parameters of a night: the server, so that no run is made, or the flow, first of all."""
    try:
        validate(parameters, form(), raise_on_error=True)
    except ValidationError:
        return {"server"}
    try:
        refuse_unknown_labels(retrain.validate_parameters(parameters).get("labels", []))
    except (ParameterTypeError, SignatureMismatchError):
        return {"flow"}
    except DeepdltError as error:
        return {type(error).__name__}
    return set()


@pytest.mark.parametrize("expected", of_sections("Parameters"))
def test_bad_parameters_meet_their_verdict(expected: Verdict) -> None:
    """Refused by the server or by the flow before any task runs, as the table says."""
    refused_by = refusal_of(json.loads(expected.case))
    assert ("refused" if refused_by else "accepted", refused_by) == (expected.outcome, expected.rules)


def test_the_table_has_every_case_once() -> None:
    """Each generator has one row, each row a generator; there are well over sixty."""
    cases = [(one.section, one.case) for one in VERDICTS if one.section != "Parameters"]
    assert sorted(cases) == sorted((section, case) for section, made in FOLDERS.items() for case in made)
    assert len({(one.section, one.case) for one in VERDICTS}) == len(VERDICTS) >= 60


def test_every_parameter_of_a_night_has_a_case() -> None:
    """A parameter that is added to the night needs a row in the table."""
    asked = {name for one in VERDICTS if one.section == "Parameters" for name in json.loads(one.case)}
    assert set(form()["properties"]) <= asked
