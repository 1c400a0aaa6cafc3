"""Tables of the page: few columns, honest numbers, nothing lost."""

from datetime import UTC, datetime

import polars as pl
import pytest

from deepdlt.page.numbers import Form, p_words, show_number, show_seconds
from deepdlt.page.standing import WORSE, Standing
from deepdlt.page.tables import LONG, Cell, Interval, Spread, Table, make_table, show

NAN = float("nan")


def table(frame: pl.DataFrame, *shown: str | Spread | Interval, **more: object) -> Table:
    """Return the table of a frame that has rows."""
    made = make_table(frame, shown, "caption", **more)  # type: ignore[arg-type]
    assert made is not None
    return made


def texts(made: Table) -> list[list[str]]:
    """Return what stands in a table."""
    return [[cell.text for cell in row] for row in made.rows]


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        pytest.param(0.18412, "loss", "0.1841", id="a loss"),
        pytest.param(24430.4, "loss", "24,430", id="a loss of a VAE"),
        pytest.param(0.0, "loss", "0", id="a floor that is nothing"),
        pytest.param(-0.00001, "loss", "0.0000", id="no minus before nothing"),
        pytest.param(-0.25, "score", "−0.250", id="a true minus"),  # noqa: RUF001
        pytest.param(12.6, "db", "12.60", id="decibels"),
        pytest.param(0.6667, "share", "66.7", id="a share in per cent"),
        pytest.param(1.0, "share", "100", id="all of it"),
        pytest.param(-1139.04, "percent", "−1,139", id="far below"),  # noqa: RUF001
        pytest.param(20800, "count", "20,800", id="a count"),
        pytest.param(None, "loss", "–", id="missing"),  # noqa: RUF001
        pytest.param(NAN, "p", "NaN", id="no number"),
        pytest.param(float("inf"), "db", "∞", id="no error at all"),
        pytest.param(83.4, "seconds", "1 min 23 s", id="a duration"),
    ],
)
def test_a_number_has_the_digits_that_mean_something(value: float | None, form: Form, text: str) -> None:
    """By what it is, with a true minus and thousands apart."""
    assert show_number(value, form) == text


def test_a_p_value_is_never_zero() -> None:
    """Below what permutations give it is only said to be small."""
    assert [p_words(p).replace("\N{NO-BREAK SPACE}", " ") for p in (1.0, 0.049, 0.0)] == [
        "p = 1",
        "p = 0.049",
        "p < 0.0001",
    ]


def test_durations_carry_over() -> None:
    """59.7 s are a minute, not 60 s."""
    assert [show_seconds(value) for value in (9.96, 59.7, 3599.6, 7260)] == [
        "10.0 s",
        "1 min 00 s",
        "1 h 00 min",
        "2 h 01 min",
    ]


def test_no_rows_are_no_table() -> None:
    """An empty frame, with or without columns."""
    assert make_table(pl.DataFrame(), ("label",), "caption") is None
    assert make_table(pl.DataFrame({"label": []}), ("label",), "caption") is None


def test_a_column_that_is_absent_or_empty_is_left_out() -> None:
    """The others keep their order."""
    made = table(
        pl.DataFrame({"mse": [0.1, 0.2], "kl": [None, None], "label": ["NP", "EP1"]}), "label", "kl", "seed", "mse"
    )
    assert [heading.text for heading in made.headings] == ["Label", "MSE"]
    assert texts(made) == [["NP", "0.1000"], ["EP1", "0.2000"]]


def test_what_every_row_says_stands_once_below() -> None:
    """Only of columns that may; the first stays where all of them say the same."""
    frame = pl.DataFrame({"preset": ["a", "a"], "n_folds": [5, 5], "mse": [0.5, 0.5]})
    made = table(frame, "preset", "n_folds", "mse")
    assert [heading.text for heading in made.headings] == ["MSE"]
    assert made.note == "In every row: training a, folds 5."
    alone = table(frame, "preset", "n_folds")
    assert [heading.text for heading in alone.headings] == ["Training"]
    assert table(frame.head(1), "preset", "n_folds").note == ""


def test_a_mean_stands_with_its_spread_or_interval() -> None:
    """In the mean's digits and sorted by the mean; where there is no spread, the mean stands alone."""
    frame = pl.DataFrame(
        {"mse": [0.18412, 250.0, NAN], "sd": [0.00126, None, 0.1], "low": [0.17, None, 0.1], "high": [0.19, None, 0.2]}
    )
    kept = "\N{NO-BREAK SPACE}"
    assert [row[0].text for row in table(frame, Spread("mse", "sd")).rows] == [
        f"0.1841{kept}±{kept}0.0013",
        "250.0",
        "NaN",
    ]
    cells = [row[0] for row in table(frame, Interval("mse", "low", "high")).rows]
    assert [cell.text for cell in cells] == ["0.1841 (0.1700 to 0.1900)", "250.0", "NaN"]
    assert [cell.key for cell in cells] == ["0.18412", "250.0", ""]


def test_what_is_missing_has_no_place_in_the_order() -> None:
    """None, nothing and NaN have an empty key, which the page sorts last."""
    assert [show(value).key for value in (None, "", NAN)] == ["", "", ""]
    assert show(0).key == "0"


def test_a_rounded_number_keeps_its_full_value() -> None:
    """For those who point at it; whole numbers are not rounded."""
    assert show(1 / 3, "loss").full == "0.3333333333333333"
    assert show(3).full == ""


def test_other_values_are_shown_as_they_are() -> None:
    """Truth values, times, lists."""
    assert show(value=False).text == "no"
    assert show(datetime(2026, 11, 25, 2, 7, tzinfo=UTC)) == Cell("2026-11-25 02:07", key="2026-11-25T02:07:00+00:00")
    assert show(["a", "b"]).text == "a, b"


def test_a_long_table_is_folded_unless_told() -> None:
    """The reader opens it."""
    frame = pl.DataFrame({"mse": [0.1] * LONG + [0.2]})
    assert table(frame, "mse").is_folded
    assert not table(frame.head(LONG), "mse").is_folded
    assert not table(frame, "mse", is_folded=False).is_folded


def summary(*rows: tuple[str, str, int, int]) -> pl.DataFrame:
    """Rows of fold_summary: preset, label, trainings scored, and below flat."""
    return pl.DataFrame(
        [
            {
                "preset": preset,
                "scheme": "grouped",
                "label": label,
                "n_scored": scored,
                "n_below_flat": below,
            }
            for preset, label, scored, below in rows
        ]
    )


def test_the_mark_of_a_row_stands_with_its_name() -> None:
    """In the first column, whatever else is shown; no column of its own."""
    frame = pl.DataFrame({"preset": ["a", "b", "c"], "mse": [1.0, 2.0, 3.0], "mark": [WORSE, "", None]})
    made = table(frame, "preset", "mse")
    assert [[cell.mark for cell in row] for row in made.rows] == [[WORSE, ""], ["", ""], ["", ""]]
    assert len(made.headings) == 2


def test_the_mark_says_how_many_trainings_are_worse_than_flat() -> None:
    """All, some or none of those that are asked about."""
    standing = Standing(summary(("a", "NP", 10, 10), ("a", "EP1", 9, 3), ("b", "NP", 10, 0)))
    assert standing.mark(preset="a", label="NP") == WORSE
    assert standing.mark(preset="a") == f"{WORSE} in 13 of 19"
    assert standing.mark(preset="b") == standing.mark(preset="unknown") == ""
    assert (standing.n_below, standing.n_scored, standing.presets_below) == (13, 29, ["a"])


def test_nothing_scored_is_no_mark() -> None:
    """A night whose trainings all failed."""
    standing = Standing(pl.DataFrame())
    assert (standing.mark(preset="a"), standing.n_scored, standing.presets_below) == ("", 0, [])
