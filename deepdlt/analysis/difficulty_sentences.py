"""Sentences about difficulty, written from the numbers and never beyond them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

USUAL_DECIMALS = 4
"""Of losses where no difference says how many matter."""

ROUNDING = 1e-9
"""Spreads of fold averages below this are rounding."""

SENTENCE_SCHEMA: dict[str, type[pl.DataType]] = {"label": pl.String, "sentence": pl.String}


def supported(alpha: float) -> pl.Expr:
    """Return the condition under which a row of differences may be claimed.

    Parameters
    ----------
    alpha : float
        Rate of false claims.

    Returns
    -------
    polars.Expr
        Boolean, false where a number is missing. Reads ``p_label`` (the label's p after Holm),
        ``p_holm``, ``ci_low`` and ``difference``, which is harder minus easier.
    """
    condition = (
        (pl.col("p_label") <= alpha) & (pl.col("p_holm") <= alpha) & (pl.col("ci_low") > 0) & (pl.col("difference") > 0)
    )
    return condition.fill_null(value=False)


def label_sentences(tests: pl.DataFrame, differences: pl.DataFrame, *, alpha: float) -> pl.DataFrame:
    """Say of each label what its numbers support.

    Parameters
    ----------
    tests, differences : polars.DataFrame
        As in `deepdlt.analysis.difficulty.Difficulty`.
    alpha : float
        Rate of false claims; intervals have confidence 1 - alpha.

    Returns
    -------
    polars.DataFrame
        ``label``, ``sentence``: for each label one sentence per claimed pair, largest difference
        first, or the one sentence that nothing is claimed.
    """
    judged = differences.join(tests.select("label", p_label="p_holm"), on="label", how="left").filter(supported(alpha))
    rows = []
    for test in tests.iter_rows(named=True):
        of_label = judged.filter(pl.col("label") == test["label"]).sort("difference", descending=True)
        found = [_claim(row, alpha) for row in of_label.iter_rows(named=True)] or [_no_claim(test, alpha)]
        rows += [(test["label"], sentence) for sentence in found]
    return pl.DataFrame(rows, schema=SENTENCE_SCHEMA, orient="row")


def fold_sentence(averages: pl.DataFrame, differences: pl.DataFrame) -> str:
    """Give the report's averages over folds, and their largest difference beside its spread.

    Parameters
    ----------
    averages, differences : polars.DataFrame
        As in `deepdlt.analysis.difficulty.FoldAverages`.

    Returns
    -------
    str
        Numbers only; an average of folds supports no claim about a label's values.
    """
    if averages.is_empty():
        return "There are no folds to average."
    spreads = [*averages["sd"].drop_nulls(), *differences["difference"].top_k(1)]
    decimals = _decimals(*(spread for spread in spreads if spread > ROUNDING))
    listed = ", ".join(
        f"{row['label']} {row['mean_loss']:.{decimals}f}{_spread(row['sd'], decimals)}"
        for row in averages.iter_rows(named=True)
    )
    said = f"Fold averages, the report's way: {listed}"
    if differences.is_empty():
        return f"{said}."
    largest = differences.sort("difference", descending=True).row(0, named=True)
    difference = f"{largest['difference']:.{decimals}f}{_spread(largest['sd'], decimals)}"
    return f"{said}; the largest difference is {largest['higher_label']} over {largest['lower_label']}, {difference}."


def _claim(row: dict[str, Any], alpha: float) -> str:
    """Return the sentence on a pair of values that differ."""
    label = row["label"]
    decimals = _decimals(row["ci_low"], row["difference"], row["ci_high"])
    difference, low, high = (f"{row[name]:.{decimals}f}" for name in ("difference", "ci_low", "ci_high"))
    sides = [(row[f"n_images_{side}"], row[f"n_conditions_{side}"]) for side in ("harder", "easier")]
    return (
        f"{label} {row['harder_value']} is harder than {label} {row['easier_value']} by {difference} "
        f"({100 * (1 - alpha):g} % CI {low} to {high}, {_images(*sides)})."
    )


def _no_claim(test: dict[str, Any], alpha: float) -> str:
    """Return the sentence on a label of which no pair of values can be claimed to differ."""
    label = test["label"]
    if not test["n_values"]:
        return f"{label} cannot be tested: no image has a value of it."
    of_images = _images((test["n_images"], test["n_conditions"]))
    if test["p_holm"] is None:
        return f"{label} cannot be tested: it has one value only ({of_images})."
    tests = f"{test['n_tests']} test{'s' if test['n_tests'] > 1 else ''}"
    evidence = f"(p = {test['p_holm']:.2g} after Holm for {tests}, {of_images})"
    if test["p_holm"] <= alpha:
        return f"Losses differ between values of {label} {evidence}, but no two of them can be told apart."
    return f"No difference can be seen for {label} {evidence}."


def _images(*sides: tuple[int, int]) -> str:
    """Return numbers of images in words, and of their conditions where some have repeats."""
    images, conditions = zip(*sides, strict=True)
    said = _counted(images, "image")
    return said if images == conditions else f"{said} of {_counted(conditions, 'condition')}"


def _counted(numbers: Sequence[int], what: str) -> str:
    """Return one number, or two, of something in words."""
    return f"{' and '.join(map(str, numbers))} {what}{'' if numbers[-1] == 1 else 's'}"


def _spread(deviation: float | None, decimals: int) -> str:
    """Return a standard deviation in brackets, or nothing where there is none."""
    return "" if deviation is None else f" (SD {deviation:.{decimals}f})"


def _decimals(*numbers: float) -> int:
    """Return decimals that give the largest number two digits, and the smallest that is not 0 one."""
    sizes = [abs(number) for number in numbers if number]
    if not sizes:
        return USUAL_DECIMALS
    two_of_largest = 1 - int(np.floor(np.log10(max(sizes))))
    one_of_smallest = -int(np.floor(np.log10(min(sizes))))
    return max(0, two_of_largest, one_of_smallest)
