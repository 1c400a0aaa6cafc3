"""Codes of patches in a plane, coloured by the laser settings behind them."""

from collections.abc import Mapping

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from deepdlt.figures.classes import value_classes
from deepdlt.figures.style import TEXT_PT, TITLE_PT, axis_name, figure_png, set_title

METHOD_NAMES: Mapping[str, str] = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}


def code_plane_figure(points: pl.DataFrame, labels: Mapping[str, str], *, method: str, title: str = "") -> bytes:
    """Draw codes in a plane, once for each label; colour and mark say its value.

    Parameters
    ----------
    points : polars.DataFrame
        One row a patch: ``x``, ``y`` and, for each label, a column of text of its key.
    labels : mapping of str to str
        People's key of each label to its unit, as the sheet's declaration spells it.
    method : {"pca", "tsne", "umap"}
        Distances have a meaning in ``pca`` alone: the others get no ticks.
    title : str
        Above all; empty for none.

    Returns
    -------
    bytes
        PNG file.

    Raises
    ------
    ValueError
        If there is no point or no label.
    """
    return figure_png(code_plane(points, labels, method=method, title=title))


def code_plane(points: pl.DataFrame, labels: Mapping[str, str], *, method: str, title: str = "") -> Figure:
    """Build what `code_plane_figure` renders."""
    if points.is_empty() or not labels:
        raise ValueError("there is no code, or no label, to draw")
    n_columns = min(2, len(labels))
    n_rows = -(-len(labels) // n_columns)
    layout = ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.12)
    figure = Figure(figsize=(7.6 * n_columns, 5.2 * n_rows + 0.6), layout=layout)
    panels = list(figure.subplots(n_rows, n_columns, squeeze=False).flat)
    for axes, (label, unit) in zip(panels, labels.items(), strict=False):
        _draw_label(axes, points, label, unit)
        _name_axes(axes, method)
    for axes in panels[len(labels) :]:
        axes.set_visible(False)
    set_title(figure, title)
    return figure


def _draw_label(axes: Axes, points: pl.DataFrame, label: str, unit: str) -> None:
    """Draw the points of one panel, class by class, and its legend."""
    for one in value_classes(dict(points[label].drop_nulls().value_counts().iter_rows()), unit=unit):
        part = points.filter(pl.col(label).is_in(one.values))
        axes.scatter(
            part["x"].to_numpy(),
            part["y"].to_numpy(),
            s=30,
            c=one.colour,
            marker=one.mark,
            alpha=0.75,
            linewidths=0,
            label=one.name,
        )
    axes.set_title(axis_name(label, unit), loc="left", fontsize=TITLE_PT, fontweight="bold")
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        fontsize=TEXT_PT,
        frameon=False,
        markerscale=1.8,
        handletextpad=0.2,
        borderaxespad=0.2,
    )


def _name_axes(axes: Axes, method: str) -> None:
    """Give the axes names, and ticks where they have a meaning."""
    name = METHOD_NAMES.get(method, method)
    axes.set_xlabel(f"{name} 1", fontsize=TEXT_PT)
    axes.set_ylabel(f"{name} 2", fontsize=TEXT_PT)
    axes.tick_params(labelsize=TEXT_PT)
    axes.spines[["top", "right"]].set_visible(False)
    if method != "pca":
        axes.set_xticks([])
        axes.set_yticks([])
