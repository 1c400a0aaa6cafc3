"""Sentences of the page, generated from numbers and never claiming more than those support."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from deepdlt.page.tables import show_number

ALPHA = 0.05
MAIN_METRICS = ("balanced_accuracy", "r2")
"""Chosen beforehand, so that no sentence is the best of many scores; other metrics stand in the table."""
MAIN_PROBES = ("logistic", "ridge")


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> count(1, "image"), count(0, "patch", "patches"), count(1200, "patch", "patches")
    ('1 image', 'no patches', '1,200 patches')
    """
    word = noun if number == 1 else plural or f"{noun}s"
    return f"{number:,} {word}" if number else f"no {word}"


def leakage_sentence(gaps: pl.DataFrame) -> str:
    """Say in one sentence what folds over patches hide.

    Parameters
    ----------
    gaps : polars.DataFrame
        Rows of `leakage_gap`: ``preset``, ``label``, ``scheme``, ``gap``, ``ci_low``, ``ci_high``.

    Returns
    -------
    str
        A gap is claimed only where its interval excludes zero; the number of comparisons is told.
    """
    if gaps.is_empty():
        return "Leakage was not measured: it takes folds of the report's kind and safer ones of the same training."
    judged = gaps.filter(pl.col("ci_low").is_finite() & pl.col("ci_high").is_finite())
    if judged.is_empty():
        return "Leakage cannot be judged: no comparison has images enough for an interval."
    higher = judged.filter(pl.col("ci_low") > 0).sort("gap", descending=True)
    lower = judged.filter(pl.col("ci_high") < 0)
    total = count(judged.height, "comparison")
    against = f"; in {lower.height} it is lower" if lower.height else ""
    if higher.is_empty():
        return (
            f"In none of {total} is the loss on safer folds above that on the report's folds with a 95 % interval over "
            f"images that excludes zero{against}: this night shows no leakage, and does not rule it out."
        )
    top = higher.row(0, named=True)
    interval = f"{show_number(top['ci_low'])} to {show_number(top['ci_high'])}"
    return (
        f"In {higher.height} of {total} the loss on safer folds is above that on the report's folds, with a 95 % "
        f"interval over images that excludes zero (not corrected for their number){against}; the largest gap is "
        f"{show_number(top['gap'])} ({interval}), for {top['preset']} by {top['label']}, {top['scheme']}."
    )


def probe_sentences(probes: pl.DataFrame) -> list[str]:
    """Say of each preset and label whether its code knows the laser.

    Parameters
    ----------
    probes : polars.DataFrame
        Rows of the view `probe`.

    Returns
    -------
    list of str
        One a preset and label, of the linear probe over images (over patches where there is none); p after Holm for
        all of them.
    """
    if probes.is_empty():
        return ["No code was probed this night."]
    main = probes.filter(pl.col("metric").is_in(MAIN_METRICS) & pl.col("probe").is_in(MAIN_PROBES))
    units = set(main["unit"])
    main = main.filter(pl.col("unit") == ("image" if "image" in units else "patch"))
    codes = main.filter(pl.col("features") == "latent").unique(["preset", "label", "metric"], maintain_order=True)
    if codes.is_empty():
        return ["No code was probed with a linear probe this night."]
    corrected = _holm(codes["p_value"].to_list())
    return [
        _probe_sentence(row, p, main, codes.height)
        for row, p in zip(codes.iter_rows(named=True), corrected, strict=True)
    ]


def _probe_sentence(row: Mapping[str, Any], p: float, main: pl.DataFrame, n_tests: int) -> str:
    """Return the sentence on one code and label."""
    is_known = p <= ALPHA and row["score"] > row["null_mean"]
    verb = "tells" if is_known else "cannot be shown to tell"
    name = row["metric"].replace("_", " ")
    same = (pl.col("label") == row["label"]) & (pl.col("metric") == row["metric"])
    others = main.filter(same & pl.col("features").str.starts_with("pca")).sort("score", descending=True)
    beside = ""
    if not others.is_empty():
        best = others.row(0, named=True)
        beside = f"; {best['features'].replace('pca_', 'PCA-')} reaches {show_number(best['score'])}"
    return (
        f"The code of {row['preset']} {verb} {row['label']}: {name} {show_number(row['score'])} per {row['unit']}, "
        f"{show_number(row['null_mean'])} with shuffled labels (p = {p:.2g} after Holm for "
        f"{count(n_tests, 'test')}){beside}."
    )


def _holm(p_values: list[float]) -> list[float]:
    """Return p values corrected for their number by Holm's method, in the same order."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    corrected = [1.0] * len(p_values)
    running = 0.0
    for rank, place in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = running
    return corrected
