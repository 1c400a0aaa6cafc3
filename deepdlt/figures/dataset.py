"""What a data set holds: images of each label value and condition, grey levels of its patches."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from deepdlt.figures.style import (
    BLUE,
    GREEN,
    ORANGE,
    TEXT_PT,
    TITLE_PT,
    axis_name,
    figure_png,
    ordered,
    plain_axes,
    set_title,
)

CROWDED = 8
"""Values of a label from which they are written upwards."""

N_BINS = 50


def image_counts_figure(
    counts: pl.DataFrame, conditions: ArrayLike, *, units: Mapping[str, str] | None = None, title: str = ""
) -> bytes:
    """Draw how many images there are of each label value, and how many conditions have how many images.

    Parameters
    ----------
    counts : polars.DataFrame
        One row per ``label`` and ``label_value`` (text): ``n_images``.
    conditions : array_like of int, shape (K,)
        Images of each condition: images of equal laser settings.
    units : mapping of str to str
        Label to unit, as the sheet's declaration spells it.
    title : str
        Above all; empty for none.

    Returns
    -------
    bytes
        PNG file.

    Raises
    ------
    ValueError
        If there is no label value or no condition.
    """
    images = np.asarray(conditions, np.int64)
    if counts.is_empty() or not images.size:
        raise ValueError("there is no image to count")
    labels = counts["label"].unique(maintain_order=True).to_list()
    n_panels = len(labels) + 1
    n_rows = -(-n_panels // 2)
    layout = ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.12)
    figure = Figure(figsize=(14, 3.7 * n_rows + 0.6), layout=layout)
    panels = list(figure.subplots(n_rows, 2, squeeze=False).flat)
    for axes, label in zip(panels, labels, strict=False):
        part = dict(counts.filter(pl.col("label") == label).select("label_value", "n_images").iter_rows())
        values = ordered(pl.Series(list(part), dtype=pl.String))
        _bars(axes, values, [part[value] for value in values], "images", BLUE)
        axes.set_title(axis_name(label, (units or {}).get(label, "")), loc="left", fontsize=TITLE_PT, fontweight="bold")
    sizes, n_conditions = np.unique(images, return_counts=True)
    _bars(panels[len(labels)], [str(size) for size in sizes], n_conditions.tolist(), "conditions", GREEN)
    panels[len(labels)].set_title("images of a condition", loc="left", fontsize=TITLE_PT, fontweight="bold")
    for axes in panels[n_panels:]:
        axes.set_visible(False)
    set_title(figure, title)
    return figure_png(figure)


def patch_grey_figure(brightness: ArrayLike, contrast: ArrayLike, *, title: str = "") -> bytes:
    """Draw how bright patches are, how much contrast they have, and both together.

    Parameters
    ----------
    brightness : array_like of float, shape (N,)
        Mean grey level of each patch, 0 black and 1 white.
    contrast : array_like of float, shape (N,)
        Standard deviation of its grey levels, on the same scale.
    title : str
        Above all; empty for none.

    Returns
    -------
    bytes
        PNG file.

    Raises
    ------
    ValueError
        If there is no patch, or not as many of one as of the other.
    """
    mean, spread = np.asarray(brightness, np.float64), np.asarray(contrast, np.float64)
    if mean.ndim != 1 or mean.shape != spread.shape or not mean.size:
        raise ValueError(f"brightness and contrast must be of the same patches, got {mean.shape} and {spread.shape}")
    figure = Figure(figsize=(15, 4.9), layout=ConstrainedLayoutEngine(w_pad=0.15))
    left, middle, right = figure.subplots(1, 3)
    _histogram(left, mean, "mean grey level (0 black, 1 white)")
    _histogram(middle, spread, "standard deviation of grey levels")
    found = right.hexbin(mean, spread, gridsize=40, mincnt=1, cmap="viridis", linewidths=0)
    bar = figure.colorbar(found, ax=right)
    bar.set_label("patches", fontsize=TEXT_PT)
    bar.ax.tick_params(labelsize=TEXT_PT)
    right.set_xlabel("mean grey level", fontsize=TEXT_PT)
    right.set_ylabel("standard deviation", fontsize=TEXT_PT)
    plain_axes(right, grid="both")
    set_title(figure, title)
    return figure_png(figure)


def _bars(axes: Axes, names: list[str], numbers: list[int], what: str, colour: str) -> None:
    """Draw numbers as bars, each with its number on top."""
    found = axes.bar(range(len(names)), numbers, color=colour, width=0.8)
    axes.bar_label(found, fontsize=TEXT_PT - 2, padding=2)
    axes.set_xticks(range(len(names)), names, rotation=90 if len(names) > CROWDED else 0)
    axes.set_ylabel(what, fontsize=TEXT_PT)
    axes.set_ylim(0, 1.15 * max(numbers))
    axes.set_xlim(-0.6, max(len(names), 3) - 0.4)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    plain_axes(axes)


def _histogram(axes: Axes, numbers: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", name: str) -> None:
    """Draw how often numbers occur, with their quartiles."""
    axes.hist(numbers, bins=N_BINS, color=BLUE)
    for share, line in ((0.25, ":"), (0.5, "-"), (0.75, ":")):
        axes.axvline(float(np.quantile(numbers, share)), color=ORANGE, linestyle=line, linewidth=2.5)
    axes.set_xlabel(name, fontsize=TEXT_PT)
    axes.set_ylabel("patches", fontsize=TEXT_PT)
    axes.set_title("lines: median and quartiles", fontsize=TEXT_PT, loc="right")
    plain_axes(axes)
