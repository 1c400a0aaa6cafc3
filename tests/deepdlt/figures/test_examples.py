"""Patches that stand for others: from different images, of every value, by seed."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepdlt.figures.examples import choose_examples


def patches(n_images: int, n_each: int) -> pl.DataFrame:
    """Return patches of images; NP is 10 in four of five images, 500 in the fifth."""
    rows = [
        (f"i{image:02}p{patch}", f"i{image:02}", "500" if image % 5 == 4 else "10")
        for image in range(n_images)
        for patch in range(n_each)
    ]
    return pl.DataFrame(rows, schema=["patch_id", "image_id", "NP"], orient="row")


@given(st.integers(1, 12), st.integers(1, 4), st.integers(1, 20), st.integers(0, 99))
def test_no_image_has_a_second_patch_before_every_image_has_one(n_images: int, n_each: int, n: int, seed: int) -> None:
    """As many different images as there can be, and no patch twice."""
    chosen = choose_examples(patches(n_images, n_each), n, seed=seed)
    assert chosen.height == min(n, n_images * n_each)
    assert chosen["image_id"].n_unique() == min(n, n_images)
    assert chosen["patch_id"].is_unique().all()


def test_values_take_turns() -> None:
    """A rare value is shown as often as a frequent one, as long as there are images of it."""
    chosen = choose_examples(patches(20, 3), 6, by="NP")
    assert chosen["NP"].to_list() == ["10", "10", "10", "500", "500", "500"]
    assert chosen["image_id"].n_unique() == 6


def test_the_seed_draws_and_the_order_of_rows_does_not() -> None:
    """Equal seeds agree, others differ."""
    rows = patches(20, 5)
    assert choose_examples(rows, 6, seed=1).equals(choose_examples(rows.reverse(), 6, seed=1))
    assert not choose_examples(rows, 6, seed=1).equals(choose_examples(rows, 6, seed=2))


def test_what_comes_back_is_rows_as_they_were() -> None:
    """No column is added, and patches without a value are left out."""
    rows = patches(3, 2).with_columns(NP=pl.when(pl.col("image_id") == "i00").then(None).otherwise("NP"))
    chosen = choose_examples(rows, 9, by="NP")
    assert chosen.columns == rows.columns
    assert "i00" not in chosen["image_id"]


def test_at_least_one_is_asked_for() -> None:
    """None is a mistake."""
    with pytest.raises(ValueError, match="at least 1"):
        choose_examples(patches(1, 1), 0)
