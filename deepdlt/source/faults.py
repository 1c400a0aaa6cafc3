"""What was wrong with a file or a sheet row, and what to do about it."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace

import polars as pl


@dataclass(frozen=True)
class Remark:
    """A rule that something breaks, before it is known where.

    Attributes
    ----------
    rule : str
        Short name of the rule, e.g. ``label-out-of-bounds``.
    value : str
        What stood there.
    message : str
        One sentence for people.
    remedy : str
        What to do about it.
    """

    rule: str
    value: str
    message: str
    remedy: str

    def at(self, path: str, *, digest: str) -> "Fault":
        """Return the fault that this remark is at one place.

        Parameters
        ----------
        path : str
            The file relative to its source, or ``sheet.xlsx#row 12``.
        digest : str
            Of the file's bytes or the row's text; empty where nothing could be read.

        Returns
        -------
        Fault
            The remark with its place.
        """
        return Fault(path, digest, self.rule, self.value, self.message, self.remedy)


@dataclass(frozen=True)
class Fault:
    """A file or sheet row that breaks a rule: rejected for it, or accepted with a warning.

    Attributes
    ----------
    path : str
        The file relative to its source, or ``sheet.xlsx#row 12``.
    digest : str
        Of the file's bytes or the row's text; empty where nothing could be read.
    rule, value, message, remedy : str
        As in `Remark`.
    """

    path: str
    digest: str
    rule: str
    value: str
    message: str
    remedy: str


FAULT_SCHEMA: dict[str, type[pl.String]] = {field.name: pl.String for field in fields(Fault)}
"""Columns of a frame of faults: one row per path, digest and rule."""


def printable(text: str) -> str:
    r"""Return the text with control characters and broken encodings spelt out.

    Parameters
    ----------
    text : str
        Anything, also with NUL or with the surrogates of an undecodable file name.

    Returns
    -------
    str
        Text that every table, terminal and encoding takes.

    Examples
    --------
    >>> printable("a\x00b")
    'a\\x00b'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def fault_frame(faults: Iterable[Fault]) -> pl.DataFrame:
    """Return the faults as a frame, sorted, one row per path, digest and rule.

    A row of a sheet that breaks one rule in several cells becomes one fault that names them all.

    Parameters
    ----------
    faults : iterable of Fault
        In any order.

    Returns
    -------
    polars.DataFrame
        Columns of `FAULT_SCHEMA`, sorted by path, rule and digest.
    """
    groups: dict[tuple[str, str, str], list[Fault]] = {}
    for fault in faults:
        groups.setdefault((fault.path, fault.rule, fault.digest), []).append(fault)
    rows = [[printable(text) for text in astuple(_merged(groups[key]))] for key in sorted(groups)]
    return pl.DataFrame(rows, schema=FAULT_SCHEMA, orient="row")


def _merged(group: Sequence[Fault]) -> Fault:
    """Return one fault that says what all say, each thing once."""

    def joined(texts: Iterable[str], separator: str) -> str:
        return separator.join(dict.fromkeys(texts))

    return replace(
        group[0],
        value=joined((fault.value for fault in group), "; "),
        message=joined((fault.message for fault in group), " "),
        remedy=joined((fault.remedy for fault in group), " "),
    )
