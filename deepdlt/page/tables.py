"""Frames as tables for people: four decimals, the full value at hand, and a mark where a model is worse than flat."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from deepdlt.page.columns import COLUMNS

DECIMALS = 4
WORSE = "worse than flat"
Marker = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one place of a table.

    Attributes
    ----------
    text : str
        As people read it.
    full : str
        The whole value, where `text` is rounded; '' where it is not.
    key : str
        What the table is sorted by.
    is_number : bool
    is_mark : bool
        Whether it warns.
    """

    text: str
    full: str = ""
    key: str = ""
    is_number: bool = False
    is_mark: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """Head of a column: a name, what it means with its unit, and whether numbers stand below."""

    text: str
    hint: str
    is_number: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption; a long one is folded away."""

    caption: str
    headings: Sequence[Heading]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    is_folded: bool = False


def show_number(value: float) -> str:
    r"""Return a number as the page prints it, with at most four decimals and a true minus sign.

    Examples
    --------
    >>> show_number(0.18412345), show_number(20800), show_number(float("nan"))
    ('0.1841', '20,800', 'not a number')
    >>> show_number(-0.5) == "\N{MINUS SIGN}0.5000"
    True
    """
    if isinstance(value, float) and math.isnan(value):
        return "not a number"
    text = f"{value:,.{DECIMALS}f}" if isinstance(value, float) else f"{value:,d}"
    return text.replace("-", "\N{MINUS SIGN}")


def show(value: object) -> Cell:
    r"""Return the cell of one value.

    Examples
    --------
    >>> show(True).text, show(0.123456).full, show(None).text == "\N{EN DASH}"
    ('yes', '0.123456', True)
    """
    if value is None or value == "":
        return Cell("\N{EN DASH}")
    if isinstance(value, bool):
        return Cell("yes" if value else "no", key=str(int(value)))
    if isinstance(value, int | float):
        text = show_number(value)
        return Cell(text, full=repr(value) if isinstance(value, float) else "", key=repr(value), is_number=True)
    if isinstance(value, datetime):
        return Cell(f"{value:%Y-%m-%d %H:%M}", full=value.isoformat(), key=value.isoformat())
    if isinstance(value, list | tuple):
        return show(", ".join(map(str, value)))
    return Cell(str(value), key=str(value))


def make_table(
    frame: pl.DataFrame,
    names: Sequence[str],
    caption: str,
    *,
    note: str = "",
    is_folded: bool = False,
    mark: Marker | None = None,
) -> Table | None:
    """Return a frame as a table.

    Parameters
    ----------
    frame : polars.DataFrame
        May lack some of the columns, or all rows.
    names : sequence of str
        Columns to show, in order; those that the frame lacks, or that are empty throughout, are left out.
    caption, note : str
        What it shows; how to read it.
    is_folded : bool
        Whether the reader opens it.
    mark : callable, optional
        Takes a row, and returns the warning that it deserves, or ''. It stands in a column of its own.

    Returns
    -------
    Table or None
        None for a frame without rows.
    """
    if frame.is_empty():
        return None
    kept = [name for name in names if name in frame.columns and frame[name].null_count() < frame.height]
    headings = [_heading(name, frame.schema[name]) for name in kept]
    rows = [[show(row[name]) for name in kept] for row in frame.iter_rows(named=True)]
    if mark is not None:
        marks = [mark(row) for row in frame.iter_rows(named=True)]
        if any(marks):
            headings.append(Heading("Against flat", "A flat patch: each patch's own mean", is_number=False))
            for row, text in zip(rows, marks, strict=True):
                row.append(Cell(text, key=text, is_mark=True) if text else Cell("better", key=" "))
    return Table(caption, headings, rows, note, is_folded)


def _heading(name: str, kind: pl.DataType) -> Heading:
    """Return the head of a column by its name in the lake."""
    text, hint = COLUMNS.get(name, (name.replace("_", " "), ""))
    return Heading(text, hint or name, is_number=kind.is_numeric())


class Standing:
    """How each training of a night stands against a flat patch, from `fold_summary`.

    Parameters
    ----------
    summary : polars.DataFrame
        ``preset``, ``scheme``, ``label``, ``n_folds``, ``n_seeds``, ``n_below_flat``.
    """

    def __init__(self, summary: pl.DataFrame) -> None:
        self._rows = summary.rows(named=True) if "n_below_flat" in summary.columns else []

    @property
    def n_below(self) -> int:
        """Scored folds that are worse than flat."""
        return sum(row["n_below_flat"] or 0 for row in self._rows)

    @property
    def n_scored(self) -> int:
        """Scored folds."""
        return sum(_scored(row) for row in self._rows)

    def mark(self, **names: Any) -> str:
        """Return the warning for the trainings of these names (of `fold_summary`'s columns), or ''."""
        found = [row for row in self._rows if all(row.get(name) == value for name, value in names.items())]
        below = sum(row["n_below_flat"] or 0 for row in found)
        scored = sum(map(_scored, found))
        if not below:
            return ""
        return WORSE if scored == 1 else f"{WORSE} in {below} of {scored} folds"

    def by(self, *names: str, **renamed: str) -> Marker:
        """Return a marker that looks at these columns of a row; `renamed` maps ours to the row's."""
        pairs = {name: name for name in names} | renamed

        def mark(row: Mapping[str, Any]) -> str:
            return self.mark(**{ours: row.get(theirs) for ours, theirs in pairs.items()}) if pairs else ""

        return mark


def _scored(row: Mapping[str, Any]) -> int:
    """Return how many trainings a row of `fold_summary` is the mean of."""
    return int(row.get("n_folds") or 0) * int(row.get("n_seeds") or 1)
