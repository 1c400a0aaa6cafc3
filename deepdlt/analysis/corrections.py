"""Corrections of p-values for the number of tests. Light: pages and sentences need no more than this."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Correct p-values for their number, so that any false claim among them stays as rare as one alone would.

    Parameters
    ----------
    p_values : array_like of float, shape (n,)
        NaN where there was no test; those do not count.

    Returns
    -------
    ndarray of float64, shape (n,)
        Adjusted, at most 1, NaN where they were NaN.

    References
    ----------
    Holm, Scandinavian Journal of Statistics 6 (1979) 65.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03, 0.5]).round(6)
    array([0.04, 0.09, 0.09, 0.5 ])
    """
    values = np.asarray(p_values, np.float64)
    order = np.argsort(values)[: int((~np.isnan(values)).sum())]  # NaN sorts last
    adjusted = np.full(values.shape, np.nan)
    steps = values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
