"""Uncertainty of means over patches whose independent units are images: bootstrap and permutation.

Patches of one image resemble each other, so images are drawn, or labels shuffled, as wholes. A
group is the images that share a label value; each image brings the sum of its losses and the number
of its patches, and the mean is that over patches: sum of sums by sum of counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

BLOCK = 1_000_000
"""Numbers shuffled at once: 8 MB, and a few times that in what is summed from them."""

TIE = 1e-9
"""A shuffled statistic this close below the observed one, relatively, equals it but for rounding."""


@dataclass(frozen=True, eq=False)
class Group:
    """Losses of the images that share a label value.

    Attributes
    ----------
    sums : ndarray of float64, shape (I,)
        Sum of the losses of each image's patches.
    counts : ndarray of float64, shape (I,)
        Number of them, at least 1.
    """

    sums: NDArray[np.float64]
    counts: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.sums)

    @property
    def mean(self) -> float:
        """Mean loss over patches."""
        return float(self.sums.sum() / self.counts.sum())

    @property
    def squared_error(self) -> float:
        """Squared standard error of the mean over images, of which there must be two."""
        return float(_squared_error(_moments(self).sum(axis=0), len(self)))


@dataclass(frozen=True)
class Interval:
    """A confidence interval; both ends None where fewer than two images leave nothing to draw from."""

    low: float | None
    high: float | None

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval exists and has 0 outside."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def bootstrap_means(group: Group, *, n_draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return means over patches of images drawn again with replacement.

    Parameters
    ----------
    group : Group
        I images.
    n_draws : int
        At least 1.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray of float64, shape (n_draws,)
        Spread about the group's mean, widened by sqrt(I / (I - 1)): drawing from I images has that
        much too little variance.
    """
    n_images = len(group)
    times = rng.multinomial(n_images, np.full(n_images, 1 / n_images), size=n_draws)  # (n_draws, I)
    means: NDArray[np.float64] = (times @ group.sums) / (times @ group.counts)
    widening = float(np.sqrt(n_images / max(n_images - 1, 1)))
    return group.mean + (means - group.mean) * widening


def mean_interval(group: Group, draws: NDArray[np.float64], *, confidence: float) -> Interval:
    """Return the interval of a mean from its bootstrap draws.

    Percentiles of few images are too narrow; they are taken further out, by as much as Student's
    quantile exceeds the normal one (the expanded percentile interval).

    Parameters
    ----------
    group : Group
        I images.
    draws : ndarray of float64, shape (n_draws,)
        From `bootstrap_means`.
    confidence : float
        In (0, 1).

    Returns
    -------
    Interval

    References
    ----------
    Hesterberg, The American Statistician 69 (2015) 371, doi:10.1080/00031305.2015.1089789.
    """
    return _interval(draws, len(group) - 1, confidence) if len(group) > 1 else Interval(None, None)


def difference_interval(
    one: Group,
    other: Group,
    draws_one: NDArray[np.float64],
    draws_other: NDArray[np.float64],
    *,
    confidence: float,
) -> Interval:
    """Return the interval of the difference of two means, `one` minus `other`.

    Parameters
    ----------
    one, other : Group
        Different images.
    draws_one, draws_other : ndarray of float64, shape (n_draws,)
        From `bootstrap_means`, drawn independently.
    confidence : float
        In (0, 1).

    Returns
    -------
    Interval
        Expanded as in `mean_interval`, with Welch's degrees of freedom.
    """
    if min(len(one), len(other)) < 2:
        return Interval(None, None)
    parts = np.array([one.squared_error, other.squared_error])
    freedom = np.array([len(one) - 1, len(other) - 1])
    spread = (parts**2 / freedom).sum()
    welch = parts.sum() ** 2 / spread if spread > 0 else freedom.min()
    return _interval(draws_one - draws_other, float(welch), confidence)


def between_p_value(groups: list[Group], *, n_permutations: int, rng: np.random.Generator) -> tuple[float, float]:
    """Test whether losses depend on the label at all, by shuffling label values over images.

    The statistic is the variance between the means of the values, weighted by patches:
    sum_v n_v (m_v - m)^2 / sum_v n_v. Each value keeps its number of images; an image takes its
    patches along.

    Parameters
    ----------
    groups : list of Group
        One per label value, at least two.
    n_permutations : int
        Shuffles, at least 1.
    rng : numpy.random.Generator
        Source of the shuffles.

    Returns
    -------
    statistic : float
        Of the labels as they are, loss squared.
    p_value : float
        (b + 1) / (n + 1) with b of n shuffles at least as large: never 0.

    References
    ----------
    Phipson, Smyth, Stat. Appl. Genet. Mol. Biol. 9 (2010) 39, doi:10.2202/1544-6115.1585.
    """
    sums = np.concatenate([group.sums for group in groups])
    counts = np.concatenate([group.counts for group in groups])
    starts = np.cumsum([0, *(len(group) for group in groups[:-1])])
    observed = _variance_between(sums[None], counts[None], starts)[0]
    least = observed * (1 - TIE) - (TIE * sums.sum() / counts.sum()) ** 2  # equal means differ by rounding
    n_larger = 0
    for order in _shuffles(len(sums), n_permutations, rng):
        n_larger += int((_variance_between(sums[order], counts[order], starts) >= least).sum())
    return float(observed), (n_larger + 1) / (n_permutations + 1)


def difference_p_value(one: Group, other: Group, *, n_permutations: int, rng: np.random.Generator) -> float | None:
    """Test whether two values differ in mean loss, by shuffling the two over their images.

    The statistic is Welch's t, the difference over its own standard error: with it, the test stays
    right where the two differ in spread and number of images, at least for many images.

    Parameters
    ----------
    one, other : Group
        Different images.
    n_permutations : int
        Shuffles, at least 1.
    rng : numpy.random.Generator
        Source of the shuffles.

    Returns
    -------
    float or None
        Two-sided, (b + 1) / (n + 1); None where a value has fewer than two images.

    References
    ----------
    Chung, Romano, Annals of Statistics 41 (2013) 484, doi:10.1214/13-AOS1090.
    """
    few, many = sorted((one, other), key=len)
    if len(few) < 2:
        return None
    moments = np.concatenate([_moments(few), _moments(many)])  # (I, 5)
    sizes = (len(few), len(many))
    total = moments.sum(axis=0)
    observed = _absolute_t(moments[: len(few)].sum(axis=0), total, sizes)
    n_larger = 0
    for order in _shuffles(len(moments), n_permutations, rng):
        chosen = moments[order[:, : len(few)]].sum(axis=1)  # (block, 5)
        n_larger += int((_absolute_t(chosen, total, sizes) >= observed * (1 - TIE)).sum())
    return (n_larger + 1) / (n_permutations + 1)


def _interval(draws: NDArray[np.float64], freedom: float, confidence: float) -> Interval:
    """Return percentiles at the normal tail of Student's quantile."""
    tail = special.ndtr(stats.t.ppf((1 - confidence) / 2, freedom))
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Interval(float(low), float(high))


def _moments(group: Group) -> NDArray[np.float64]:
    """Return what means and standard errors are made of, image by image: c, s, c^2, c s, s^2."""
    c, s = group.counts, group.sums
    return np.column_stack([c, s, c * c, c * s, s * s])  # (I, 5)


def _squared_error(totals: NDArray[np.float64], n_images: int) -> NDArray[np.float64]:
    """Return the squared standard error of a ratio of sums from its moments' totals (..., 5)."""
    c, s, cc, cs, ss = np.moveaxis(totals, -1, 0)
    mean = s / c
    squares = np.maximum(ss - 2 * mean * cs + mean**2 * cc, 0.0)  # of s - mean c, which adds up to 0
    error: NDArray[np.float64] = n_images / (n_images - 1) * squares / c**2
    return error


def _absolute_t(chosen: NDArray[np.float64], total: NDArray[np.float64], sizes: tuple[int, int]) -> NDArray[np.float64]:
    """Return |t| between the chosen images (..., 5) and the rest; without any spread 0 or infinity."""
    rest = total - chosen
    difference = np.abs(chosen[..., 1] / chosen[..., 0] - rest[..., 1] / rest[..., 0])
    error = np.sqrt(_squared_error(chosen, sizes[0]) + _squared_error(rest, sizes[1]))
    is_equal = difference <= TIE * np.abs(total[1] / total[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        t: NDArray[np.float64] = np.where(is_equal, 0.0, difference / error)
    return t


def _variance_between(
    sums: NDArray[np.float64], counts: NDArray[np.float64], starts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the weighted variance between group means of each row (rows, I), groups side by side."""
    n_patches = np.add.reduceat(counts, starts, axis=1)  # (rows, V)
    means = np.add.reduceat(sums, starts, axis=1) / n_patches
    centre = sums.sum(axis=1, keepdims=True) / counts.sum(axis=1, keepdims=True)
    weighted: NDArray[np.float64] = (n_patches * (means - centre) ** 2).sum(axis=1) / n_patches.sum(axis=1)
    return weighted


def _shuffles(n_images: int, n_permutations: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield permutations of the images, (rows, I) at a time."""
    rows = max(1, BLOCK // n_images)
    for start in range(0, n_permutations, rows):
        n_rows = min(rows, n_permutations - start)
        yield rng.permuted(np.tile(np.arange(n_images), (n_rows, 1)), axis=1)
