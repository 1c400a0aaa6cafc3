"""Curves, dots and bars: what they say, in numbers where a picture has them."""

import numpy as np
import polars as pl
import pytest
from figure_inputs import DIFFICULTY, GAPS, SHARES, epochs, points, spectrum_pair
from png_pixels import count_of, rgb

from deepdlt.figures.classes import value_classes
from deepdlt.figures.codes import code_plane
from deepdlt.figures.curves import overlaid_curves
from deepdlt.figures.difficulty import difficulty_panels, leakage_panel
from deepdlt.figures.shares import fold_shares_figure
from deepdlt.figures.spectra import spectra


def test_the_legend_of_codes_is_complete() -> None:
    """Every class of the label's values stands there with its unit, and every point has one."""
    figure = code_plane(points(), {"NP": "", "EP1": "uj"}, method="pca")
    pulses, energies = figure.axes
    for axes, label, unit in ((pulses, "NP", ""), (energies, "EP1", "uj")):
        counts = dict(points()[label].value_counts().iter_rows())
        said = [text.get_text() for text in axes.get_legend().get_texts()]
        assert said == [one.name for one in value_classes(counts, unit=unit)]
        assert sum(len(dots.get_offsets()) for dots in axes.collections) == points().height
    assert energies.get_title("left") == "EP1, µJ"


def test_distances_have_a_scale_in_pca_alone() -> None:
    """t-SNE and UMAP have no ticks."""
    (linear,) = code_plane(points(), {"NP": ""}, method="pca").axes
    (neighbours,) = code_plane(points(), {"NP": ""}, method="umap").axes
    assert len(linear.get_xticks()) > 2
    assert len(neighbours.get_xticks()) == 0


def test_every_run_has_its_line_in_every_panel() -> None:
    """Five folds, six panels, and a legend that names the folds in order."""
    names = [f"fold {k}" for k in (10, 2, 1)]
    figure = overlaid_curves(epochs(4, *names), floor_mse=0.1)
    assert [len(axes.lines) for axes in figure.axes] == [4, 3, 3, 4, 3, 3]  # the floor beside the losses
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()][:3] == ["fold 1", "fold 2", "fold 10"]


def test_many_runs_are_drawn_alike_with_their_median() -> None:
    """More lines than colours are no legend of ten."""
    figure = overlaid_curves(epochs(4, *(f"fold {k}" for k in range(1, 11))))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["each of 10 runs", "median"]


def test_difficulty_is_drawn_with_its_interval_and_its_images() -> None:
    """A bar from the lower to the upper end; no bar where there is one image."""
    pulses, pattern = difficulty_panels(DIFFICULTY, units={"NP": ""}).axes
    (bars,) = pulses.containers
    spans = [segment[:, 1].round(6).tolist() for segment in bars[2][0].get_segments()]
    assert spans == [[0.15, 0.3], [0.3, 0.3]]
    assert [tick.get_text() for tick in pulses.get_xticklabels()] == ["10\nn 5", "500\nn 1"]
    assert pulses.get_title("right") == "labels shuffled over conditions: p < 0.001"
    assert pattern.get_title("right") == ""


def test_leakage_is_drawn_against_zero() -> None:
    """One series a safe scheme, the line at no difference."""
    (axes,) = leakage_panel(GAPS).axes
    assert [list(line.get_ydata()) for line in axes.lines if list(line.get_xdata()) == [0, 1]] == [[0, 0]]
    assert sorted(bars.get_label() for bars in axes.containers) == ["condition", "grouped"]


def test_bars_are_as_long_as_shares() -> None:
    """Three quarters have three times the colour of one quarter, hatches and numbers aside."""
    many, few = value_classes({"5.5": 750, "19": 250}, unit="deg")
    png = fold_shares_figure(SHARES, unit="deg")
    ratio = count_of(png, rgb(many.colour), within=12) / count_of(png, rgb(few.colour), within=12)
    assert ratio == pytest.approx(3, rel=0.25)


def test_spectra_have_an_axis_of_micrometres_where_the_pixel_size_is_known() -> None:
    """At 31.25 nm a pixel, 0.5 cycles per px are 16 per µm."""
    known, unknown = spectra([spectrum_pair(31.25), spectrum_pair(None)]).axes
    (upper,) = known.child_axes
    assert upper.get_xlabel() == "cycles per µm"
    assert unknown.child_axes == []
    assert np.asarray(upper._functions[0](0.5)) == pytest.approx(16)


def test_spectra_are_drawn_in_original_and_reconstruction() -> None:
    """Half the contrast is a quarter of the power."""
    (axes,) = spectra([spectrum_pair(None)]).axes
    original, reconstruction = (np.asarray(line.get_ydata()) for line in axes.lines)
    np.testing.assert_allclose(reconstruction, original / 4, rtol=1e-5)


def test_a_null_leaves_a_gap() -> None:
    """Runs from before a column was there are drawn without it."""
    old = epochs(3, "old").with_columns(train_loss=pl.lit(None, pl.Float64))
    first = overlaid_curves(old).axes[0].lines[0]
    assert np.isnan(np.asarray(first.get_ydata())).all()
