"""A question is put again where labels or code have changed, and only there."""

import polars as pl
import pytest
from planted import PlantedLake

from tasks import questions
from tasks.questions import asked_of, note_asked, unasked


def test_what_has_an_answer_is_not_asked_again(planted: PlantedLake) -> None:
    """Of its question, with its labels; the others keep their order and stand once."""
    with planted.lake.write("note") as transaction:
        note_asked(transaction, "probe", "b", "labels 1")
    assert unasked(planted.lake, "probe", ["c", "b", "a", "c"], "labels 1") == ["c", "a"]
    assert unasked(planted.lake, "probe", ["b"], "labels 2") == ["b"]
    assert unasked(planted.lake, "difficulty", ["b"], "labels 1") == ["b"]


def test_a_subject_has_one_row_a_question(planted: PlantedLake) -> None:
    """Asked again, the newer row stands, with what could not be asked."""
    for of, refusal in (("labels 1", "too few"), ("labels 2", "")):
        with planted.lake.write("note") as transaction:
            note_asked(transaction, "probe", "b", of, refusal=refusal)
    assert planted.lake.query("SELECT subject, asked_of, refusal FROM analyses").rows() == [("b", "labels 2", "")]


def test_where_a_row_stands_does_not_count(planted: PlantedLake) -> None:
    """Another order of rows and columns, another place in the sheet, are the same labels."""
    labels = planted.labels
    moved = labels.select(reversed(labels.columns)).sample(fraction=1, shuffle=True, seed=1)
    elsewhere = moved.with_columns(sheet=pl.lit("other.xlsx"), sheet_row=pl.lit(1), row_digest=pl.lit("x"))
    assert asked_of("probe", elsewhere) == asked_of("probe", labels)


@pytest.mark.parametrize("column", ["angle_deg", "delay_ps"], ids=["a label", "a setting"])
def test_another_value_is_another_question(planted: PlantedLake, column: str) -> None:
    """Labels are asked about, settings make conditions."""
    changed = planted.labels.with_columns(pl.col(column) + 1)
    assert asked_of("probe", changed) != asked_of("probe", planted.labels)


def test_other_code_asks_again(planted: PlantedLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code behind a question is part of what its answer stands for; that of another question is not."""
    before = {question: asked_of(question, planted.labels) for question in questions.MODULES}
    assert len(set(before.values())) == len(before)
    monkeypatch.setitem(questions.MODULES, "probe", ("deepdlt.analysis.probes",))
    after = {question: asked_of(question, planted.labels) for question in questions.MODULES}
    assert [question for question in before if before[question] != after[question]] == ["probe"]
