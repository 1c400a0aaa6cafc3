"""Permutation tests of means over patches whose independent units are images, or conditions of several.

Patches of one image resemble each other, so labels are shuffled over units as wholes; see
`deepdlt.quality.intervals` for the units and the intervals of their means.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from deepdlt.quality.intervals import Group, squared_error

BLOCK = 1_000_000
"""Numbers shuffled at once: 8 MB, and a few times that in what is summed from them."""

TIE = 1e-9
"""A shuffled statistic this close below the observed one, relatively, equals it but for rounding."""


def between_p_value(groups: list[Group], *, n_permutations: int, rng: np.random.Generator) -> tuple[float, float]:
    """Test whether losses depend on the label at all, by shuffling label values over units.

    The statistic is the variance between the means of the values, weighted by patches:
    sum_v n_v (m_v - m)^2 / sum_v n_v. Each value keeps its number of units; a unit takes its
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
    """Test whether two values differ in mean loss, by shuffling the two over their units.

    The statistic is Welch's t, the difference over its own standard error: with it, the test stays
    right where the two differ in spread and number of units, at least for many units.

    Parameters
    ----------
    one, other : Group
        Different units.
    n_permutations : int
        Shuffles, at least 1.
    rng : numpy.random.Generator
        Source of the shuffles.

    Returns
    -------
    float or None
        Two-sided, (b + 1) / (n + 1); None where a value has fewer than two units.

    References
    ----------
    Chung, Romano, Annals of Statistics 41 (2013) 484, doi:10.1214/13-AOS1090.
    """
    few, many = sorted((one, other), key=len)
    if len(few) < 2:
        return None
    moments = np.concatenate([few.moments(), many.moments()])  # (I, 5)
    sizes = (len(few), len(many))
    total = moments.sum(axis=0)
    observed = _absolute_t(moments[: len(few)].sum(axis=0), total, sizes)
    n_larger = 0
    for order in _shuffles(len(moments), n_permutations, rng):
        chosen = moments[order[:, : len(few)]].sum(axis=1)  # (block, 5)
        n_larger += int((_absolute_t(chosen, total, sizes) >= observed * (1 - TIE)).sum())
    return (n_larger + 1) / (n_permutations + 1)


def _absolute_t(chosen: NDArray[np.float64], total: NDArray[np.float64], sizes: tuple[int, int]) -> NDArray[np.float64]:
    """Return |t| between the chosen units (..., 5) and the rest; without any spread 0 or infinity."""
    rest = total - chosen
    difference = np.abs(chosen[..., 1] / chosen[..., 0] - rest[..., 1] / rest[..., 0])
    error = np.sqrt(squared_error(chosen, sizes[0]) + squared_error(rest, sizes[1]))
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


def _shuffles(n_units: int, n_permutations: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield permutations of the units, (rows, I) at a time."""
    rows = max(1, BLOCK // n_units)
    for start in range(0, n_permutations, rows):
        n_rows = min(rows, n_permutations - start)
        yield rng.permuted(np.tile(np.arange(n_units), (n_rows, 1)), axis=1)
