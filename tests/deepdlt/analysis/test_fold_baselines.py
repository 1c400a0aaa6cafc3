"""What a network has to beat is measured on the held-out patches, in both target ranges."""

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from small_patches import stripes

from deepdlt.analysis.fold_baselines import BASELINE_SCHEMA, measure_fold
from deepdlt.analysis.pca import PCA_COUNTS

TRAIN, VAL, TEST = stripes(600), stripes(9, seed=1), stripes(13, seed=2)
QUADRATIC = ["flat_mse", "gain_offset_mse", *(f"pca_{count}_mse" for count in (8, 32, 128))]
"""What nothing is clipped of: errors of a scale twice as wide are four times as large."""


@pytest.fixture(scope="module")
def measured() -> pl.DataFrame:
    """Two sides of a fold with 600 training patches of 16 px."""
    return measure_fold(TRAIN, {"val": VAL, "test": TEST})


def row(measured: pl.DataFrame, split: str, target_range: str) -> dict[str, float]:
    """Return one side in one target range."""
    return measured.filter(split=split, target_range=target_range).row(0, named=True)


def unit(patches: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return patches as rows on [0, 1]."""
    return np.asarray(patches.reshape(len(patches), -1) / 255)


def test_each_side_is_measured_in_each_range(measured: pl.DataFrame) -> None:
    """Two sides and two ranges are four rows, with the columns of the lake's table."""
    assert dict(measured.schema) == BASELINE_SCHEMA
    assert measured.select("split", "target_range", "n_patches").rows() == [
        ("val", "signed", 9),
        ("val", "unit", 9),
        ("test", "signed", 13),
        ("test", "unit", 13),
    ]


def test_pca_is_that_of_scikit_learn(measured: pl.DataFrame) -> None:
    """Fitted on the training patches alone, on the same test patches, for each number of components."""
    for count in (8, 32, 128):
        theirs = PCA(count, svd_solver="full").fit(unit(TRAIN))
        rest = unit(TEST) - theirs.inverse_transform(theirs.transform(unit(TEST)))
        assert row(measured, "test", "unit")[f"pca_{count}_mse"] == pytest.approx((rest**2).mean(), rel=1e-4)


def test_gain_and_offset_are_a_straight_line_through_the_mean_patch(measured: pl.DataFrame) -> None:
    """The same error as numpy's least squares of each patch on the mean training patch and a constant."""
    basis = np.column_stack([unit(TRAIN).mean(0), np.ones(TRAIN[0].size)])
    residuals = [np.linalg.lstsq(basis, patch, rcond=None)[1][0] / patch.size for patch in unit(TEST)]
    assert row(measured, "test", "unit")["gain_offset_mse"] == pytest.approx(np.mean(residuals), rel=1e-4)


def test_the_floor_is_the_square_of_what_lies_below_black(measured: pl.DataFrame) -> None:
    """On [-1, 1] every pixel below 0 costs its square; on [0, 1] nothing is out of reach."""
    signed = 2 * unit(TEST) - 1
    assert row(measured, "test", "signed")["floor_mse"] == pytest.approx((np.minimum(signed, 0) ** 2).mean(), rel=1e-6)
    assert row(measured, "test", "unit")["floor_mse"] == 0


def test_the_flat_patch_costs_the_variance(measured: pl.DataFrame) -> None:
    """Each patch's own mean leaves its variance; a decoder that ends at 0 cannot give all of them."""
    variance = unit(TEST).var(axis=1).mean()
    assert row(measured, "test", "unit")["flat_mse"] == pytest.approx(variance, rel=1e-6)
    assert row(measured, "test", "unit")["flat_reachable_mse"] == pytest.approx(variance, rel=1e-6)
    signed = row(measured, "test", "signed")
    assert signed["flat_reachable_mse"] > signed["flat_mse"]
    assert signed["flat_reachable_mse"] >= signed["floor_mse"]


def test_errors_on_the_wider_range_are_four_times_as_large(measured: pl.DataFrame) -> None:
    """Twice as wide, squared; of all that is not clipped."""
    for split in ("val", "test"):
        wide, narrow = row(measured, split, "signed"), row(measured, split, "unit")
        assert [wide[name] for name in QUADRATIC] == pytest.approx([4 * narrow[name] for name in QUADRATIC], rel=1e-5)


def test_more_freedom_leaves_less_error(measured: pl.DataFrame) -> None:
    """Gain and offset beat the flat patch, and each number of components the one before."""
    test = row(measured, "test", "unit")
    assert test["flat_mse"] >= test["gain_offset_mse"]
    assert test["pca_8_mse"] > test["pca_32_mse"] > test["pca_128_mse"] > 0


def test_the_order_of_patches_does_not_matter(measured: pl.DataFrame) -> None:
    """Neither that of the training patches nor that of a side."""
    again = measure_fold(TRAIN[::-1], {"val": VAL[::-1], "test": TEST[::-1]})
    for name in ("floor_mse", *QUADRATIC):
        assert again[name].to_list() == pytest.approx(measured[name].to_list(), rel=1e-4)


def test_pca_has_no_more_components_than_training_patches_allow() -> None:
    """Forty patches vary in 39 directions: PCA-128 is not made up, it is missing."""
    few = row(measure_fold(TRAIN[:40], {"test": TEST}), "test", "unit")
    assert [few[f"pca_{count}_mse"] is None for count in PCA_COUNTS] == [False, False, True, True]


def test_a_grey_patch_has_known_baselines() -> None:
    """Closed form: 51 is 0.2 of the way to white, -0.6 when signed, out of reach by 0.36."""
    grey = np.full((3, 16, 16), 51, np.uint8)
    signed = row(measure_fold(TRAIN, {"test": grey}), "test", "signed")
    assert (signed["floor_mse"], signed["flat_reachable_mse"]) == pytest.approx((0.36, 0.36), rel=1e-6)
    assert (signed["flat_mse"], signed["gain_offset_mse"]) == pytest.approx((0, 0), abs=1e-9)


@pytest.mark.parametrize(("n_train", "n_held_out"), [(1, 5), (0, 5), (5, 0)])
def test_too_few_patches_are_refused(n_train: int, n_held_out: int) -> None:
    """Rather than a mean of nothing."""
    with pytest.raises(ValueError, match="patch"):
        measure_fold(TRAIN[:n_train], {"test": TEST[:n_held_out]})
