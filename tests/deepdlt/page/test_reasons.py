"""What ran and why: an input that changed is named, and nothing else is."""

import json
from typing import Any

import polars as pl
import pytest

from deepdlt.page.reasons import FIRST, LOST, NOT_KNOWN, group_trainings, reasons_of, run_sentence

SETTINGS = {"epochs": 3, "dropout": 0.2, "loss": {"mse": 1.0}}
VERSIONS = {"python": "3.11.7", "torch": "2.13.0"}


def run(**changed: Any) -> dict[str, Any]:
    """A training beside the same one of an earlier night, equal in all but what is told."""
    same = {
        "run_id": "new",
        "dataset_id": "d",
        "split_id": "s",
        "code_digest": "c" * 32,
        "seed": 0,
        "settings": json.dumps(SETTINGS),
        "versions": json.dumps(VERSIONS),
        "n_images": 24,
        "n_patches": 384,
    }
    before = {f"before_{name}": value for name, value in same.items()} | {"before_run_id": "old", "before_sequence": 4}
    named = {"preset": "label-cv", "scheme": "grouped", "label": "NP", "fold": 1, "is_reused": False}
    return same | before | named | {"n_parameters": 134497, "seconds": 2.0} | changed


@pytest.mark.parametrize(
    ("changed", "kind", "text"),
    [
        ({"dataset_id": "e", "split_id": "t", "before_n_images": 23}, "data set", "data set: 23 → 24 images"),
        ({"dataset_id": "e"}, "data set", "data set: as many patches, but others"),
        ({"split_id": "t"}, "folds", "folds: label values, number, seed, or the code that draws them"),
        ({"seed": 1}, "seed", "seed 0 → 1"),
        ({"code_digest": "d" * 32}, "code", "training code cccccccc → dddddddd"),
        (
            {"code_digest": "d" * 32, "changed_modules": ["deepdlt.loss.losses", "deepdlt.models.blocks"]},
            "code",
            "code of deepdlt.loss.losses and deepdlt.models.blocks",
        ),
        (
            {"code_digest": "d" * 32, "changed_modules": list("abcdef")},
            "code",
            "code of a, b, c, d and 2 more",
        ),
        (
            {"versions": json.dumps(VERSIONS | {"torch": "2.14.0"})},
            "libraries",
            "libraries: torch 2.13.0 → 2.14.0",
        ),
        (
            {"settings": json.dumps(SETTINGS | {"epochs": 10, "loss": {"l1": 1.0}, "view": None})},
            "settings",
            'settings: epochs 3 → 10 and loss {"mse": 1.0} → {"l1": 1.0}',
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_the_input_that_changed_is_named(changed: dict[str, Any], kind: str, text: str) -> None:
    """Alone, with what it was and what it became."""
    (reason,) = reasons_of(run(**changed))
    assert (reason.kind, reason.text) == (kind, text)


def test_all_inputs_that_changed_are_named() -> None:
    """A new data set brings its own folds, which are not named apart."""
    found = reasons_of(run(dataset_id="e", split_id="t", seed=1, code_digest="d" * 32))
    assert [reason.kind for reason in found] == ["data set", "seed", "code"]


def test_many_settings_are_counted() -> None:
    """The first four are named."""
    settings = json.dumps({f"s{number}": number for number in range(6)})
    (reason,) = reasons_of(run(settings=settings, before_settings="{}"))
    assert reason.text.endswith("s3 null → 3 and 2 more")


def test_a_first_training_a_lost_one_and_a_reused_one() -> None:
    """No earlier one; the very same one again; none to be done."""
    assert reasons_of(run(before_run_id=None)) == (FIRST,)
    assert reasons_of(run(before_run_id="new")) == (LOST,)
    assert reasons_of(run(is_reused=True)) == ()


def test_a_training_that_nothing_stored_explains_is_said_to_be_one() -> None:
    """No page fails over it."""
    unexplained = run()
    assert reasons_of(unexplained) == (NOT_KNOWN,)
    assert run_sentence(pl.DataFrame([unexplained], infer_schema_length=None)) == (
        "1 of 1 training was done for a reason that is not known."
    )


def test_trainings_with_one_reason_share_a_row() -> None:
    """Labels are listed, time is that of what was trained."""
    trainings = pl.DataFrame(
        [
            run(label="NP", before_run_id=None),
            run(label="EP1", before_run_id=None),
            run(label="PP1", is_reused=True, before_run_id="new"),
        ],
        infer_schema_length=None,
    )
    found = group_trainings(trainings).select("labels", "outcome", "n_runs", "epochs", "seconds").rows()
    assert found == [("NP, EP1", "trained", 2, "3", 4.0), ("PP1", "reused, as in night 4", 1, "3", None)]


def test_one_sentence_says_what_was_done_and_because_of_what() -> None:
    """Reasons by how often they were the reason; a night with nothing to do says so."""
    trainings = [run(seed=1), run(seed=1, code_digest="d" * 32), run(is_reused=True)]
    assert run_sentence(pl.DataFrame(trainings, infer_schema_length=None)) == (
        "2 of 3 trainings were done: 2 with another seed and 1 with other training code; 1 stood complete and were "
        "reused."
    )
    trained = pl.DataFrame(trainings, infer_schema_length=None)
    assert run_sentence(trained, n_failed=2, n_errors=1) == (
        "2 of 5 trainings were done: 2 with another seed and 1 with other training code; 1 stood complete and were "
        "reused. 2 failed; 1 of them left no error, or were tried again since."
    )
    idle = run_sentence(pl.DataFrame([run(is_reused=True)], infer_schema_length=None))
    assert idle.startswith("Nothing was trained: 1 training stood complete")
    assert "No training" in run_sentence(pl.DataFrame())


def test_trainings_that_failed_are_counted_where_nothing_else_was_done() -> None:
    """A night all of whose trainings failed, and one that reused the others."""
    reused = pl.DataFrame([run(is_reused=True)], infer_schema_length=None)
    assert run_sentence(reused, n_failed=3, n_errors=3) == (
        "Nothing was trained: 1 of 4 trainings stood complete. 3 failed."
    )
    assert run_sentence(pl.DataFrame(), n_failed=3, n_errors=3).endswith("stands in the lake. 3 failed.")
