"""P-values are uniform where nothing differs, and Holm corrects as statsmodels does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from deepdlt.analysis.corrections import holm
from deepdlt.analysis.resampling import between_p_value, difference_p_value
from deepdlt.quality.intervals import Group


def group_of(means: np.ndarray | list[float], n_patches: float = 4) -> Group:
    """Return images with these mean losses and equally many patches."""
    values = np.asarray(means, float)
    return Group(values * n_patches, np.full(len(values), n_patches))


def losses(n: int, seed: int) -> np.ndarray:
    """Return skewed losses of n images, mean 0.01."""
    return np.random.default_rng(seed).gamma(4, 0.0025, n)


def test_p_values_are_uniform_where_nothing_differs() -> None:
    """Of 600 null experiments, 5 % and 50 % have p at most 0.05 and 0.5, for the label and for pairs."""
    between, pairs = [], []
    for seed in range(600):
        rng = np.random.default_rng([seed, 1])
        counts = rng.integers(1, 6, 30).astype(float)
        sums = rng.gamma(4, 0.0025, 30) * counts
        groups = [Group(sums[part], counts[part]) for part in (slice(0, 6), slice(6, 16), slice(16, 30))]
        between.append(between_p_value(groups, n_permutations=99, rng=rng)[1])
        pairs.append(difference_p_value(groups[0], groups[2], n_permutations=99, rng=rng))
    for found in (np.array(between), np.array(pairs)):
        assert abs((found <= 0.05).mean() - 0.05) < 0.03
        assert abs((found <= 0.5).mean() - 0.5) < 0.07


def test_the_statistic_is_the_weighted_variance_between_means() -> None:
    """Closed form: means 1 and 4 of 2 and 4 patches lie around 3 with variance (2 * 4 + 4 * 1) / 6."""
    groups = [group_of([0.0, 2.0], 1), Group(np.array([6.0, 10.0]), np.array([2.0, 2.0]))]
    statistic, _ = between_p_value(groups, n_permutations=1, rng=np.random.default_rng(0))
    assert statistic == pytest.approx(2.0)


def test_one_image_has_no_test() -> None:
    """Nothing can be shuffled with one image on a side."""
    one, other = group_of([1.0]), group_of([2.0, 3.0])
    assert difference_p_value(one, other, n_permutations=9, rng=np.random.default_rng(0)) is None


def test_the_label_test_counts_all_shuffles_of_a_tiny_example() -> None:
    """Two images against two: the largest difference arises in 2 of 6 splits, so p tends to 1/3."""
    groups = [group_of([0.0, 1.0]), group_of([10.0, 11.0])]
    _, p_value = between_p_value(groups, n_permutations=6000, rng=np.random.default_rng(0))
    assert p_value == pytest.approx(1 / 3, abs=0.02)


def test_the_pair_test_agrees_with_scipy() -> None:
    """Shuffled Welch's t gives the p-value of `scipy.stats.permutation_test` on the same statistic."""
    one, other = losses(8, 1) + 0.004, losses(15, 2)

    def welch(x: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
        found: np.ndarray = stats.ttest_ind(x, y, axis=axis, equal_var=False).statistic
        return found

    theirs = stats.permutation_test(
        (one, other), welch, vectorized=True, n_resamples=5000, rng=np.random.default_rng(1)
    )
    ours = difference_p_value(group_of(one), group_of(other), n_permutations=5000, rng=np.random.default_rng(2))
    assert ours == pytest.approx(theirs.pvalue, abs=0.015)


def test_a_clear_difference_has_the_least_p_that_the_shuffles_allow() -> None:
    """(b + 1) / (n + 1) with b = 0, and never 0."""
    low, high = group_of(losses(15, 1)), group_of(losses(15, 2) + 0.1)
    rng = np.random.default_rng(0)
    assert between_p_value([low, high], n_permutations=199, rng=rng)[1] == 1 / 200
    assert difference_p_value(low, high, n_permutations=199, rng=rng) == 1 / 200
    assert difference_p_value(high, low, n_permutations=199, rng=rng) == 1 / 200


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.3])
def test_equal_losses_show_nothing(loss: float) -> None:
    """Where all images have one loss, rounding is no evidence: p is 1."""
    groups = [Group(loss * counts, counts) for counts in (np.arange(1.0, 8), np.arange(3.0, 9), np.ones(4))]
    rng = np.random.default_rng(0)
    assert between_p_value(groups, n_permutations=99, rng=rng)[1] == 1
    assert difference_p_value(groups[0], groups[1], n_permutations=99, rng=rng) == 1


def test_groups_without_spread_still_differ() -> None:
    """Two constant groups: t is infinite for the labels as they are, and finite for mixed ones."""
    p_value = difference_p_value(
        group_of(np.ones(8)), group_of(np.full(9, 2.0)), n_permutations=199, rng=np.random.default_rng(0)
    )
    assert p_value == 1 / 200


def test_shuffling_in_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same stream gives the same p, all at once or some shuffles at a time."""
    groups = [group_of(losses(9, 1)), group_of(losses(12, 2) + 0.002)]
    whole = difference_p_value(*groups, n_permutations=100, rng=np.random.default_rng(3))
    monkeypatch.setattr("deepdlt.analysis.resampling.BLOCK", 50)
    assert difference_p_value(*groups, n_permutations=100, rng=np.random.default_rng(3)) == whole
    assert whole is not None
    assert (whole * 101) % 1 == pytest.approx(0, abs=1e-9)


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_is_its_definition(p_values: list[float]) -> None:
    """Step by step: the i-th smallest of n is multiplied by n - i + 1, never below the one before, at most 1."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    expected, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[i]))
        expected[i] = largest
    assert np.allclose(holm(p_values), expected)


def test_a_missing_test_is_not_counted() -> None:
    """A label that could not be tested costs the others nothing."""
    assert np.allclose(holm([0.01, np.nan, 0.04]), [0.02, np.nan, 0.04], equal_nan=True)
    assert np.isnan(holm([np.nan])).all()
