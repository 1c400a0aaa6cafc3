"""Numbers as people read them: as many digits as mean something, and a true minus sign."""

import math
from typing import Literal

Form = Literal["plain", "count", "loss", "db", "score", "percent", "share", "p", "seconds"]

MISSING = "\N{EN DASH}"
KEPT = "\N{NO-BREAK SPACE}"
NOT_A_NUMBER = "NaN"
_DECIMALS: dict[Form, int] = {"db": 2, "score": 3, "percent": 1, "share": 1}
LEAST_P = 1e-4


def show_number(value: float | None, form: Form = "plain", *, decimals: int | None = None) -> str:
    r"""Return a number as the page prints it.

    Parameters
    ----------
    value : float or None
    form : Form
        ``loss`` has four decimals below 10 and fewer above; ``share`` is printed in per cent; ``p`` has two digits.
    decimals : int, optional
        In place of those that the form has.

    Examples
    --------
    >>> show_number(0.18412345, "loss"), show_number(3298.62, "loss"), show_number(20800, "count")
    ('0.1841', '3,299', '20,800')
    >>> show_number(12.6, "db"), show_number(0.713, "share"), show_number(0.0123, "p"), show_number(83.0, "seconds")
    ('12.60', '71.3', '0.012', '1 min 23 s')
    >>> show_number(float("nan")), show_number(-0.5, "score") == "\N{MINUS SIGN}0.500"
    ('NaN', True)
    """
    if value is None:
        return MISSING
    if isinstance(value, float) and not math.isfinite(value):
        return NOT_A_NUMBER if math.isnan(value) else _signed("\N{INFINITY}", value)
    if form == "p":
        return _show_p(value)
    if form == "seconds":
        return show_seconds(value)
    if form == "share":
        value *= 100
    if form in ("share", "percent") and value in (0, 100):
        return f"{value:.0f}"
    if isinstance(value, int):
        return _signed(f"{abs(value):,d}", value)
    text = f"{abs(value):,.{decimals_of(value, form) if decimals is None else decimals}f}"
    return _signed(text, value) if any(digit in text for digit in "123456789") else text


def decimals_of(value: float, form: Form) -> int:
    """Return how many decimals a number gets.

    Examples
    --------
    >>> [decimals_of(value, "loss") for value in (0.1841, 21.5, 764.2, 24430.0)]
    [4, 2, 1, 0]
    """
    size = abs(value)
    if form == "count" or (form == "percent" and size >= 100):
        return 0
    if form in _DECIMALS:
        return _DECIMALS[form]
    if not size:
        return 0
    return 4 if size < 10 else 2 if size < 100 else 1 if size < 1000 else 0


def show_seconds(seconds: float) -> str:
    """Return a duration.

    Examples
    --------
    >>> show_seconds(0.42), show_seconds(59.7), show_seconds(3600.0), show_seconds(100_000)
    ('0.4 s', '1 min 00 s', '1 h 00 min', '27 h 46 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def p_words(value: float | None) -> str:
    r"""Return a p-value as a sentence gives it, in one piece.

    Examples
    --------
    >>> p_words(0.0123).split("\N{NO-BREAK SPACE}"), p_words(1e-6).split("\N{NO-BREAK SPACE}")
    (['p', '=', '0.012'], ['p', '<', '0.0001'])
    """
    text = show_number(value, "p")
    return f"p{KEPT}{text}" if text.startswith("<") else f"p{KEPT}={KEPT}{text}"


def _show_p(value: float) -> str:
    """Return a p-value with two digits; below what permutations give, only that it is small."""
    return f"<{KEPT}{LEAST_P:g}" if value < LEAST_P else f"{value:.2g}"


def _signed(text: str, value: float) -> str:
    """Put a minus sign before the text of a negative number."""
    return f"\N{MINUS SIGN}{text}" if value < 0 else text
