"""From the text of a cell to a typed value, or to the rule that it breaks."""

import math
import operator
import re
from collections.abc import Mapping

from deepdlt.sheets.columns import ColumnSpec
from deepdlt.sheets.spec import SheetSpec
from deepdlt.source.faults import Remark

Value = float | int | str | None

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"([+-]?\d+)(\.0*)?", re.ASCII)
_POINT_ZERO = re.compile(r"([+-]?\d+)\.0*", re.ASCII)
_LARGEST = 2**63 - 1  # of the 64-bit column it goes to


def typed_row(cells: Mapping[str, str | None], *, spec: SheetSpec) -> tuple[dict[str, Value], list[Remark]]:
    """Return the typed values of one row, and every rule its cells break.

    Parameters
    ----------
    cells : mapping of str to str or None
        Text by our column name; None where the cell is blank.
    spec : SheetSpec
        What the columns mean.

    Returns
    -------
    values : dict of str to float, int, str or None
        By our column name, derived columns last. Complete only where nothing is wrong.
    remarks : list of Remark
        Empty for a good row.
    """
    values: dict[str, Value] = {}
    remarks: list[Remark] = []
    for column in spec.columns:
        value = typed_value(cells[column.name], column=column)
        if isinstance(value, Remark):
            remarks.append(value)
            value = None
        values[column.name] = value
    headers = {column.name: column.header for column in spec.columns}
    for derived in spec.derived:
        said = [values[name] for name in derived.first_of if values[name] is not None]
        values[derived.name] = said[0] if said else None
        if derived.required and not said and not remarks:
            remarks.append(_missing(" and ".join(headers[name] for name in derived.first_of), derived.name))
    return values, remarks


def typed_value(cell: str | None, *, column: ColumnSpec) -> Value | Remark:
    """Return the value of one cell, or the rule that it breaks.

    Parameters
    ----------
    cell : str or None
        Stripped text; None for a blank cell.
    column : ColumnSpec
        What may stand there.

    Returns
    -------
    float, int, str, None or Remark
        In the column's unit. None where the cell is blank or says that there is none.

    Examples
    --------
    >>> count = ColumnSpec(header="NP", name="n_pulses", kind="integer", at_least=1)
    >>> typed_value("10.0", column=count)
    10
    >>> typed_value("-10", column=count).rule
    'label-out-of-bounds'
    """
    if cell is None:
        return _missing(column.header, column.name) if column.required else None
    return _word(cell, column) if column.kind == "category" else _number(cell, column)


def _missing(header: str, name: str) -> Remark:
    """Return the remark on a cell that had to be filled in."""
    message = f"{header} is blank or says nothing: {name} is not known."
    remedy = (
        f"Fill in {header}, or take the row out. Merged cells fill their first row alone; a formula's error is blank."
    )
    return Remark("label-missing", header, message, remedy)


def _word(cell: str, column: ColumnSpec) -> str | Remark | None:
    """Return one of a category's words; `0.0` is read as `0`."""
    whole = _POINT_ZERO.fullmatch(cell)
    word = whole[1] if whole else cell
    if column.none_value in (cell, word):
        return None
    if not column.allowed or word in column.allowed:
        return word
    allowed = [*column.allowed, *([column.none_value] if column.none_value is not None else [])]
    return Remark(
        "label-unknown",
        f"{column.header} = {cell}",
        f"{column.header} is {cell}, which is none of its values.",
        f"Write one of {', '.join(allowed)} in {column.header}, or add the value to the sheet's declaration.",
    )


def _number(cell: str, column: ColumnSpec) -> float | int | Remark:
    """Return a finite number within the column's bounds."""
    found = f"{column.header} = {cell}"
    number = float(cell) if _NUMBER.fullmatch(cell) else math.nan
    if not math.isfinite(number):
        remedy = f"Write a plain number such as 5.5, with a point and without its unit, in {column.header}."
        return Remark("label-not-a-number", found, f"{column.header} is {cell}, which is not a number.", remedy)
    broken = _broken_bound(number, column)
    if broken:
        message = f"{column.header} is {cell}, but must be {broken}."
        return Remark("label-out-of-bounds", found, message, f"Correct {column.header}.")
    if column.kind == "number":
        return number + 0.0  # no negative zero
    if not number.is_integer() or abs(number) > _LARGEST:
        message = f"{column.header} is {cell}, but counts something."
        return Remark("label-not-whole", found, message, f"Write a whole number in {column.header}.")
    whole = _WHOLE.fullmatch(cell)
    return int(whole[1]) if whole else int(number)


def _broken_bound(number: float, column: ColumnSpec) -> str:
    """Return the bound that a number breaks in words, empty if none."""
    checks = (
        (column.above, "greater than", operator.gt),
        (column.at_least, "at least", operator.ge),
        (column.below, "less than", operator.lt),
        (column.at_most, "at most", operator.le),
    )
    unit = f" {column.unit}" if column.unit else ""
    broken = (
        f"{words} {bound:g}{unit}" for bound, words, holds in checks if bound is not None and not holds(number, bound)
    )
    return next(broken, "")
