"""Rows for people and for programs."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.errors import WrongUse
from deployments.tables import Format, render, render_csv, render_json, render_table, write

COLUMNS = ["label", "n", "loss"]
cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"))


@given(st.lists(st.tuples(cells, cells), max_size=5))
def test_csv_comes_back_as_it_went(rows: list[tuple[str, str]]) -> None:
    """Commas, quotes and line ends in a cell stay in that cell."""
    lines = list(csv.reader(io.StringIO(render_csv(["a", "b"], rows) + "\n", newline="")))
    assert lines[0] == ["a", "b"]
    assert [tuple(line) for line in lines[1:]] == rows


@given(st.lists(st.tuples(cells, st.integers(), st.floats(allow_nan=False, allow_infinity=False)), max_size=5))
def test_json_comes_back_as_it_went(rows: list[tuple[str, int, float]]) -> None:
    """Each row is an object with the column names as keys."""
    assert json.loads(render_json(COLUMNS, rows)) == [dict(zip(COLUMNS, row, strict=True)) for row in rows]


@given(st.lists(st.tuples(cells, st.integers(), st.one_of(st.none(), st.floats())), max_size=5))
def test_a_table_has_a_line_for_each_row(rows: list[tuple[str, int, float | None]]) -> None:
    """Header, rule, rows, count: a line end in a cell makes no further line."""
    lines = render_table(COLUMNS, rows).split("\n")
    assert len(lines) == len(rows) + 3
    assert lines[-1].startswith(f"({len(rows)} row")


def test_columns_stand_below_each_other() -> None:
    """Numbers end where their header ends, text begins where its header begins."""
    table = render_table(COLUMNS, [("angle", 5, 0.25), ("NP", 15, None)])
    assert table.split("\n")[:4] == ["label   n  loss", "-----  --  ----", "angle   5  0.25", "NP     15"]


def test_times_are_text_in_json() -> None:
    """What JSON does not know is written as people read it."""
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    assert json.loads(render_json(["at"], [(moment,)])) == [{"at": str(moment)}]


def test_parquet_keeps_the_types(tmp_path: Path) -> None:
    """Numbers stay numbers, and a column of nothing is kept."""
    write("parquet", COLUMNS, [("NP", 5, None), ("EP1", 7, None)], tmp_path / "rows.parquet")
    frame = pl.read_parquet(tmp_path / "rows.parquet")
    assert frame.columns == COLUMNS
    assert frame["n"].to_list() == [5, 7]


def test_parquet_does_not_go_to_the_terminal() -> None:
    """It needs a file, and the message says how to name one."""
    with pytest.raises(WrongUse, match="--output"):
        render("parquet", COLUMNS, [])


def test_json_has_null_for_what_is_no_finite_number() -> None:
    """NaN is no JSON: other programs refuse the whole answer."""
    text = render_json(["a", "b"], [(float("nan"), [1.5, float("-inf")]), (0.5, {"c": float("inf")})])
    refuse = {"parse_constant": lambda name: pytest.fail(f"{name} is no JSON")}
    assert json.loads(text, **refuse) == [{"a": None, "b": [1.5, None]}, {"a": 0.5, "b": {"c": None}}]


@pytest.mark.parametrize("form", ["json", "parquet"])
def test_two_columns_of_one_name_are_refused_where_one_would_be_lost(form: Format, tmp_path: Path) -> None:
    """The message names them; CSV and the table have room for both."""
    with pytest.raises(WrongUse, match=r"called n: .* AS NAME"):
        write(form, ["n", "n", "m"], [(1, 2, 3)], tmp_path / "answer")
    assert list(tmp_path.iterdir()) == []
    assert render_csv(["n", "n"], [(1, 2)]) == "n,n\n1,2"


@pytest.mark.parametrize("form", ["json", "csv", "table", "parquet"])
def test_a_file_in_a_folder_that_is_not_there_is_wrong_use(form: Format, tmp_path: Path) -> None:
    """It is said which folder."""
    with pytest.raises(WrongUse, match=f"no folder {tmp_path / 'gone'}"):
        write(form, ["n"], [(1,)], tmp_path / "gone" / "answer")
