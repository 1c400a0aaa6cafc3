"""Schedules as functions of the step alone."""

import math

START_DIVISOR, END_DIVISOR = 25.0, 1e4
"""One-cycle starts at the peak divided by the first and ends at its start divided by the second."""


def cosine_factor(step: int, *, n_steps: int, floor: float = 0.0) -> float:
    """Return the factor of half a cosine wave: from 1 at step 0 to `floor` at `n_steps` and after.

    Equal to ``torch.optim.lr_scheduler.CosineAnnealingLR(T_max=n_steps)`` up to its end.

    Parameters
    ----------
    step : int
        Steps taken so far, not negative.
    n_steps : int
        Steps of the whole training, at least 1.
    floor : float
        Factor at the end, in [0, 1].

    Returns
    -------
    float
        In [floor, 1].

    Raises
    ------
    ValueError
        If a number is out of its bounds.

    References
    ----------
    Loshchilov and Hutter 2017, doi:10.48550/arXiv.1608.03983

    Examples
    --------
    >>> [round(cosine_factor(step, n_steps=4, floor=0.1), 3) for step in range(6)]
    [1.0, 0.868, 0.55, 0.232, 0.1, 0.1]
    """
    _check_steps(step, n_steps)
    check_share("floor", floor)
    return _half_wave(1.0, floor, step / n_steps)


def one_cycle_factor(step: int, *, n_steps: int, warm_up: float = 0.3) -> float:
    """Return the factor of one cycle: half a cosine wave up to 1, then one down to next to nothing.

    Equal to ``torch.optim.lr_scheduler.OneCycleLR(total_steps=n_steps, pct_start=warm_up)`` as long
    as the way up takes more than one step. The momentum stays as it is.

    Parameters
    ----------
    step : int
        Steps taken so far, not negative; from the last one, ``n_steps - 1``, on the factor stays.
    n_steps : int
        Steps of the whole training, at least 1.
    warm_up : float
        Share of the steps on the way up, in [0, 1]; 0 starts at the peak.

    Returns
    -------
    float
        In (0, 1].

    Raises
    ------
    ValueError
        If a number is out of its bounds.

    References
    ----------
    Smith and Topin 2018, doi:10.48550/arXiv.1708.07120
    """
    _check_steps(step, n_steps)
    check_share("warm_up", warm_up)
    last = n_steps - 1
    peak = max(warm_up * n_steps - 1, 0)  # where the way up ends, in steps; not a whole number
    now = min(step, last)
    if now < peak:
        return _half_wave(1 / START_DIVISOR, 1.0, now / peak)
    return _half_wave(1.0, 1 / (START_DIVISOR * END_DIVISOR), (now - peak) / (last - peak) if last > peak else 0.0)


def kl_weight(step: int, *, beta: float, n_warm_up_steps: int) -> float:
    """Return the weight of the KL divergence: from 0 in a straight line to `beta`, then constant.

    A VAE that pays for its code from the first step tends to learn to use none of it.

    Parameters
    ----------
    step : int
        Steps taken so far, not negative.
    beta : float
        Weight in the end, not negative.
    n_warm_up_steps : int
        Steps on the way, not negative; 0 gives `beta` at once.

    Returns
    -------
    float
        In [0, beta].

    Raises
    ------
    ValueError
        If a number is negative or `beta` not finite.

    References
    ----------
    Bowman et al. 2016, doi:10.18653/v1/K16-1002

    Examples
    --------
    >>> [kl_weight(step, beta=2.0, n_warm_up_steps=4) for step in (0, 1, 4, 9)]
    [0.0, 0.5, 2.0, 2.0]
    """
    if step < 0 or n_warm_up_steps < 0:
        raise ValueError(f"steps must not be negative, got {step} of {n_warm_up_steps}")
    if not 0 <= beta < math.inf:
        raise ValueError(f"beta must be finite and not negative, got {beta}")
    return beta * step / n_warm_up_steps if step < n_warm_up_steps else beta


def _half_wave(start: float, end: float, progress: float) -> float:
    """Return a value on half a cosine wave between two levels; `progress` counts up to 1."""
    if progress >= 1:
        return end
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


def _check_steps(step: int, n_steps: int) -> None:
    """Refuse a training without steps and a step before the first."""
    if n_steps < 1 or step < 0:
        raise ValueError(f"n_steps must be at least 1 and step not negative, got step {step} of {n_steps}")


def check_share(name: str, value: float) -> None:
    """Refuse what is no share.

    Parameters
    ----------
    name : str
        What the value is, for the message.
    value : float

    Raises
    ------
    ValueError
        If it is not in [0, 1].
    """
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be in [0, 1], got {value}")
