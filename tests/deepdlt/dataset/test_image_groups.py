"""Repeats and views of one spot stay together, and what differs stays apart."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepdlt.dataset.image_groups import condition_groups, physical_spots

SETTINGS = ["n_pulses", "angle_deg", "pattern_2"]


def sheet(*rows: tuple[object, ...]) -> pl.DataFrame:
    """Return labels from (name, n_pulses[, angle_deg, pattern_2]) rows; images are called by number."""
    filled = [(str(number), *row, *(19.0, None)[len(row) - 2 :]) for number, row in enumerate(rows)]
    schema = {"image_id": pl.String, "name": pl.String, "n_pulses": pl.Int64, "angle_deg": pl.Float64}
    return pl.DataFrame(filled, schema=schema | {"pattern_2": pl.String}, orient="row")


def sets(frame: pl.DataFrame) -> set[frozenset[str]]:
    """Return which images share an id."""
    groups = frame.group_by(frame.columns[1]).agg("image_id")
    return {frozenset(members) for members in groups["image_id"].to_list()}


def conditions(*rows: tuple[object, ...]) -> set[frozenset[str]]:
    """Return the conditions of a sheet."""
    return sets(condition_groups(sheet(*rows), SETTINGS))


def spots(*rows: tuple[object, ...]) -> set[frozenset[str]]:
    """Return the spots of a sheet."""
    return sets(physical_spots(sheet(*rows), SETTINGS))


def together(*groups: str) -> set[frozenset[str]]:
    """Return sets of one-digit image numbers."""
    return {frozenset(group) for group in groups}


def test_equal_settings_are_one_condition_wherever_the_image_lies() -> None:
    """Folder and name do not count; every setting does, and a blank equals a blank."""
    rows = [("a/1-1", 10), ("b/7-3", 10), ("a/1-2", 50), ("a/1-1x", 10, 5.5), ("a/1-1y", 10, 19.0, "V")]
    assert conditions(*rows) == together("01", "2", "3", "4")


def test_details_are_views_of_the_spot_that_they_number() -> None:
    """As in the real sheet: 21A and 21B show 2-1, 22A shows 2-2; 8-2d shows 8-2 again."""
    rows = [
        ("R/2-1 ^.bmp", 10),
        ("R/2-2 ^.bmp", 50),
        ("R/Details/21A.bmp", 10),
        ("R/Details/21B.bmp", 10),
        ("R/Details/22A.bmp", 50),
        ("R/8-2.bmp", 50),
        ("R/8-2d.bmp", 50),
    ]
    assert spots(*rows) == together("023", "14", "56")
    assert conditions(*rows) == together("023", "1456")


def test_a_view_whose_settings_differ_shows_another_spot() -> None:
    """The number alone is not enough; nor are a folder of another name, or the number in another folder."""
    rows = [("R/2-1", 10), ("R/Details/21A", 50), ("R/Closer/21A", 10), ("S/details/21A", 10), ("S/2-1", 10)]
    assert spots(*rows) == together("0", "1", "2", "34")


def test_a_view_with_a_blank_setting_joins_its_spot_and_condition() -> None:
    """What the view's row leaves blank, its parent says; the group keeps the name that it had without the view."""
    rows = [("R/2-1", 10, 19.0, "V"), ("R/Details/21A", 10, None, None), ("R/9-9", 10, 19.0, "V")]
    assert conditions(*rows) == together("012")
    assert spots(*rows) == together("01", "2")
    for grouped in (condition_groups, physical_spots):
        alone = grouped(sheet(rows[0]), SETTINGS)
        assert alone.row(0)[1] == grouped(sheet(*rows), SETTINGS).row(0)[1]


def test_a_number_that_could_be_two_spots_joins_both() -> None:
    """112A may show 11-2 or 1-12: rather one spot too few."""
    assert spots(("R/11-2", 10), ("R/1-12", 10), ("R/Details/112A", 10)) == together("012")
    assert spots(("R/11-2", 10), ("R/1-12", 50), ("R/Details/112A", 10)) == together("02", "1")
    assert spots(("R/11-2", 10), ("R/1-12", 10)) == together("0", "1")


def test_views_without_a_parent_and_names_without_a_number_are_spots() -> None:
    """Two views of one number show one spot; a name without a number is its own."""
    rows = [("Details/21A", 10), ("Details/21B", 10), ("left", 10), ("right", 10), ("Details/left", 10)]
    assert spots(*rows) == together("01", "24", "3")


def test_ids_are_made_of_the_settings() -> None:
    """Other images, their order, and whole numbers written as 10 or 10.0 change no id; other settings do."""
    one = condition_groups(sheet(("a/1", 10), ("b/2", 50)), SETTINGS)
    other = condition_groups(sheet(("c/3", 20), ("d/4", 50), ("e/5", 10)), SETTINGS)
    assert one["group_id"].to_list() == other["group_id"].to_list()[:0:-1]
    floats = condition_groups(sheet(("a/1", 10), ("b/2", 50)).cast({"n_pulses": pl.Float64}), SETTINGS)
    assert floats.equals(one)
    assert one["image_id"].to_list() == ["0", "1"]


@given(st.lists(st.tuples(st.sampled_from(["1-1", "1-2a", "Details/11A", "Details/12"]), st.sampled_from([10, 50]))))
def test_a_spot_lies_within_one_condition(rows: list[tuple[str, int]]) -> None:
    """Grouping by condition keeps spots whole, and images of equal settings together."""
    labels = sheet(*rows)
    both = condition_groups(labels, SETTINGS).join(physical_spots(labels, SETTINGS), on="image_id")
    assert (both.group_by("spot_id").agg(pl.col("group_id").n_unique())["group_id"] == 1).all()
    assert both["group_id"].n_unique() == labels["n_pulses"].n_unique()


def test_two_rows_of_an_image_and_no_settings_are_refused() -> None:
    """Both would make groups that mean nothing."""
    labels = sheet(("a/1", 10), ("b/2", 50))
    with pytest.raises(ValueError, match="more than one row"):
        condition_groups(pl.concat([labels, labels]), SETTINGS)
    with pytest.raises(ValueError, match="at least one column"):
        physical_spots(labels, [])
