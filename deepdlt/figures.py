"""Pictures as PNG bytes: reconstructions, samples, learning curves, difficulty by label.

Drawn with Matplotlib's objects and no global state, so that several can be drawn at once. The same
input gives the same bytes. Text is large enough to be read at half size; colours are those of
Okabe and Ito, told apart by the colour-blind, and never carry a meaning without a mark or a line
style that says the same.
"""

import io
import textwrap
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from deepdlt.target_ranges import range_bounds

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#595959"
DPI = 100
TEXT_PT, TITLE_PT = 14, 16
TILE_INCH = 1.7
ERROR_MAP = "inferno"
ROW_NAMES = ("original", "reconstruction", "absolute error")
ERROR_TOP = 0.995
"""Quantile of the errors that the colour scale ends at: one bright pixel must not darken the rest."""


def figure_png(figure: Figure) -> bytes:
    """Render a figure.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    bytes
        PNG file, without date or version, so that equal figures give equal bytes.
    """
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def reconstruction_figure(
    originals: ArrayLike,
    reconstructions: ArrayLike,
    *,
    target_range: str = "unit",
    captions: Sequence[str] = (),
    title: str = "",
) -> bytes:
    """Draw originals, their reconstructions and the absolute error, one patch a column.

    All grey images share one scale, black to white; all errors share another, whose end is the
    99.5th percentile of the errors shown.

    Parameters
    ----------
    originals, reconstructions : array_like, shape (n, S, S) or (n, 1, S, S)
        On the run's target range.
    target_range : str
        ``signed`` or ``unit``; signed images are drawn and subtracted on [0, 1], by ``(x + 1) / 2``.
    captions : sequence of str
        One above each column, e.g. label values; empty for none.
    title : str
        Above all; empty for none.

    Returns
    -------
    bytes
        PNG file.

    Raises
    ------
    ValueError
        If there is no patch, the shapes differ, or the captions are not one a patch.
    """
    top, bottom = _unit_images(originals, target_range), _unit_images(reconstructions, target_range)
    if top.shape != bottom.shape:
        raise ValueError(f"originals and reconstructions differ in shape: {top.shape} and {bottom.shape}")
    if captions and len(captions) != len(top):
        raise ValueError(f"{len(captions)} captions do not fit {len(top)} patches")
    error = np.abs(top - bottom)
    error_end = max(float(np.quantile(error, ERROR_TOP)), 1 / 255)
    figure = Figure(figsize=(TILE_INCH * (len(top) + 1.2), TILE_INCH * 3.6), layout="compressed")
    grid = figure.subplots(3, len(top), squeeze=False)
    for column, images in enumerate(zip(top, bottom, strict=True)):
        for axes, image in zip(grid[:2, column], images, strict=True):
            axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        shown = grid[2, column].imshow(error[column], cmap=ERROR_MAP, vmin=0, vmax=error_end, interpolation="nearest")
        if captions:
            grid[0, column].set_title(captions[column], fontsize=TEXT_PT)
    _bare(grid.flat)
    for axes, name in zip(grid[:, 0], ROW_NAMES, strict=True):
        axes.set_ylabel(name, fontsize=TEXT_PT)
    bar = figure.colorbar(shown, ax=list(grid[2]), extend="max", pad=0.01, fraction=0.15 / len(top), aspect=10)
    bar.set_label("1 = black to white", fontsize=TEXT_PT)
    bar.ax.tick_params(labelsize=TEXT_PT)
    _set_title(figure, title)
    return figure_png(figure)


def samples_figure(samples: ArrayLike, *, n_columns: int = 8, title: str = "") -> bytes:
    """Draw patches side by side on one grey scale, black to white.

    Parameters
    ----------
    samples : array_like, shape (n, S, S) or (n, 1, S, S)
        On [0, 1].
    n_columns : int
        Patches a row, at least 1.
    title : str
        Above all; empty for none.

    Returns
    -------
    bytes
        PNG file.

    Raises
    ------
    ValueError
        If there is no patch, the shape is another or `n_columns` is below 1.
    """
    images = _unit_images(samples, "unit")
    if n_columns < 1:
        raise ValueError(f"n_columns must be at least 1, got {n_columns}")
    n_columns = min(n_columns, len(images))
    n_rows = -(-len(images) // n_columns)
    figure = Figure(figsize=(TILE_INCH * n_columns, TILE_INCH * n_rows + 0.5 * bool(title)), layout="compressed")
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    for axes, image in zip(grid.flat, images, strict=False):
        axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    for axes in grid.flat[len(images) :]:
        axes.set_visible(False)
    _bare(grid.flat)
    _set_title(figure, title)
    return figure_png(figure)


def loss_curves_figure(epochs: pl.DataFrame, *, floor_mse: float | None = None, title: str = "") -> bytes:
    """Draw how loss, PSNR and SSIM of one run went, epoch by epoch.

    Parameters
    ----------
    epochs : polars.DataFrame
        Rows of the table `epochs`, of one run.
    floor_mse : float, optional
        Least loss within the model's reach, drawn as a line (autoencoder only).
    title : str
        Above all; empty for none.

    Returns
    -------
    bytes
        PNG file.

    Raises
    ------
    ValueError
        If there is no epoch.
    """
    if epochs.is_empty():
        raise ValueError("there is no epoch to draw")
    epochs = epochs.sort("epoch")
    figure = Figure(figsize=(15, 4.8), layout=ConstrainedLayoutEngine(w_pad=0.15))
    loss, psnr, ssim = figure.subplots(1, 3)
    _curves(loss, epochs, {"training": "train_loss", "validation": "val_loss"}, "loss per patch")
    if floor_mse is not None:
        loss.axhline(floor_mse, color=GREY, linestyle=":", linewidth=2.5, label="floor: no model can be below")
    _curves(psnr, epochs, {"range 1 on [0, 1]": "val_psnr_db", "as in the report": "val_psnr_paper_db"}, "PSNR, dB")
    _curves(ssim, epochs, {"unnormalised": "val_ssim", "as in the report": "val_ssim_paper"}, "SSIM")
    for axes in (loss, psnr, ssim):
        axes.legend(fontsize=TEXT_PT - 1, framealpha=0.9)
    _set_title(figure, title)
    return figure_png(figure)


def label_difficulty_figure(summary: pl.DataFrame, *, split: str = "test", title: str = "") -> bytes:
    """Draw the mean error of each label value with its 95 % interval over images.

    Parameters
    ----------
    summary : polars.DataFrame
        Rows of the table `label_metrics`: ``label``, ``label_value``, ``split``, ``n_images``,
        ``mse``, ``mse_ci_low``, ``mse_ci_high``. Several rows of one value, e.g. its folds, stand
        side by side.
    split : str
        ``test`` or ``val``.
    title : str
        Above all; empty for none.

    Returns
    -------
    bytes
        PNG file.

    Raises
    ------
    ValueError
        If there is no row of that split.
    """
    rows = summary.filter(pl.col("split") == split)
    if rows.is_empty():
        raise ValueError(f"there is no row of split {split!r} to draw")
    labels = rows["label"].unique().sort().to_list()
    figure = Figure(figsize=(12, 2.9 * len(labels) + 1.2), layout=ConstrainedLayoutEngine(h_pad=0.1))
    panels = figure.subplots(len(labels), 1, sharey=True, squeeze=False)[:, 0]
    for axes, label in zip(panels, labels, strict=True):
        _difficulty_panel(axes, rows.filter(pl.col("label") == label))
        axes.set_title(label, loc="left", fontsize=TITLE_PT, fontweight="bold")
    figure.supylabel(f"mean squared error, {split}", fontsize=TEXT_PT)
    figure.supxlabel("label value, and below it its number of images n; bars: 95 % over images", fontsize=TEXT_PT)
    _set_title(figure, title)
    return figure_png(figure)


def _difficulty_panel(axes: Axes, rows: pl.DataFrame) -> None:
    """Draw one label: a point and a bar for each value, those of several runs side by side."""
    values = _ordered(rows["label_value"])
    names = []
    for position, value in enumerate(values):
        group = rows.filter(pl.col("label_value") == value)
        offsets = 0.5 * (np.arange(group.height) - (group.height - 1) / 2) / max(group.height, 2)
        mean = group["mse"].to_numpy()
        low = group["mse_ci_low"].fill_null(group["mse"]).to_numpy()
        high = group["mse_ci_high"].fill_null(group["mse"]).to_numpy()
        reach = np.maximum([mean - low, high - mean], 0)
        axes.errorbar(position + offsets, mean, reach, fmt="o", color=BLUE, markersize=7, capsize=4, linewidth=2)
        n_images = "-".join(str(n) for n in sorted({min(group["n_images"]), max(group["n_images"])}))
        names.append(f"{value}\nn {n_images}")
    axes.set_xticks(range(len(values)), names)
    axes.set_xlim(-0.6, len(values) - 0.4)
    _plain_axes(axes)


def _curves(axes: Axes, epochs: pl.DataFrame, columns: dict[str, str], name: str) -> None:
    """Draw some columns over epochs, each with a mark of its own."""
    styles = ((BLUE, "o", "-"), (ORANGE, "s", "--"))
    every = max(1, epochs.height // 10)
    for (label, column), (colour, mark, line) in zip(columns.items(), styles, strict=False):
        axes.plot(
            epochs["epoch"].to_numpy(),
            epochs[column].to_numpy(),
            color=colour,
            marker=mark,
            linestyle=line,
            linewidth=2.5,
            markersize=7,
            markevery=every,
            label=label,
        )
    axes.set_xlabel("epoch", fontsize=TEXT_PT)
    axes.set_ylabel(name, fontsize=TEXT_PT)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlim(epochs["epoch"][0] - 0.5, epochs["epoch"][-1] + 0.5)
    _plain_axes(axes)


def _plain_axes(axes: Axes) -> None:
    """Large tick labels, a faint grid, no box."""
    axes.tick_params(labelsize=TEXT_PT)
    axes.grid(axis="y", color="#DDDDDD")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _bare(panels: Iterable[Axes]) -> None:
    """Take ticks off images, and keep room for row names."""
    for axes in panels:
        axes.set_xticks([])
        axes.set_yticks([])


def _set_title(figure: Figure, title: str) -> None:
    """Write a title above all, where there is one, in as many lines as the width asks for."""
    if title:
        # A letter of this font is about 0.6 of its height wide; 72 points make an inch.
        letters = int(figure.get_figwidth() * 72 / (0.6 * TITLE_PT))
        figure.suptitle(textwrap.fill(title, letters), fontsize=TITLE_PT)


def _ordered(values: pl.Series) -> list[str]:
    """Return the distinct values, numbers by size and words by alphabet."""
    distinct = values.unique().sort()
    numbers = distinct.cast(pl.Float64, strict=False)
    return (distinct if numbers.null_count() else distinct.gather(numbers.arg_sort())).to_list()


def _unit_images(images: ArrayLike, target_range: str) -> NDArray[np.float64]:
    """Return images as (n, S, S) on [0, 1]."""
    array = np.asarray(images, dtype=np.float64)
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]  # (n, 1, S, S) -> (n, S, S)
    if array.ndim != 3 or len(array) == 0:
        raise ValueError(f"images must have shape (n, S, S) or (n, 1, S, S) with n at least 1, got {array.shape}")
    low, high = range_bounds(target_range)
    return (array - low) / (high - low)
