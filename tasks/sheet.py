"""The declaration of the label sheet that this process goes by."""

import os
from collections.abc import Iterable
from pathlib import Path

from deepdlt.errors import DeepdltError
from deepdlt.sheets.columns import LabelSpec
from deepdlt.sheets.spec import SheetSpec, load_spec


class LabelUnknown(DeepdltError):
    """The sheet's declaration has no label of that key."""

    def __init__(self, key: str, known: list[str]) -> None:
        self.key = key
        self.known = known
        super().__init__(f"no label is called {key!r}; the sheet's declaration has {', '.join(known)}")


def sheet_spec() -> SheetSpec:
    """Return the declaration: the file that `DEEPDLT_SHEET_SPEC` names, or the shipped DLIP one.

    Raises
    ------
    SheetSpecInvalid
        If the file does not declare a sheet.
    """
    named = os.environ.get("DEEPDLT_SHEET_SPEC")
    return load_spec(Path(named) if named else None)


def find_label(key: str) -> LabelSpec:
    """Return what the declaration says of a label.

    Parameters
    ----------
    key : str
        People's key, e.g. ``"NP"``.

    Raises
    ------
    LabelUnknown
        If there is none; the message lists those there are.
    """
    labels = sheet_spec().labels
    if key not in labels:
        raise LabelUnknown(key, list(labels))
    return labels[key]


def refuse_unknown_labels(keys: Iterable[str]) -> None:
    """Raise before anything is done for a night that asks for a label that the sheet's declaration does not have.

    Raises
    ------
    LabelUnknown
        For the first of them.
    """
    for key in keys:
        find_label(key)
