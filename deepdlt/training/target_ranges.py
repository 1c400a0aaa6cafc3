"""The scales that targets are given in."""

TARGET_RANGES: dict[str, tuple[float, float]] = {"signed": (-1.0, 1.0), "unit": (0.0, 1.0)}
"""Black and white on each."""


def range_bounds(target_range: str) -> tuple[float, float]:
    """Return black and white on a target range.

    Parameters
    ----------
    target_range : str
        ``signed``, the report's, which a sigmoid reaches the upper half of; or ``unit``.

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        If the range is not known.

    Examples
    --------
    >>> range_bounds("signed")
    (-1.0, 1.0)
    """
    if target_range not in TARGET_RANGES:
        raise ValueError(f"target_range {target_range!r} is not known: use one of {', '.join(TARGET_RANGES)}")
    return TARGET_RANGES[target_range]
