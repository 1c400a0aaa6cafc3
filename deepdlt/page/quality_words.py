"""How good the models are, and whether the report's result comes out again."""

from typing import Any

import polars as pl

from deepdlt.page.numbers import show_number
from deepdlt.page.standing import Standing
from deepdlt.page.words import between, count, listed, training_words

NAMES = ("preset", "scheme", "label")
LEAKY = "paper"
CROSS_VALIDATION = "label-cv"

NOT_COMPARED = "Not asked: these images are synthetic, and the report’s are not."
"""In place of every number beside a published one."""

NONE_HERE = "None of the report’s trainings was done on these images."


def quality_sentences(summary: pl.DataFrame, folds: pl.DataFrame, standing: Standing) -> list[str]:
    """Say which training is best by SSIM, beside what needs no model, and how many are worse than flat.

    Parameters
    ----------
    summary : polars.DataFrame
        Rows of `fold_summary`.
    folds : polars.DataFrame
        Rows of `judged_metrics`.
    standing : Standing
    """
    if summary.is_empty():
        return ["No answer: no training of this night was scored."]
    return [*_best(summary, folds), *_below(standing)]


def _best(summary: pl.DataFrame, folds: pl.DataFrame) -> list[str]:
    """Return the sentence on the best training; SSIM does not depend on the target range.

    What was trained on images that it is tested on counts only where there is nothing else.
    """
    scored = summary.filter(pl.col("ssim").is_finite())
    if scored.is_empty():
        return []
    safe = scored.filter(pl.col("scheme") != LEAKY)
    scored = scored if safe.is_empty() else safe
    row = scored.sort("ssim", descending=True).row(0, named=True)
    psnr, ssim = show_number(row["psnr_db"], "db"), show_number(row["ssim"], "score")
    said = f"Best by SSIM is {training_words(row)}: {ssim}, PSNR {psnr} dB on test patches"
    beside = _beside(row, folds)
    return [f"{said}; {beside}." if beside else f"{said}."]


def _beside(row: dict[str, Any], folds: pl.DataFrame) -> str:
    """Return the MSE of a training beside flat patch and PCA, '' where it is not known."""
    if folds.is_empty():
        return ""
    of_row = folds.filter(pl.col("split") == "test", *(pl.col(name) == row[name] for name in NAMES))
    means = {name: of_row[name].mean() for name in ("mse", "flat_mse", "pca_128_mse") if name in of_row.columns}
    mse = means.pop("mse", None)
    others = {"a flat patch": means.get("flat_mse"), "PCA-128": means.get("pca_128_mse")}
    known = [f"{name} {show_number(value, 'loss')}" for name, value in others.items() if isinstance(value, float)]
    return f"MSE {show_number(mse, 'loss')}, {listed(known)}" if isinstance(mse, float) and known else ""


def _below(standing: Standing) -> list[str]:
    """Return the sentence on trainings that are worse than flat."""
    if not standing.n_scored:
        return []
    if not standing.n_below:
        return [f"None of {count(standing.n_scored, 'training')} is worse than a flat patch."]
    are = "is" if standing.n_below == 1 else "are"
    return [
        f"{standing.n_below:,} of {count(standing.n_scored, 'training')} {are} worse than a flat grey patch: "
        f"{listed(standing.presets_below)}."
    ]


def published_sentences(beside: pl.DataFrame) -> list[str]:
    """Set the report's averages over its folds beside ours, their floor and the flat patch.

    Parameters
    ----------
    beside : polars.DataFrame
        Rows of `paper_vs_here`.
    """
    found = beside if beside.is_empty() else beside.filter(pl.col("here").is_not_null())
    if found.is_empty():
        return [f"No answer: {NONE_HERE[0].lower()}{NONE_HERE[1:]}"]
    averages = found.filter(
        pl.col("preset") == CROSS_VALIDATION,
        pl.col("paper_row") == "average",
        pl.col("split") == "test",
        pl.col("floor_mse").is_not_null(),
    )
    if averages.is_empty():
        return [
            f"Its cross-validation was not done in full; of {listed(sorted(set(found['preset'])))} numbers stand below."
        ]
    labels = listed(averages["label"].to_list())
    return [
        f"Its average test loss by {labels} is {between(averages['published'].to_list())}; here "
        f"{between(averages['here'].to_list())} ({_budget(averages)}). On these patches no model of its output range "
        f"can be below {between(averages['floor_mse'].to_list())}, and a flat patch gets "
        f"{between(averages['flat_mse'].to_list())}."
    ]


def _budget(rows: pl.DataFrame) -> str:
    """Say how much of the report's budget was spent, and when."""
    nights, epochs = (listed(map(str, rows[name].unique().sort())) for name in ("sequence", "epochs"))
    nights = f"night{'s' if rows['sequence'].n_unique() > 1 else ''} {nights}"
    return f"{nights}, profile {listed(rows['profile'].unique().sort())}, {epochs} epochs"
