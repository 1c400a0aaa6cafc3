"""The table of bad inputs, ``tests/bad_inputs/verdicts.md``, as rows."""

from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).parents[1] / "bad_inputs" / "verdicts.md"


@dataclass(frozen=True)
class Verdict:
    """A row of the table.

    Attributes
    ----------
    section : str
        Heading that it stands under.
    case : str
        What goes in: the name of a generator, or parameters as JSON.
    outcome : str
        accepted, warned, rejected or refused.
    rules : frozenset of str
        What it is told by: rules of `rejected` or `warnings`, an error, or who refuses.
    """

    section: str
    case: str
    outcome: str
    rules: frozenset[str]


def read_verdicts() -> list[Verdict]:
    """Return the rows of the table, in its order."""
    section, found = "", []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("| `"):
            case, outcome, rules = (cell.strip() for cell in line.strip("|").split(" | "))
            found.append(Verdict(section, case.strip("`"), outcome, frozenset(rules.strip(" |").split(", ")) - {""}))
    return found
