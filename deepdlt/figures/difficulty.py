"""Which label value is harder to reconstruct, and what the report's folds hide; both with intervals over images."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from deepdlt.figures.style import (
    BLUE,
    COLOURS,
    GREY,
    MARKS,
    TEXT_PT,
    TITLE_PT,
    axis_name,
    figure_png,
    ordered,
    plain_axes,
    set_title,
)


def label_difficulty_figure(values: pl.DataFrame, *, units: Mapping[str, str] | None = None, title: str = "") -> bytes:
    """Draw the mean loss of each label value with its 95 % interval over images, one label a panel.

    Parameters
    ----------
    values : polars.DataFrame
        Rows of the table `difficulty_values`: ``label``, ``label_value``, ``n_images``, ``mean_loss``,
        ``ci_low``, ``ci_high``; and ``p_label``, where it is known: the corrected p of the label.
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
        If there is no row.
    """
    return figure_png(difficulty_panels(values, units=units, title=title))


def difficulty_panels(values: pl.DataFrame, *, units: Mapping[str, str] | None = None, title: str = "") -> Figure:
    """Build what `label_difficulty_figure` renders."""
    if values.is_empty():
        raise ValueError("there is no label value to draw")
    labels = values["label"].unique(maintain_order=True).to_list()
    figure = Figure(figsize=(12, 2.9 * len(labels) + 1.2), layout=ConstrainedLayoutEngine(h_pad=0.1))
    panels = figure.subplots(len(labels), 1, sharey=True, squeeze=False)[:, 0]
    for axes, label in zip(panels, labels, strict=True):
        part = values.filter(pl.col("label") == label)
        _difficulty_panel(axes, part)
        axes.set_title(axis_name(label, (units or {}).get(label, "")), loc="left", fontsize=TITLE_PT, fontweight="bold")
        axes.set_title(_said_of_p(part), loc="right", fontsize=TEXT_PT)
    figure.supylabel("mean squared error of test patches", fontsize=TEXT_PT)
    figure.supxlabel("label value, below it its images n; bars: 95 % over conditions; dotted: mean", fontsize=TEXT_PT)
    set_title(figure, title)
    return figure


def leakage_figure(gaps: pl.DataFrame, *, title: str = "") -> bytes:
    """Draw how much more is lost on folds that keep images, conditions or levels apart than on the report's.

    Parameters
    ----------
    gaps : polars.DataFrame
        Rows of the view `leakage_gap` of one preset: ``label``, ``scheme``, ``n_images``, ``gap``,
        ``ci_low``, ``ci_high``.
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
    return figure_png(leakage_panel(gaps, title=title))


def leakage_panel(gaps: pl.DataFrame, *, title: str = "") -> Figure:
    """Build what `leakage_figure` renders."""
    if gaps.is_empty():
        raise ValueError("there is no gap to draw")
    labels, schemes = gaps["label"].unique(maintain_order=True).to_list(), ordered(gaps["scheme"])
    figure = Figure(figsize=(max(10.0, 2.6 * len(labels) + 2), 5.4), layout=ConstrainedLayoutEngine(w_pad=0.1))
    axes = figure.subplots()
    for place, scheme in enumerate(schemes):
        part = gaps.filter(pl.col("scheme") == scheme)
        at = np.array([labels.index(label) for label in part["label"]]) + _aside(place, len(schemes))
        _with_bars(
            axes, at, part, "gap", colour=COLOURS[place % len(COLOURS)], mark=MARKS[place % len(MARKS)], name=scheme
        )
    axes.axhline(0, color=GREY, linewidth=1.5)
    n_images = dict(gaps.group_by("label").agg(pl.col("n_images").max()).iter_rows())
    axes.set_xticks(range(len(labels)), [f"{label}\nn {n_images[label]}" for label in labels])
    axes.set_xlim(-0.6, len(labels) - 0.4)
    axes.set_ylabel("loss, safe folds\nminus the report's folds", fontsize=TEXT_PT)
    axes.set_xlabel("label of the folds, and its number of images n; bars: 95 % over images", fontsize=TEXT_PT)
    legend = axes.legend(
        title="folds over", loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=TEXT_PT, frameon=False
    )
    legend.get_title().set_fontsize(TEXT_PT)
    plain_axes(axes)
    set_title(figure, title)
    return figure


def _difficulty_panel(axes: Axes, rows: pl.DataFrame) -> None:
    """Draw one label: a point and a bar for each value, and the mean over images as a line."""
    values = ordered(rows["label_value"])
    place = {value: position for position, value in enumerate(values)}
    at = np.array([place[value] for value in rows["label_value"]], float)
    mean = float(np.average(rows["mean_loss"].to_numpy(), weights=rows["n_images"].to_numpy()))
    axes.axhline(mean, color=GREY, linestyle=":", linewidth=2)
    _with_bars(axes, at, rows, "mean_loss", colour=BLUE, mark="o", name="")
    counts = dict(rows.select("label_value", "n_images").iter_rows())
    axes.set_xticks(range(len(values)), [f"{value}\nn {counts[value]}" for value in values])
    axes.set_xlim(-0.6, len(values) - 0.4)
    plain_axes(axes)


def _with_bars(
    axes: Axes,
    at: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    rows: pl.DataFrame,
    column: str,
    *,
    colour: str,
    mark: str,
    name: str,
) -> None:
    """Draw points with their intervals; a point without one stands alone."""
    middle = rows[column].to_numpy()
    low = rows["ci_low"].fill_null(rows[column]).to_numpy()
    high = rows["ci_high"].fill_null(rows[column]).to_numpy()
    reach = np.maximum([middle - low, high - middle], 0)
    axes.errorbar(at, middle, reach, fmt=mark, color=colour, markersize=8, capsize=4, linewidth=2, label=name or "_")


def _aside(place: int, n: int) -> float:
    """Return how far a series stands from the middle of its label."""
    return 0.16 * (place - (n - 1) / 2)


def _said_of_p(rows: pl.DataFrame) -> str:
    """Return what the permutation test found of a label, where it was asked."""
    found = rows["p_label"].drop_nulls() if "p_label" in rows.columns else pl.Series([], dtype=pl.Float64)
    if found.is_empty():
        return ""
    p = float(found[0])
    return "labels shuffled over conditions: " + ("p < 0.001" if p < 0.001 else f"p = {p:.2g}")
