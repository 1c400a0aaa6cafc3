"""Words that the sentences of the page are made of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deepdlt.page.numbers import show_number

ALPHA = 0.05
"""Rate of false claims."""

SCHEMES = {
    "paper": "folds over patches, as in the report",
    "grouped": "folds over images",
    "condition": "folds over laser conditions",
    "leave-one-level-out": "folds that each leave a label value out",
    "holdout": "one 80/10/10 split of the images",
}


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> count(1, "image"), count(0, "patch", "patches"), count(1200, "patch", "patches")
    ('1 image', 'no patches', '1,200 patches')
    """
    word = noun if number == 1 else plural or f"{noun}s"
    return f"{number:,} {word}" if number else f"no {word}"


def listed(items: Iterable[str]) -> str:
    """Return items as a sentence lists them; '' where there are none.

    Examples
    --------
    >>> listed(["NP"]), listed(["angle", "EP1"]), listed(["angle", "EP1", "NP"])
    ('NP', 'angle and EP1', 'angle, EP1 and NP')
    """
    *head, last = [*items] or [""]
    return f"{', '.join(head)} and {last}" if head else last


def scheme_words(scheme: str) -> str:
    """Say how folds were drawn."""
    return SCHEMES.get(scheme, scheme)


def training_words(row: Mapping[str, Any]) -> str:
    """Name a training in a sentence, by ``preset`` and, where folds were drawn by one, ``scheme`` and ``label``.

    Examples
    --------
    >>> training_words({"preset": "label-cv", "scheme": "grouped", "label": "NP"})
    'label-cv (grouped, NP)'
    >>> training_words({"preset": "vae", "scheme": "holdout", "label": "none"})
    'vae'
    """
    if row.get("scheme") in (None, "holdout"):
        return str(row["preset"])
    label = row.get("label")
    return f"{row['preset']} ({', '.join(filter(None, (row['scheme'], label)))})"


def between(values: Sequence[float], *, decimals: int | None = None) -> str:
    """Return the range of some losses, or the one value where they print the same.

    Examples
    --------
    >>> between([0.1838, 0.1841]), between([0.2, 0.2])
    ('0.1838 to 0.1841', '0.2000')
    """
    low, high = (show_number(value, "loss", decimals=decimals) for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"
