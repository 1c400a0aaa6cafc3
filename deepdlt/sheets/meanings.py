"""What the labels of a sheet mean, as its declaration has it, and how their values are printed."""

from collections.abc import Mapping
from dataclasses import dataclass

from deepdlt.sheets.spec import SheetSpec

UNITS: Mapping[str, str] = {"deg": "°", "um": "µm", "uj": "µJ", "nm": "nm", "mm": "mm", "ps": "ps", "j_cm2": "J/cm²"}
"""How a unit of a sheet's declaration is printed; one that is not here is printed as declared."""


@dataclass(frozen=True, slots=True)
class LabelMeaning:
    """What a label is.

    Attributes
    ----------
    text : str
        In words, with its unit and the columns of the sheet that it is read from.
    unit : str
        As the declaration spells it; empty for none.
    """

    text: str
    unit: str = ""


def meanings_of(spec: SheetSpec) -> dict[str, LabelMeaning]:
    """Return what each label of a sheet means, by people's key.

    Parameters
    ----------
    spec : SheetSpec

    Examples
    --------
    >>> from deepdlt.sheets.spec import load_spec
    >>> meanings_of(load_spec())["PP1"].text
    'pattern, V vertical, H horizontal, D dotted; column PP1 of the sheet, PP2 where that has none'
    """
    found = {}
    for key, label in spec.labels.items():
        said = [label.meaning, _columns(spec, label.column)]
        found[key] = LabelMeaning("; ".join(filter(None, said)), spec.unit_of(label.column))
    return found


def _columns(spec: SheetSpec, name: str) -> str:
    """Name the columns of the sheet that a column of ours is read from."""
    headers = {column.name: column.header for column in spec.columns}
    derived = {one.name: one.first_of for one in spec.derived}
    first, *others = (headers[part] for part in derived.get(name, (name,)))
    return ", ".join([f"column {first} of the sheet", *(f"{header} where that has none" for header in others)])


def unit_text(unit: str) -> str:
    """Return a unit as it is printed.

    Parameters
    ----------
    unit : str
        As the sheet's declaration spells it; empty for none.

    Examples
    --------
    >>> unit_text("uj"), unit_text("deg"), unit_text("furlong")
    ('µJ', '°', 'furlong')
    """
    return UNITS.get(unit, unit)


def with_unit(value: str, unit: str) -> str:
    """Return a value with its unit.

    Parameters
    ----------
    value : str
        As people write it.
    unit : str
        As the sheet's declaration spells it; empty for none.

    Examples
    --------
    >>> with_unit("14", "uj"), with_unit("19", "deg"), with_unit("V", "")
    ('14 µJ', '19°', 'V')
    """
    text = unit_text(unit)
    return f"{value}{text}" if text in ("", "°") else f"{value} {text}"
