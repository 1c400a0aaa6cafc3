"""Does the code know the laser: sentences from the probes, and the few numbers behind them."""

from typing import Any

import polars as pl

from deepdlt.analysis.corrections import holm
from deepdlt.page.numbers import KEPT, p_words, show_number
from deepdlt.page.words import ALPHA, count, listed

CODE = "latent"
MAIN = {"logistic": "balanced_accuracy", "ridge": "r2"}
"""Linear probes and their metric: chosen beforehand, so that no sentence is the best of many scores."""

METRIC_WORDS = {"balanced_accuracy": "balanced accuracy", "r2": "R²"}
UNANSWERED = "No answer: no code was probed this night."


def main_probes(probes: pl.DataFrame) -> pl.DataFrame:
    """Return the linear probes that sentences are about, corrected for the number of labels.

    Parameters
    ----------
    probes : polars.DataFrame
        Rows of the view `probe`.

    Returns
    -------
    polars.DataFrame
        One row per ``features``, ``preset`` and ``label``: ``metric``, ``unit`` (image where there is one), ``score``
        and ``null_mean`` (means over seeds), ``p_value`` (the largest over seeds), ``n_permutations``, ``n_images``,
        ``n_values``, ``p_holm``, ``n_tests`` (labels that these features were probed for) and ``is_known``.
    """
    if probes.is_empty():
        return probes
    is_main = pl.any_horizontal(
        (pl.col("probe") == probe) & (pl.col("metric") == metric) for probe, metric in MAIN.items()
    )
    main = probes.filter(is_main)
    unit = "image" if "image" in main["unit"] else "patch"
    means = (
        main.filter(pl.col("unit") == unit)
        .group_by("features", "preset", "label", "metric", "unit", maintain_order=True)
        .agg(
            pl.col("score", "null_mean").mean(),
            pl.col("p_value").max(),
            pl.col("n_permutations", "n_images", "n_values").min(),
        )
    )
    parts = [_corrected(part) for _, part in means.group_by("features", "preset", maintain_order=True)]
    return pl.concat(parts) if parts else means


def _corrected(part: pl.DataFrame) -> pl.DataFrame:
    """Correct the p-values of one kind of features for its labels."""
    return part.with_columns(
        p_holm=pl.Series(holm(part["p_value"].to_numpy()), dtype=pl.Float64), n_tests=pl.lit(part.height)
    ).with_columns(
        is_known=((pl.col("p_holm") <= ALPHA) & (pl.col("score") > pl.col("null_mean"))).fill_null(value=False)
    )


def probe_sentences(probes: pl.DataFrame) -> list[str]:
    """Say of each code which labels it tells, and whether PCA tells them, too.

    Parameters
    ----------
    probes : polars.DataFrame
        Rows of the view `probe`.
    """
    main = main_probes(probes)
    if main.is_empty():
        return [UNANSWERED]
    codes = main.filter(pl.col("features") == CODE)
    if codes.is_empty():
        return [UNANSWERED]
    return [
        sentence
        for (preset,), part in codes.group_by("preset", maintain_order=True)
        for sentence in _of_code(str(preset), part, main)
    ]


def _of_code(preset: str, part: pl.DataFrame, main: pl.DataFrame) -> list[str]:
    """Return the sentences on one code."""
    rows = part.rows(named=True)
    known = [row for row in rows if row["is_known"]]
    too_few = [row for row in rows if not row["is_known"] and _is_undecided(row)]
    unknown = [row for row in rows if row not in known and row not in too_few]
    corrected = f"after Holm for {count(rows[0]['n_tests'], 'label')}"
    said = []
    if known:
        told = listed(f"{row['label']} ({_scores(row)})" for row in known)
        said.append(f"The code of {preset} tells {told}, p{KEPT}≤{KEPT}{ALPHA:g} {corrected}.{_beside(known, main)}")
    if unknown:
        untold = listed(f"{row['label']} ({p_words(row['p_holm'])})" for row in unknown)
        said.append(f"It cannot be shown that the code of {preset} tells {untold}, {corrected}.")
    if too_few:
        labels = listed(f"{row['label']} ({_scores(row)})" for row in too_few)
        shuffles = count(too_few[0]["n_permutations"], "shuffle")
        said.append(
            f"The code of {preset} does better than every one of {shuffles} on {labels}: too few of them for a claim "
            f"{corrected}."
        )
    return said


def _is_undecided(row: dict[str, Any]) -> bool:
    """Tell whether p is the least that the number of shuffles can give."""
    return bool(row["p_value"] <= 1 / (row["n_permutations"] + 1) + 1e-12 and row["score"] > row["null_mean"])


def _scores(row: dict[str, Any]) -> str:
    """Return score and chance in words."""
    metric = METRIC_WORDS[row["metric"]]
    return f"{metric} {show_number(row['score'], 'score')}, by chance {show_number(row['null_mean'], 'score')}"


def _beside(known: list[dict[str, Any]], main: pl.DataFrame) -> str:
    """Say what principal components reach on the labels that a code tells; '' where none were probed."""
    found = []
    for row in known:
        others = main.filter(pl.col("label") == row["label"], pl.col("features").str.starts_with("pca_"))
        if not others.is_empty():
            best = others.sort("score", descending=True).row(0, named=True)
            features = best["features"].replace("pca_", "PCA-")
            found.append(f"{features} {show_number(best['score'], 'score')} on {row['label']}")
    return f" Without a model: {listed(found)}." if found else ""
