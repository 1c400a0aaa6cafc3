"""How far two makings of the same rows agree, value by value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

KEYS: dict[str, tuple[str, ...]] = {
    "epochs": ("epoch",),
    "fold_metrics": ("split",),
    "label_metrics": ("label", "label_value", "split"),
    "patch_metrics": ("patch_id",),
}
"""Tables of a run's numbers, and what tells their rows apart within it."""

NOT_COMPARED = ("run_id", "seconds")
"""Columns that name the run, or say how fast it was."""


@dataclass(frozen=True)
class Agreement:
    """How the rows of one table agree.

    Attributes
    ----------
    table : str
    n_rows : int
        Rows that stand.
    n_unmatched : int
        Rows that one side alone has.
    n_values : int
        Values compared, over all columns.
    n_unequal : int
        Of these, not equal to the last bit.
    column : str
        Where the largest difference is; '' where all is equal.
    largest : float
        The largest difference, in that column's unit.
    relative : float
        That difference as a share of the value that stands.
    """

    table: str
    n_rows: int
    n_unmatched: int
    n_values: int
    n_unequal: int
    column: str = ""
    largest: float = 0.0
    relative: float = 0.0

    @property
    def is_equal(self) -> bool:
        """Whether every row and every value is the same, and there is any."""
        return self.n_rows > 0 and self.n_unmatched == 0 and self.n_unequal == 0


def compare_tables(stood: Mapping[str, pl.DataFrame], made: Mapping[str, pl.DataFrame]) -> list[Agreement]:
    """Compare all tables of `KEYS`.

    Parameters
    ----------
    stood, made : mapping of str to polars.DataFrame
        Rows of one run by table: those of the lake, and those of now.

    Returns
    -------
    list of Agreement
    """
    return [compare(table, stood[table], made[table], key) for table, key in KEYS.items()]


def compare(table: str, stood: pl.DataFrame, made: pl.DataFrame, key: Sequence[str]) -> Agreement:
    """Compare the rows of one table; a column that the rows of then do not have yet is left out.

    Parameters
    ----------
    table : str
    stood, made : polars.DataFrame
    key : sequence of str
        Columns that tell rows apart.

    Returns
    -------
    Agreement
    """
    there = [name for name in stood.columns if stood[name].null_count() < stood.height]
    columns = [name for name in there if name in made.columns and name not in (*key, *NOT_COMPARED)]
    both = stood.join(made, on=list(key), how="inner", suffix="_made")
    judged = [(name, *_differences(both[name], both[f"{name}_made"])) for name in columns]
    worst = max((one for one in judged if one[1]), key=lambda one: one[2], default=("", 0, 0.0, 0.0))
    return Agreement(
        table=table,
        n_rows=stood.height,
        n_unmatched=stood.height + made.height - 2 * both.height,
        n_values=both.height * len(columns),
        n_unequal=sum(n_unequal for _, n_unequal, *_ in judged),
        column=worst[0],
        largest=worst[2],
        relative=worst[3],
    )


def _differences(stood: pl.Series, made: pl.Series) -> tuple[int, float, float]:
    """Return how many values differ, the largest difference, and its share of the value that stands."""
    unequal = ~stood.eq_missing(made)  # NaN equals NaN, null equals null
    n_unequal = int(unequal.sum())
    if not n_unequal or not stood.dtype.is_numeric() or not made.dtype.is_numeric():
        return n_unequal, 0.0, 0.0
    pairs: list[Any] = [
        (abs(new - old), abs(old))
        for old, new in zip(stood.filter(unequal), made.filter(unequal), strict=True)
        if old is not None and new is not None
    ]
    largest, value = max(pairs, default=(0.0, 0.0))
    return n_unequal, float(largest), float(largest / value) if value else 0.0
