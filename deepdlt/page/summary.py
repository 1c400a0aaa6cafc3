"""The few numbers that matter, on top of the page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from deepdlt.page.tables import Standing, show_number


@dataclass(frozen=True, slots=True)
class Fact:
    """One number of the summary: what it is, the number, what to hold it against."""

    name: str
    value: str
    beside: str = ""
    is_mark: bool = False


def facts_of(night: Mapping[str, Any], frames: Mapping[str, pl.DataFrame]) -> list[Fact]:
    """Return the summary of a night.

    Parameters
    ----------
    night : mapping
        Row of the table `nights`.
    frames : mapping of polars.DataFrame
        By name; ``fold_summary`` and ``paper_vs_here`` are looked at.
    """
    summary = frames.get("fold_summary", pl.DataFrame())
    facts = [
        Fact(
            "New images",
            f"{night['n_new_images']:,}",
            f"{night['n_new_patches']:,} patches, {night['n_rejected']:,} rejected",
        ),
        Fact(
            "Trained",
            f"{night['n_trained']:,}",
            f"{night['n_reused']:,} reused, {night['n_failed']:,} failed",
            is_mark=night["n_failed"] > 0,
        ),
    ]
    standing = Standing(summary)
    if standing.n_scored:
        value = f"{standing.n_below:,} of {standing.n_scored:,}"
        facts.append(
            Fact("Folds worse than a flat patch", value, "test MSE above each patch's own mean", standing.n_below > 0)
        )
    facts += _best(summary)
    return facts + _published(frames.get("paper_vs_here", pl.DataFrame()))


def _best(summary: pl.DataFrame) -> list[Fact]:
    """Return the training that sees most, by SSIM, which does not depend on the target range."""
    if summary.is_empty() or summary["ssim"].null_count() == summary.height:
        return []
    row = summary.sort("ssim", descending=True, nulls_last=True).row(0, named=True)
    name = " ".join(str(row[part]) for part in ("preset", "scheme", "label") if row[part] != "none")
    facts = [Fact("Best SSIM on test patches", show_number(row["ssim"]), name)]
    percent = row.get("percent_of_reachable")
    if percent is not None:
        facts.append(
            Fact(
                "Of what is reachable, there",
                f"{show_number(round(percent, 1))[:-3]} %",
                "0: best flat patch; 100: its floor",
            )
        )
    return facts


def _published(beside: pl.DataFrame) -> list[Fact]:
    """Return our average over the report's folds by angle beside the published one."""
    if beside.is_empty():
        return []
    found = beside.filter(
        (pl.col("paper_table") == "3") & (pl.col("paper_row") == "average") & pl.col("here").is_not_null()
    )
    return [
        Fact(
            f"Test loss by {row['label']}, report's folds",
            show_number(row["here"]),
            f"published {show_number(row['published'])}; floor {show_number(row['floor_mse'])}",
        )
        for row in found.iter_rows(named=True)
        if row["floor_mse"] is not None
    ]
