"""What the sides of each fold hold: shares of a label's values in training, validation and test."""

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Patch

from deepdlt.figures.classes import ValueClass, value_classes
from deepdlt.figures.style import TEXT_PT, figure_png, set_title

SIDES = ("train", "val", "test")
HATCHES = ("", "//", "", "\\\\", "", "..", "")
"""Neighbours differ in more than their colour."""

LEAST_WRITTEN = 0.07
"""Share from which its per cent fits into a bar."""


def fold_shares_figure(counts: pl.DataFrame, *, unit: str = "", title: str = "") -> bytes:
    """Draw, for each fold, the shares of a label's values among the patches of each side.

    Parameters
    ----------
    counts : polars.DataFrame
        One row per ``fold``, ``split`` (train, val, test) and ``label_value`` (text): ``n_patches``.
    unit : str
        Of the label, as the sheet's declaration spells it; empty for none.
    title : str
        Above all; empty for none.

    Returns
    -------
    bytes
        PNG file.

    Raises
    ------
    ValueError
        If there is no row.
    """
    if counts.is_empty():
        raise ValueError("there is no fold to draw")
    totals = counts.group_by("label_value").agg(pl.col("n_patches").sum())
    classes = value_classes(dict(totals.iter_rows()), unit=unit)
    folds = counts["fold"].unique().sort().to_list()
    sides = [side for side in SIDES if (counts["split"] == side).any()]
    figure = Figure(figsize=(13, 0.42 * len(folds) * (len(sides) + 0.6) + 1.9), layout=ConstrainedLayoutEngine())
    axes = figure.subplots()
    places = {(f, s): i * (len(sides) + 0.6) + j for i, f in enumerate(folds) for j, s in enumerate(sides)}
    for (fold, side), y in places.items():
        _draw_bar(axes, counts.filter((pl.col("fold") == fold) & (pl.col("split") == side)), classes, y)
    names = [f"fold {fold}  {side}" if side == sides[0] else side for fold, side in places]
    axes.set_yticks(list(places.values()), names, fontsize=TEXT_PT)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.1)
    axes.set_xticks(np.linspace(0, 1, 6), [f"{share:.0%}" for share in np.linspace(0, 1, 6)], fontsize=TEXT_PT)
    axes.set_xlabel("share of the side's patches; at the right their number", fontsize=TEXT_PT)
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    _legend(figure, classes)
    set_title(figure, title)
    return figure_png(figure)


def _draw_bar(axes: Axes, rows: pl.DataFrame, classes: list[ValueClass], y: float) -> None:
    """Draw one side of one fold."""
    total = int(rows["n_patches"].sum())
    left = 0.0
    for place, one in enumerate(classes):
        n = int(rows.filter(pl.col("label_value").is_in(one.values))["n_patches"].sum())
        share = n / max(1, total)
        axes.barh(
            y, share, left=left, height=0.92, color=one.colour, hatch=HATCHES[place], edgecolor="white", linewidth=0.8
        )
        if share >= LEAST_WRITTEN:
            box = {"facecolor": one.colour, "edgecolor": "none", "pad": 1.5}
            style = {"color": _readable_on(one.colour), "fontsize": TEXT_PT - 2, "bbox": box}
            axes.text(left + share / 2, y, f"{share:.0%}", ha="center", va="center", **style)  # type: ignore[arg-type]
        left += share
    axes.text(1.01, y, f"{total:,}", va="center", fontsize=TEXT_PT - 1)


def _legend(figure: Figure, classes: list[ValueClass]) -> None:
    """Name the classes below all."""
    with mpl.rc_context({"hatch.linewidth": 1.0}):
        patches = [
            Patch(facecolor=one.colour, hatch=HATCHES[place], edgecolor="white", label=one.name)
            for place, one in enumerate(classes)
        ]
        figure.legend(handles=patches, loc="outside lower center", ncols=len(classes), fontsize=TEXT_PT, frameon=False)


def _readable_on(colour: str) -> str:
    """Return black or white, whichever stands out more."""
    red, green, blue = to_rgb(colour)
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.4 else "white"
