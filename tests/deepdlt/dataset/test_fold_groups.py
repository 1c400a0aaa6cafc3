"""Folds over conditions and over levels of a label separate what they say."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepdlt.dataset.folds import TooFewToSplit, assign_folds, count_levels, split_id_of
from deepdlt.digest import digest_json

BRIEFLY = settings(deadline=None, max_examples=25)
SEEDS = st.integers(0, 2**32)
ROWS = st.lists(st.tuples(st.integers(0, 14), st.sampled_from([5.5, 8.5, 19.0])), min_size=12, max_size=40)


def frames(rows: list[tuple[int, float]]) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return two patches an image, label values, and groups of images; row k is image k."""
    images = [f"image {number:03d}" for number in range(len(rows))]
    patches = [(digest_json([image, number]), image) for image in images for number in range(2)]
    return (
        pl.DataFrame(patches, schema=["patch_id", "image_id"], orient="row"),
        pl.DataFrame({"image_id": images, "value": [value for _, value in rows]}),
        pl.DataFrame({"image_id": images, "group_id": [f"group {group}" for group, _ in rows]}),
    )


def assigned(rows: list[tuple[int, float]], scheme: str, *, n_folds: int = 3, seed: int = 0) -> pl.DataFrame:
    """Assign folds, with the group of each patch's image beside it."""
    patches, values, groups = frames(rows)
    folds = assign_folds(patches, values, scheme=scheme, kind="number", n_folds=n_folds, seed=seed, groups=groups)
    return folds.join(groups, on="image_id").join(values, on="image_id")


@BRIEFLY
@given(rows=ROWS, seed=SEEDS)
def test_no_condition_stands_on_two_sides(rows: list[tuple[int, float]], seed: int) -> None:
    """Within a fold every group has one split, over the folds it is tested once, and every part has patches."""
    rows = [*rows, *((20 + number, 5.5) for number in range(4))]  # four groups at least
    frame = assigned(rows, "condition", seed=seed)
    assert frame.group_by("fold", "group_id").agg(pl.col("split").n_unique())["split"].unique().to_list() == [1]
    tested = frame.filter(split="test").unique(["fold", "group_id"])["group_id"]
    assert sorted(tested) == sorted(frame["group_id"].unique())
    assert frame.group_by("fold").agg(pl.col("split").n_unique())["split"].unique().to_list() == [3]


@BRIEFLY
@given(rows=ROWS, seed=SEEDS)
def test_each_fold_tests_one_level_and_trains_on_none_of_it(rows: list[tuple[int, float]], seed: int) -> None:
    """Every level is tested once, whole; no group validates and trains; every fold has all three parts."""
    rows = [*rows, (20, 5.5), (21, 8.5), (22, 19.0), (23, 5.5), (24, 19.0)]
    frame = assigned(rows, "leave-one-level-out", seed=seed)
    assert frame["fold"].n_unique() == count_levels(frame) == 3
    for (fold,), part in frame.group_by("fold"):
        tested = part.filter(split="test")
        assert tested["value"].n_unique() == 1, fold
        assert tested.height == part.filter(pl.col("value") == tested["value"][0]).height
        both = part.filter(pl.col("split") != "test").group_by("group_id").agg(pl.col("split").n_unique())
        assert both["split"].unique().to_list() == [1]
        assert set(part["split"]) == {"train", "val", "test"}


@pytest.mark.parametrize("scheme", ["condition", "leave-one-level-out"])
def test_the_order_of_rows_changes_nothing(scheme: str) -> None:
    """Patches, values and groups shuffled give the same folds; another seed gives others."""
    rows = [(number // 2, [5.5, 8.5, 19.0][number % 3]) for number in range(30)]
    patches, values, groups = frames(rows)
    draws = [
        assign_folds(*shuffled, scheme=scheme, kind="number", n_folds=3, seed=seed, groups=grouping)
        for *shuffled, grouping, seed in (
            (patches, values, groups, 0),
            (patches.reverse(), values.sample(fraction=1, shuffle=True, seed=1), groups.reverse(), 0),
            (patches, values, groups, 1),
        )
    ]
    assert draws[0].equals(draws[1])
    assert not draws[0].equals(draws[2])


def test_test_folds_of_conditions_are_even_in_every_stratum() -> None:
    """Counts of groups of one stratum in two test folds differ by one at most."""
    frame = assigned([(number, [5.5, 19.0][number % 2]) for number in range(22)], "condition")
    counts = frame.filter(split="test").group_by("fold", "stratum").agg(n=pl.col("group_id").n_unique())
    spread = counts.group_by("stratum").agg(pl.col("n").max() - pl.col("n").min())
    assert spread["n"].max() == 1


def test_a_label_with_one_level_cannot_leave_it_out() -> None:
    """There is nothing left to train on, and the message says so."""
    with pytest.raises(TooFewToSplit, match=r"label values, .* add images\.$"):
        assigned([(number, 19.0) for number in range(9)], "leave-one-level-out")


def test_one_group_outside_a_level_is_too_few() -> None:
    """It cannot train and validate."""
    with pytest.raises(TooFewToSplit, match=r"outside each label value, .* add images\.$"):
        assigned([*((number, 19.0) for number in range(9)), (20, 5.5)], "leave-one-level-out")


def test_other_groups_are_another_split() -> None:
    """A split is named after the groups that it keeps together."""
    _, values, groups = frames([(0, 5.5), (1, 5.5), (2, 19.0)])
    ids = [
        split_id_of("d", "condition", "NP", 5, 0, values, groups=one)
        for one in (groups, groups.reverse(), groups.with_columns(group_id=pl.lit("one")))
    ]
    assert ids[0] == ids[1] != ids[2]
