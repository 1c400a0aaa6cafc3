"""Label values put into a few classes, each with a colour and a mark of its own."""

from collections.abc import Mapping
from dataclasses import dataclass

import matplotlib as mpl
import polars as pl
from matplotlib.colors import to_hex

from deepdlt.figures.style import COLOURS, MARKS, ordered
from deepdlt.sheets.meanings import with_unit

MOST_CLASSES = 7
"""As many as there are colours and marks."""

DARKEST, LIGHTEST = 0.0, 0.87
"""Part of the ramp that numbers take; its brightest yellow is too faint on white."""


@dataclass(frozen=True)
class ValueClass:
    """Some values of a label.

    Attributes
    ----------
    name : str
        With its unit, e.g. ``14-20 µJ``.
    values : tuple of str
        In order.
    colour, mark : str
        As Matplotlib takes them.
    """

    name: str
    values: tuple[str, ...]
    colour: str
    mark: str


def value_classes(counts: Mapping[str, int], *, unit: str = "") -> list[ValueClass]:
    """Put the values of a label into at most seven classes.

    Words have colours without an order, numbers those of a ramp (viridis, even for the colour-blind).
    Where there are more than seven numbers, neighbours share a class, so that classes hold about as many rows.

    Parameters
    ----------
    counts : mapping of str to int
        Rows of each value.
    unit : str
        As the sheet's declaration spells it; empty for none.

    Returns
    -------
    list of ValueClass
        In order.

    Examples
    --------
    >>> [one.name for one in value_classes({"19": 2, "5.5": 1}, unit="deg")]
    ['5.5°', '19°']
    """
    column = pl.Series(list(counts), dtype=pl.String)
    distinct = ordered(column)
    is_number = not column.cast(pl.Float64, strict=False).null_count()
    groups: list[tuple[str, ...]] = [(value,) for value in distinct]
    if len(distinct) > MOST_CLASSES:
        groups = _merged(distinct, counts) if is_number else [*groups[: MOST_CLASSES - 1], _rest(groups)]
    return [
        ValueClass(
            name=_name(group, unit, is_number=is_number),
            values=group,
            colour=_colour(place, len(groups), is_number=is_number),
            mark=MARKS[place],
        )
        for place, group in enumerate(groups)
    ]


def _merged(distinct: list[str], counts: Mapping[str, int]) -> list[tuple[str, ...]]:
    """Put neighbouring numbers together: each class takes values until it has its share of the rows left."""
    groups: list[tuple[str, ...]] = []
    rest = list(distinct)
    for n_left in range(MOST_CLASSES, 1, -1):
        share = sum(counts[value] for value in rest) / n_left
        group = [rest.pop(0)]
        while len(rest) >= n_left and sum(counts[value] for value in group) + counts[rest[0]] / 2 < share:
            group.append(rest.pop(0))
        groups.append(tuple(group))
    return [*groups, tuple(rest)]


def _rest(groups: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Return all words that have no class of their own."""
    return tuple(value for group in groups[MOST_CLASSES - 1 :] for value in group)


def _name(group: tuple[str, ...], unit: str, *, is_number: bool) -> str:
    """Return the name of a class."""
    if len(group) == 1:
        return with_unit(group[0], unit)
    return with_unit(f"{group[0]}\N{EN DASH}{group[-1]}", unit) if is_number else "other"


def _colour(place: int, n: int, *, is_number: bool) -> str:
    """Return the colour of a class."""
    if not is_number:
        return COLOURS[place]
    share = DARKEST + (LIGHTEST - DARKEST) * place / max(1, n - 1)
    return to_hex(mpl.colormaps["viridis"](share))
