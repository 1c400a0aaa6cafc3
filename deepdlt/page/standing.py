"""Which trainings of a night are worse than a flat grey patch, as the sentences of the page need to know."""

from typing import Any

import polars as pl

WORSE = "worse than flat"


class Standing:
    """How each training of a night stands against a flat patch, from `fold_summary`.

    Parameters
    ----------
    summary : polars.DataFrame
        ``preset``, ``scheme``, ``label``, ``n_scored``, ``n_below_flat``; empty where nothing was scored.
    """

    def __init__(self, summary: pl.DataFrame) -> None:
        self._rows = summary.rows(named=True) if "n_below_flat" in summary.columns else []

    @property
    def n_below(self) -> int:
        """Scored trainings that are worse than flat."""
        return sum(row["n_below_flat"] or 0 for row in self._rows)

    @property
    def n_scored(self) -> int:
        """Scored trainings."""
        return sum(row["n_scored"] or 0 for row in self._rows)

    @property
    def presets_below(self) -> list[str]:
        """Presets of which at least one training is worse than flat, in order."""
        return sorted({row["preset"] for row in self._rows if row["n_below_flat"]})

    def mark(self, **names: Any) -> str:
        """Return the warning for the trainings of these names (of `fold_summary`'s columns), or ''."""
        found = [row for row in self._rows if all(row.get(name) == value for name, value in names.items())]
        below = sum(row["n_below_flat"] or 0 for row in found)
        scored = sum(row["n_scored"] or 0 for row in found)
        if not below:
            return ""
        return WORSE if below == scored else f"{WORSE} in {below} of {scored}"
