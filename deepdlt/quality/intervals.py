"""Intervals of means over patches whose independent units are images, or conditions of several images.

Patches of one image resemble each other, so units count, and are drawn again, as wholes. Each brings
the sum of its losses and the number of its patches, and the mean is that over patches: sum of sums by
sum of counts.

Draws from few units saturate: they never leave the smallest and the largest. Below `FEW` units an
interval is therefore Student's (Welch's for a difference), which holds its confidence from two on where
losses are near normal; from there on it follows the draws, which know of their skewness.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

FEW = 8
"""Units from which draws cover as often as Student's interval does."""

FAR = 12.0
"""Standard deviations beyond which nothing is left of a distribution that is near normal."""

N_STEPS = 20_000
"""Of the integral behind Student's quantile: right to 1e-4 of itself or better."""


@dataclass(frozen=True, eq=False)
class Group:
    """Losses of the units that share a label value.

    Attributes
    ----------
    sums : ndarray of float64, shape (I,)
        Sum of the losses of each unit's patches.
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
        """Squared standard error of the mean over units, of which there must be two."""
        return float(squared_error(self.moments().sum(axis=0), len(self)))

    def moments(self) -> NDArray[np.float64]:
        """Return what means and standard errors are made of, unit by unit, (I, 5): c, s, c^2, c s, s^2."""
        c, s = self.counts, self.sums
        return np.column_stack([c, s, c * c, c * s, s * s])


@dataclass(frozen=True)
class Interval:
    """A confidence interval; both ends None where fewer than two units leave nothing to draw from."""

    low: float | None
    high: float | None

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval exists and has 0 outside."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def squared_error(totals: NDArray[np.float64], n_units: int) -> NDArray[np.float64]:
    """Return the squared standard error of a ratio of sums.

    Parameters
    ----------
    totals : ndarray of float64, shape (..., 5)
        Sums of `Group.moments` over units.
    n_units : int
        Number of them, at least 2.

    Returns
    -------
    ndarray of float64, shape (...)
    """
    c, s, cc, cs, ss = np.moveaxis(totals, -1, 0)
    mean = s / c
    squares = np.maximum(ss - 2 * mean * cs + mean**2 * cc, 0.0)  # of s - mean c, which adds up to 0
    error: NDArray[np.float64] = n_units / (n_units - 1) * squares / c**2
    return error


def bootstrap_means(group: Group, *, n_draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return means over patches of units drawn again with replacement.

    Parameters
    ----------
    group : Group
        I units.
    n_draws : int
        At least 1.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray of float64, shape (n_draws,)
        Spread about the group's mean, widened by sqrt(I / (I - 1)): drawing from I units has that
        much too little variance.
    """
    n_units = len(group)
    times = rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=n_draws)  # (n_draws, I)
    means: NDArray[np.float64] = (times @ group.sums) / (times @ group.counts)
    widening = float(np.sqrt(n_units / max(n_units - 1, 1)))
    return group.mean + (means - group.mean) * widening


def mean_interval(group: Group, draws: NDArray[np.float64], *, confidence: float) -> Interval:
    """Return the interval of a mean.

    Below `FEW` units it is Student's. From there on its ends are percentiles of the draws, taken
    further out by as much as Student's quantile exceeds the normal one (the expanded percentile interval).

    Parameters
    ----------
    group : Group
        I units.
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
    if len(group) < 2:
        return Interval(None, None)
    quantile = _student(len(group) - 1, confidence)
    if len(group) < FEW:
        return _about(group.mean, quantile * float(np.sqrt(group.squared_error)))
    return _expanded(draws, quantile)


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
        Different units.
    draws_one, draws_other : ndarray of float64, shape (n_draws,)
        From `bootstrap_means`, drawn independently.
    confidence : float
        In (0, 1).

    Returns
    -------
    Interval
        Welch's where either has fewer than `FEW` units, else expanded as in `mean_interval` with
        Welch's degrees of freedom.
    """
    if min(len(one), len(other)) < 2:
        return Interval(None, None)
    parts = np.array([one.squared_error, other.squared_error])
    freedom = np.array([len(one) - 1, len(other) - 1])
    spread = (parts**2 / freedom).sum()
    quantile = _student(float(parts.sum() ** 2 / spread if spread > 0 else freedom.min()), confidence)
    if min(len(one), len(other)) < FEW:
        return _about(one.mean - other.mean, quantile * float(np.sqrt(parts.sum())))
    return _expanded(draws_one - draws_other, quantile)


def _student(freedom: float, confidence: float) -> float:
    """Return Student's two-sided quantile, for at least one degree of freedom.

    With t = sqrt(freedom) tan(a), the angle a has the density cos(a)^(freedom - 1), up to its norm. It is
    integrated here since what comes with a training should not load scipy, whose version names no run.
    """
    angles = np.linspace(0, min(np.pi / 2, FAR / np.sqrt(freedom)), N_STEPS + 1)
    density = np.cos(angles) ** (freedom - 1)
    within = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return float(np.sqrt(freedom) * np.tan(np.interp(confidence * within[-1], within, angles)))


def _about(centre: float, reach: float) -> Interval:
    """Return an interval that reaches equally far on both sides."""
    return Interval(centre - reach, centre + reach)


def _expanded(draws: NDArray[np.float64], quantile: float) -> Interval:
    """Return the percentiles of draws that a normal variable would have at a quantile on both sides."""
    tail = NormalDist().cdf(-quantile)
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Interval(float(low), float(high))
