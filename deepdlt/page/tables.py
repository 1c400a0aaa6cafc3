"""Frames as tables for people: few columns, a value with its spread in one place, what is the same everywhere below."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from deepdlt.page.columns import COLUMNS, Column
from deepdlt.page.numbers import KEPT, MISSING, Form, decimals_of, show_number

NO_LABEL = "none"
"""What the lake has where folds were not drawn by a label."""

LONG = 14
"""Rows from which a table is folded away."""

PROSE = 24
"""Characters from which a cell is read as a sentence, and has room to be."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one place of a table.

    Attributes
    ----------
    text : str
        As people read it.
    full : str
        The whole value, where `text` is rounded; '' where it is not.
    key : str or None
        What the table is sorted by; None where that is the text, '' where there is nothing to sort.
    is_number : bool
    mark : str
        A warning that belongs to the row.
    """

    text: str
    full: str = ""
    key: str | None = None
    is_number: bool = False
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """Head of a column: its name, what it means with its unit, and whether numbers or sentences stand below."""

    text: str
    hint: str = ""
    is_number: bool = False
    is_prose: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption; the first cell of a row names it. A long one is folded away."""

    caption: str
    headings: Sequence[Heading]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    is_folded: bool = False


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean and its standard deviation in one column, named by the mean."""

    name: str
    sd: str


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the ends of its interval in one column, named by the mean."""

    name: str
    low: str
    high: str


Shown = str | Spread | Interval


def make_table(
    frame: pl.DataFrame,
    shown: Sequence[Shown],
    caption: str,
    *,
    note: str = "",
    is_folded: bool | None = None,
) -> Table | None:
    """Return a frame as a table.

    Parameters
    ----------
    frame : polars.DataFrame
        May lack some of the columns, or all rows. Its column ``mark`` is the warning that a row deserves: it
        stands with the name of the row.
    shown : sequence of str, Spread or Interval
        Columns to show, in order. One that the frame lacks, or that is empty throughout, is left out; one that says the
        same in every row goes into the note where it may (`Column.is_aside`).
    caption, note : str
        What it shows; how to read it.
    is_folded : bool, optional
        Whether the reader opens it; without it, a long one is folded.

    Returns
    -------
    Table or None
        None for a frame without rows.
    """
    if frame.is_empty():
        return None
    there = [one for one in shown if name_of(one) in frame.columns and frame[name_of(one)].null_count() < frame.height]
    rows = frame.rows(named=True)
    cells = {name_of(one): [_cell(one, row) for row in rows] for one in there}
    aside = _aside(there, cells) if len(rows) > 1 else {}
    kept = [one for one in there if name_of(one) not in aside]
    columns = [[*cells[name_of(one)]] for one in kept]
    columns[0] = [replace(cell, mark=row.get("mark") or "") for cell, row in zip(columns[0], rows, strict=True)]
    notes = [note, _same_everywhere(aside)]
    return Table(
        caption,
        [_heading(name_of(one), columns[place]) for place, one in enumerate(kept)],
        list(zip(*columns, strict=True)),
        " ".join(filter(None, notes)),
        len(rows) > LONG if is_folded is None else is_folded,
    )


def name_of(shown: Shown) -> str:
    """Return the column that names what is shown."""
    return shown if isinstance(shown, str) else shown.name


def column_of(name: str) -> Column:
    """Return what is known of a column; its own name where nothing is."""
    return COLUMNS.get(name) or Column(name.replace("_", " "))


def heading_of(name: str) -> Heading:
    """Return the head of a column by its name in the lake."""
    column = column_of(name)
    return Heading(column.text, column.hint)


def show(value: object, form: Form = "plain") -> Cell:
    r"""Return the cell of one value.

    Examples
    --------
    >>> show(True).text, show(0.123456, "loss").full, show(None).text == "\N{EN DASH}"
    ('yes', '0.123456', True)
    """
    if value is None or value == "":
        return Cell(MISSING, key="")
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if isinstance(value, int | float):
        text = show_number(value, form)
        is_known = value == value  # NaN has no place in an order
        full = repr(value) if isinstance(value, float) and is_known else ""
        return Cell(text, full, repr(value) if is_known else "", is_number=True)
    if isinstance(value, datetime):
        return Cell(f"{value:%Y-%m-%d %H:%M}", key=value.isoformat())
    if isinstance(value, list | tuple):
        return show(", ".join(map(str, value)))
    return Cell(str(value))


def _cell(shown: Shown, row: Mapping[str, Any]) -> Cell:
    """Return what is shown of a row."""
    name = name_of(shown)
    form = column_of(name).form
    value = None if name == "label" and row[name] == NO_LABEL else row[name]
    cell = show(value, form)
    if isinstance(shown, str) or not cell.is_number or cell.key == "":
        return cell
    decimals = decimals_of(row[name], form)
    if isinstance(shown, Spread):
        spread = row.get(shown.sd)
        return (
            cell
            if spread is None
            else replace(cell, text=f"{cell.text}{KEPT}±{KEPT}{show_number(spread, decimals=decimals)}")
        )
    low, high = row.get(shown.low), row.get(shown.high)
    if low is None or high is None:
        return cell
    ends = f"{show_number(low, decimals=decimals)} to {show_number(high, decimals=decimals)}"
    return replace(cell, text=f"{cell.text} ({ends})")


def _aside(there: Sequence[Shown], cells: Mapping[str, Sequence[Cell]]) -> dict[str, str]:
    """Return the columns that say the same in every row, and what they say; never all of them."""
    same = {
        name: cells[name][0].text
        for name in map(name_of, there)
        if column_of(name).is_aside and len({cell.text for cell in cells[name]}) == 1
    }
    if len(same) == len(there):
        same.pop(name_of(there[0]))
    return same


def _same_everywhere(aside: Mapping[str, str]) -> str:
    """Say what every row has in common."""
    said = ", ".join(f"{column_of(name).text.lower()} {text}" for name, text in aside.items())
    return f"In every row: {said}." if said else ""


def _heading(name: str, cells: Sequence[Cell]) -> Heading:
    """Return the head of a column that has these cells."""
    return replace(
        heading_of(name),
        is_number=any(cell.is_number for cell in cells),
        is_prose=any(len(cell.text) > PROSE for cell in cells),
    )
