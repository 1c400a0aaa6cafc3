"""Intervals of few and of many images hold the truth as often as they say."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from deepdlt.quality.intervals import FEW, Group, Interval, bootstrap_means, difference_interval, mean_interval

Losses = Callable[[np.random.Generator, int], np.ndarray]

N_TRIALS = 800
NORMAL_DRAWS = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)


def group_of(means: np.ndarray | list[float], n_patches: float = 4) -> Group:
    """Return images with these mean losses and equally many patches."""
    values = np.asarray(means, float)
    return Group(values * n_patches, np.full(len(values), n_patches))


def normal(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return losses of n images about 0.01, as often above as below."""
    return rng.normal(0.01, 0.003, n)


def skewed(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return losses of n images about 0.01, a few of them far above."""
    return rng.gamma(4, 0.0025, n)


def covers(interval: Interval, truth: float) -> bool:
    """Tell whether an interval is there and holds the truth."""
    return interval.low is not None and interval.high is not None and interval.low <= truth <= interval.high


def test_the_mean_is_over_patches_and_its_error_over_images() -> None:
    """With equal patch counts the error is the textbook's; with unequal ones images weigh by their patches."""
    group = group_of([1.0, 2.0, 6.0])
    assert group.mean == 3.0
    assert group.squared_error == pytest.approx(np.var([1, 2, 6], ddof=1) / 3)
    assert Group(np.array([1.0, 30.0]), np.array([1.0, 10.0])).mean == pytest.approx(31 / 11)


def test_bootstrap_draws_images_and_spreads_like_the_sample() -> None:
    """The draws' standard deviation is the mean's standard error, however many patches an image has."""
    for n_patches in (1, 50):
        group = group_of(skewed(np.random.default_rng(0), 12), n_patches)
        draws = bootstrap_means(group, n_draws=20_000, rng=np.random.default_rng(0))
        assert draws.mean() == pytest.approx(group.mean, rel=0.01)
        assert draws.std() == pytest.approx(group.squared_error**0.5, rel=0.03)


@pytest.mark.parametrize(("losses", "least"), [(normal, 0.93), (skewed, 0.91)])
@pytest.mark.parametrize("n", [2, 3, 5, FEW - 1, FEW, 20])
def test_intervals_cover_the_truth_from_two_images_on(n: int, losses: Losses, least: float) -> None:
    """Of 800 intervals about 95 % hold the true mean, of skewed losses a little fewer."""
    hits = 0
    for seed in range(N_TRIALS):
        rng = np.random.default_rng([seed, n])
        group = group_of(losses(rng, n))
        draws = bootstrap_means(group, n_draws=300, rng=rng)
        hits += covers(mean_interval(group, draws, confidence=0.95), 0.01)
    assert least <= hits / N_TRIALS <= 0.98


@pytest.mark.parametrize("sizes", [(2, 3), (3, 20), (FEW - 1, FEW), (10, 20)], ids=str)
@pytest.mark.parametrize(("losses", "least"), [(normal, 0.93), (skewed, 0.905)])
def test_intervals_of_differences_cover_the_truth(sizes: tuple[int, int], losses: Losses, least: float) -> None:
    """Of 800 intervals between images of one kind about 95 % hold 0, of skewed losses a little fewer."""
    hits = 0
    for seed in range(N_TRIALS):
        rng = np.random.default_rng([seed, *sizes])
        one, other = (group_of(losses(rng, n)) for n in sizes)
        draws = [bootstrap_means(group, n_draws=300, rng=rng) for group in (one, other)]
        hits += covers(difference_interval(one, other, *draws, confidence=0.95), 0)
    assert least <= hits / N_TRIALS <= 0.985


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
@pytest.mark.parametrize("n", range(2, FEW))
def test_students_quantile_is_that_of_scipy(n: int, confidence: float) -> None:
    """External reference: `scipy.stats.t`, for every number of images to which it is applied as it is."""
    losses = normal(np.random.default_rng(n), n)
    interval = mean_interval(group_of(losses), np.zeros(9), confidence=confidence)
    theirs = stats.t.interval(confidence, n - 1, losses.mean(), stats.sem(losses))
    assert (interval.low, interval.high) == pytest.approx(theirs, rel=1e-5)


def test_few_images_have_students_interval() -> None:
    """External reference: `scipy.stats.t`, and for a difference Welch's of `scipy.stats.ttest_ind`."""
    few, many = [1.0, 2, 3, 4, 6], [0.0, 3, 9, 4, 5, 5, 8, 2, 1]
    one, other = group_of(few), group_of(many)
    interval = mean_interval(one, np.zeros(9), confidence=0.9)
    assert (interval.low, interval.high) == pytest.approx(stats.t.interval(0.9, 4, np.mean(few), stats.sem(few)))
    for first, second, expected in ((one, other, (few, many)), (other, one, (many, few))):
        difference = difference_interval(first, second, np.zeros(9), np.zeros(9), confidence=0.9)
        theirs = stats.ttest_ind(*expected, equal_var=False).confidence_interval(0.9)
        assert (difference.low, difference.high) == pytest.approx((theirs.low, theirs.high))


def test_of_many_images_normal_draws_give_students_interval() -> None:
    """Closed form: for draws on normal quantiles the ends are Student's, for a difference with Welch's freedom."""
    rng = np.random.default_rng(0)
    eight, twelve = normal(rng, 8), 2 * normal(rng, 12)
    for images in (eight, normal(rng, 500)):
        interval = mean_interval(group_of(images), NORMAL_DRAWS, confidence=0.9)
        assert (interval.low, interval.high) == pytest.approx(stats.t.interval(0.9, len(images) - 1), rel=1e-3)
    welch = stats.ttest_ind(eight, twelve, equal_var=False).df
    difference = difference_interval(group_of(eight), group_of(twelve), NORMAL_DRAWS, 0 * NORMAL_DRAWS, confidence=0.9)
    assert (difference.low, difference.high) == pytest.approx(stats.t.interval(0.9, welch), rel=0.01)


def test_one_image_has_no_interval() -> None:
    """Nothing can be drawn from one image."""
    one, other = group_of([1.0]), group_of([2.0, 3.0])
    draws = [bootstrap_means(group, n_draws=9, rng=np.random.default_rng(0)) for group in (one, other)]
    assert (draws[0] == 1.0).all()
    assert mean_interval(one, draws[0], confidence=0.95) == Interval(None, None)
    assert difference_interval(one, other, *draws, confidence=0.95) == Interval(None, None)
    assert difference_interval(other, one, draws[1], draws[0], confidence=0.95) == Interval(None, None)
    assert not Interval(None, None).excludes_zero


@pytest.mark.parametrize("n", [2, FEW, 20])
def test_images_without_spread_have_an_interval_without_width(n: int) -> None:
    """Their mean at both ends, but for rounding."""
    group = group_of(np.full(n, 0.25))
    draws = bootstrap_means(group, n_draws=9, rng=np.random.default_rng(0))
    interval = mean_interval(group, draws, confidence=0.95)
    assert (interval.low, interval.high) == pytest.approx((0.25, 0.25))
    difference = difference_interval(group, group, draws, draws, confidence=0.95)
    assert (difference.low, difference.high) == pytest.approx((0, 0))


def test_an_interval_excludes_zero_on_either_side_only() -> None:
    """Touching 0 is not excluding it."""
    assert Interval(0.1, 0.2).excludes_zero
    assert Interval(-0.2, -0.1).excludes_zero
    assert not Interval(0.0, 0.2).excludes_zero
    assert not Interval(-0.2, 0.0).excludes_zero
