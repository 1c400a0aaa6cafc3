"""How trainings went, epoch by epoch: losses, PSNR, SSIM; the parts of a VAE's loss; many runs in one picture."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from deepdlt.figures.style import (
    BLUE,
    COLOURS,
    GREY,
    LINES,
    MARKS,
    ORANGE,
    TEXT_PT,
    figure_png,
    plain_axes,
    set_title,
)

MOST_NAMED = 7
"""Runs that have a colour of their own; more are drawn alike, with their median over them."""

QUANTITIES: Mapping[str, str] = {
    "train_loss": "training loss per patch",
    "val_psnr_db": "PSNR, dB (range 1 on [0, 1])",
    "val_ssim": "SSIM (unnormalised)",
    "val_loss": "validation loss per patch",
    "val_psnr_paper_db": "PSNR, dB (as in the report)",
    "val_ssim_paper": "SSIM (as in the report)",
}
"""Columns of the table `epochs`, in the order of their panels."""

LOSS_NAME = "loss per patch"
FLOOR_NAME = "floor: no model can be below"


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
    epochs = _by_epoch(epochs)
    figure, (loss, psnr, ssim) = _panels(1, 3)
    _curves(loss, epochs, {"training": "train_loss", "validation": "val_loss"}, LOSS_NAME)
    _floor(loss, floor_mse)
    _curves(psnr, epochs, {"range 1 on [0, 1]": "val_psnr_db", "as in the report": "val_psnr_paper_db"}, "PSNR, dB")
    _curves(ssim, epochs, {"unnormalised": "val_ssim", "as in the report": "val_ssim_paper"}, "SSIM")
    for axes in (loss, psnr, ssim):
        axes.legend(fontsize=TEXT_PT - 1, framealpha=0.9)
    set_title(figure, title)
    return figure_png(figure)


def vae_losses_figure(epochs: pl.DataFrame, *, title: str = "") -> bytes:
    """Draw the loss of a VAE and its two parts, reconstruction and KL divergence, each on its own scale.

    Parameters
    ----------
    epochs : polars.DataFrame
        Rows of the table `epochs`, of one run of a VAE.
    title : str
        Above all; empty for none.

    Returns
    -------
    bytes
        PNG file.

    Raises
    ------
    ValueError
        If there is no epoch, or the run has no KL divergence.
    """
    epochs = _by_epoch(epochs)
    if epochs["val_kl"].null_count() == epochs.height:
        raise ValueError("the run has no KL divergence: it is no VAE's")
    figure, (total, reconstruction, kl) = _panels(1, 3)
    _curves(total, epochs, {"training": "train_loss", "validation": "val_loss"}, "total loss per patch")
    parts = {"training": "train_reconstruction_loss", "validation": "val_reconstruction_loss"}
    _curves(reconstruction, epochs, parts, "reconstruction loss per patch")
    _curves(kl, epochs, {"training": "train_kl", "validation": "val_kl"}, "KL divergence, nats per patch")
    for axes in (total, reconstruction, kl):
        axes.legend(fontsize=TEXT_PT - 1, framealpha=0.9)
    set_title(figure, title)
    return figure_png(figure)


def overlaid_curves_figure(epochs: pl.DataFrame, *, floor_mse: float | None = None, title: str = "") -> bytes:
    """Draw how loss, PSNR and SSIM of several runs went, one line a run.

    Up to seven runs have a colour and a mark of their own; more are drawn alike, with their median.

    Parameters
    ----------
    epochs : polars.DataFrame
        Rows of the table `epochs`, with a column ``series``: the name of the run, e.g. ``fold 3``.
    floor_mse : float, optional
        Least loss within the models' reach, drawn as a line in both panels of losses.
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
    return figure_png(overlaid_curves(epochs, floor_mse=floor_mse, title=title))


def overlaid_curves(epochs: pl.DataFrame, *, floor_mse: float | None = None, title: str = "") -> Figure:
    """Build what `overlaid_curves_figure` renders."""
    epochs = _by_epoch(epochs)
    figure, panels = _panels(2, 3)
    names = epochs["series"].unique(maintain_order=True).sort().to_list()
    names.sort(key=_natural)
    for axes, (column, name) in zip(panels, QUANTITIES.items(), strict=True):
        _overlay(axes, epochs, names, column)
        _finish(axes, epochs, name)
        if "loss" in column:
            _floor(axes, floor_mse)
    handles, texts = panels[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=min(len(texts), 6), fontsize=TEXT_PT, frameon=False)
    set_title(figure, title)
    return figure


def _by_epoch(epochs: pl.DataFrame) -> pl.DataFrame:
    """Return the rows in order."""
    if epochs.is_empty():
        raise ValueError("there is no epoch to draw")
    return epochs.sort("epoch")


def _panels(n_rows: int, n_columns: int) -> tuple[Figure, list[Axes]]:
    """Return a wide figure and its panels."""
    figure = Figure(figsize=(15, 4.4 * n_rows + 0.6), layout=ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.1))
    return figure, list(figure.subplots(n_rows, n_columns, squeeze=False).flat)


def _curves(axes: Axes, epochs: pl.DataFrame, columns: Mapping[str, str], name: str) -> None:
    """Draw some columns over epochs, each with a mark of its own."""
    for place, (label, column) in enumerate(columns.items()):
        _line(axes, epochs, column, colour=(BLUE, ORANGE)[place], mark="os"[place], line=LINES[place], label=label)
    _finish(axes, epochs, name)


def _overlay(axes: Axes, epochs: pl.DataFrame, names: Sequence[str], column: str) -> None:
    """Draw one column of every run."""
    runs = {name: epochs.filter(pl.col("series") == name) for name in names}
    if len(names) <= MOST_NAMED:
        for place, (name, run) in enumerate(runs.items()):
            style = {"colour": COLOURS[place], "mark": MARKS[place], "line": LINES[place % len(LINES)]}
            _line(axes, run, column, label=name, **style)
        return
    for place, run in enumerate(runs.values()):
        label = f"each of {len(names)} runs" if place == 0 else "_"
        axes.plot(run["epoch"].to_numpy(), _numbers(run, column), color=BLUE, alpha=0.35, linewidth=1.5, label=label)
    median = epochs.group_by("epoch").agg(pl.col(column).median()).sort("epoch")
    _line(axes, median, column, colour=ORANGE, mark="s", line="-", label="median")


def _line(axes: Axes, epochs: pl.DataFrame, column: str, *, colour: str, mark: str, line: str, label: str) -> None:
    """Draw one column over epochs."""
    axes.plot(
        epochs["epoch"].to_numpy(),
        _numbers(epochs, column),
        color=colour,
        marker=mark,
        linestyle=line,
        linewidth=2.5,
        markersize=7,
        markevery=max(1, epochs.height // 10),
        label=label,
    )


def _numbers(epochs: pl.DataFrame, column: str) -> Any:
    """Return a column with gaps where nothing was measured."""
    return epochs[column].cast(pl.Float64).fill_null(np.nan).to_numpy()


def _finish(axes: Axes, epochs: pl.DataFrame, name: str) -> None:
    """Name the axes and give them ticks at whole epochs."""
    axes.set_xlabel("epoch", fontsize=TEXT_PT)
    axes.set_ylabel(name, fontsize=TEXT_PT)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlim(epochs["epoch"][0] - 0.5, epochs["epoch"][-1] + 0.5)
    plain_axes(axes)


def _floor(axes: Axes, floor_mse: float | None) -> None:
    """Draw the least loss within reach, where it is known."""
    if floor_mse is not None:
        axes.axhline(floor_mse, color=GREY, linestyle=":", linewidth=2.5, label=FLOOR_NAME)


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a key that puts fold 2 before fold 10."""
    return [(int(word), "") if word.isdigit() else (0, word) for word in name.replace(",", " ").split()]
