"""Do the report's folds flatter: what they share by construction, and what that is worth in loss."""

from typing import Any

import polars as pl

from deepdlt.page.numbers import show_number
from deepdlt.page.words import count, listed, training_words

UNMEASURED = "Not measured: it takes the report’s folds and safer ones of the same training in one night."


def leakage_sentences(audit: pl.DataFrame, gaps: pl.DataFrame) -> list[str]:
    """Say what folds over patches share with training, and whether safer folds cost loss.

    Parameters
    ----------
    audit : polars.DataFrame
        Rows of `split_audit`.
    gaps : polars.DataFrame
        Rows of `leakage_gap`.
    """
    return [*_shared(audit), _gap(gaps)]


def _shared(audit: pl.DataFrame) -> list[str]:
    """Say how much of what is held out lies on the training side, too, by scheme."""
    if audit.is_empty():
        return []
    held = audit.filter(pl.col("side") == "held_out")
    means = held.group_by("scheme").agg(
        share=pl.col("n_shared_images").sum() / pl.col("n_images").sum(), overlap=pl.col("overlap_share").mean()
    )
    found = {row["scheme"]: row for row in means.iter_rows(named=True)}
    if "paper" not in found:
        return []
    paper = found.pop("paper")
    said = (
        f"On the report’s folds {_percent(paper['share'])} of the held-out images are trained on, too, and "
        f"{_percent(paper['overlap'])} of the held-out patches share pixels with a training patch"
    )
    clean = sorted(scheme for scheme, row in found.items() if not row["share"] and not row["overlap"])
    return [f"{said}; none on the schemes {listed(clean)}." if clean else f"{said}."]


def _percent(share: float) -> str:
    """Return a share in whole per cent, and 'all' or 'none' only where it is that."""
    if share in (0, 1):
        return "all" if share else "none"
    return f"{min(max(round(100 * share), 1), 99)} %"


def _gap(gaps: pl.DataFrame) -> str:
    """Say what safer folds cost; a gap is claimed only where its interval excludes zero."""
    if gaps.is_empty():
        return UNMEASURED
    judged = gaps.filter(pl.col("ci_low").is_finite() & pl.col("ci_high").is_finite())
    if judged.is_empty():
        return "What that is worth cannot be judged: no comparison has images enough for an interval."
    higher = judged.filter(pl.col("ci_low") > 0).sort("gap", descending=True)
    lower = judged.filter(pl.col("ci_high") < 0)
    against = f", and lower in {lower.height}" if lower.height else ""
    compared = f"in {higher.height or 'none'} of {count(judged.height, 'comparison')}{against}"
    if higher.is_empty():
        return (
            f"The loss on safer folds is higher {compared}, judged by 95 % intervals over images: no leakage is seen, "
            f"which does not rule it out.{_caution(judged)}"
        )
    top = higher.row(0, named=True)
    gap, low, high = (show_number(top[name], "loss") for name in ("gap", "ci_low", "ci_high"))
    return (
        f"The loss on safer folds is higher {compared}, judged by 95 % intervals over images, not corrected for their "
        f"number; at most by {gap} ({low} to {high}{_relative(top)}), for {training_words(top)}."
        f"{_caution(higher)}"
    )


def _relative(row: dict[str, Any]) -> str:
    """Return a gap in per cent of the loss it is added to."""
    return f"; {100 * row['gap'] / row['loss_paper']:.2g} % of the loss" if row["loss_paper"] else ""


def _caution(gaps: pl.DataFrame) -> str:
    """Say where the models compared are no better than a flat patch: they cannot have learnt by heart."""
    n_marked = gaps.filter(pl.col("mark") != "").height
    if not n_marked:
        return ""
    which = "All" if n_marked == gaps.height else f"{n_marked}"
    return f" {which} of these compare models that are worse than a flat patch."
