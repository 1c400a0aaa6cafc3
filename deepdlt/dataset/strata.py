"""Strata: bins of a label that serve splitting only and never overwrite it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

N_QUANTILES = 5
"""Bins of a number label, as in the report."""


@dataclass(frozen=True)
class Strata:
    """Which stratum each value belongs to.

    Attributes
    ----------
    codes : ndarray of int64, shape (n,)
        Stratum of each value, 0 for the lowest.
    names : tuple of str
        Name of each stratum: an interval such as ``"[10, 20]"``, or the category itself. A bin
        between two quantiles may be empty.
    """

    codes: NDArray[np.int64]
    names: tuple[str, ...]


def quantile_strata(values: ArrayLike, q: int = N_QUANTILES) -> Strata:
    """Bin numbers between their quantiles, equal quantiles merged.

    The bins are those of pandas ``qcut(values, q, labels=False, duplicates="drop")``: each is open
    below and closed above, the first closed on both sides. Where all values are equal, pandas
    leaves them without a bin and this function puts them into one.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        Finite numbers, at least one; a value that stands for many patches is repeated as often.
    q : int
        Number of quantiles, at least 1.

    Returns
    -------
    Strata
        Codes in the order of `values`.

    Raises
    ------
    ValueError
        If there are no values, one is not finite, or `q` is below 1.

    Examples
    --------
    >>> strata = quantile_strata([5.5, 8.5, 19, 19, 19, 19])
    >>> strata.codes.tolist(), strata.names
    ([0, 0, 1, 1, 1, 1], ('[5.5, 8.5]', '(8.5, 19]'))
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or not numbers.size or not np.isfinite(numbers).all():
        raise ValueError("values must be a one-dimensional array of finite numbers, at least one")
    if q < 1:
        raise ValueError(f"q must be at least 1, got {q}")
    edges = np.unique(np.percentile(numbers, np.linspace(0, 1, q + 1) * 100))
    codes = np.searchsorted(edges, numbers, side="left") - 1
    lows = edges[:-1] if len(edges) > 1 else edges
    highs = edges[1:] if len(edges) > 1 else edges
    names = tuple(
        f"{'(' if number else '['}{low:.12g}, {high:.12g}]"
        for number, (low, high) in enumerate(zip(lows, highs, strict=True))
    )
    return Strata(codes=np.maximum(codes, 0), names=names)


def level_strata(values: ArrayLike, units: ArrayLike, least: int) -> Strata:
    """Take each value as a stratum of its own, joined with the next ones where it has too few units.

    From the lowest value on, a stratum ends with the first value that brings it to `least` units; what is left
    at the top joins the last one. So no value that could be in every fold is mixed with another above it.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        Finite numbers, at least one.
    units : array_like of int, shape (n,)
        What each value belongs to, e.g. the number of its image; a unit counts once for each of its values.
    least : int
        Units that a stratum should have, at least 1.

    Returns
    -------
    Strata
        Codes in the order of `values`.

    Raises
    ------
    ValueError
        If there are no values, one is not finite, the shapes differ, or `least` is below 1.

    Examples
    --------
    >>> strata = level_strata([5.5, 5.5, 8.5, 19, 19, 20], [0, 1, 2, 3, 4, 5], least=2)
    >>> strata.codes.tolist(), strata.names
    ([0, 0, 1, 1, 1, 1], ('5.5', '[8.5, 20]'))
    """
    numbers, owners = np.asarray(values, dtype=np.float64), np.asarray(units)
    if numbers.ndim != 1 or not numbers.size or not np.isfinite(numbers).all() or numbers.shape != owners.shape:
        raise ValueError("values must be a one-dimensional array of finite numbers, at least one, with a unit for each")
    if least < 1:
        raise ValueError(f"least must be at least 1, got {least}")
    levels, level = np.unique(numbers, return_inverse=True)
    pairs = np.unique(np.stack([level, np.unique(owners, return_inverse=True)[1]]), axis=1)  # (2, level-unit pairs)
    ends: list[int] = []
    n_units = 0
    for number, count in enumerate(np.bincount(pairs[0], minlength=len(levels))):
        n_units += int(count)
        if n_units >= least:
            ends.append(number)
            n_units = 0
    if n_units:
        ends = [*ends[:-1], len(levels) - 1]
    starts = [0, *(end + 1 for end in ends[:-1])]
    names = tuple(_range_name(levels[start], levels[end]) for start, end in zip(starts, ends, strict=True))
    return Strata(codes=np.searchsorted(ends, level), names=names)


def _range_name(low: float, high: float) -> str:
    """Return the name of a stratum from its lowest and highest value."""
    return f"{low:.12g}" if low == high else f"[{low:.12g}, {high:.12g}]"


def category_strata(values: Sequence[str]) -> Strata:
    """Take each category as a stratum of its own.

    Parameters
    ----------
    values : sequence of str, length n
        Categories.

    Returns
    -------
    Strata
        Codes in the order of `values`, names sorted.

    Examples
    --------
    >>> category_strata(["V", "H", "V"])
    Strata(codes=array([1, 0, 1]), names=('H', 'V'))
    """
    names, codes = np.unique(np.asarray(values, dtype=np.str_), return_inverse=True)
    return Strata(codes=codes, names=tuple(str(name) for name in names))
