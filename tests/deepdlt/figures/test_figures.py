"""All pictures: the same bytes for the same input, and nothing drawn of nothing."""

import functools
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from figure_inputs import DIFFICULTY, GAPS, GREY, NOISE, SHARES, epochs, placed, points, spectrum_pair
from png_pixels import pixels

from deepdlt.figures.codes import code_plane_figure
from deepdlt.figures.curves import loss_curves_figure, overlaid_curves_figure, vae_losses_figure
from deepdlt.figures.dataset import image_counts_figure, patch_grey_figure
from deepdlt.figures.difficulty import label_difficulty_figure, leakage_figure
from deepdlt.figures.extremes import extremes_figure
from deepdlt.figures.imagined import interpolations_figure, samples_figure, traversals_figure
from deepdlt.figures.reconstructions import FoldExamples, fold_reconstructions_figure, reconstruction_figure
from deepdlt.figures.shares import fold_shares_figure
from deepdlt.figures.spectra import spectra_figure

WALK = np.repeat(NOISE[:2, None], 3, 1)  # (2, 3, S, S)

FIGURES: dict[str, Callable[[], bytes]] = {
    "reconstructions": lambda: reconstruction_figure(GREY, GREY**2, captions=["19°"], title="test"),
    "folds": lambda: fold_reconstructions_figure([FoldExamples("fold 1", GREY, GREY**2, ["NP 10"])], title="folds"),
    "samples": lambda: samples_figure(np.repeat(GREY, 5, 0), n_columns=3, title="prior"),
    "interpolations": lambda: interpolations_figure(NOISE[:2], WALK, NOISE[2:4], shares=[0, 0.5, 1], title="ways"),
    "traversals": lambda: traversals_figure(WALK, steps=[-1, 0, 1], names=["z 1", "z 2"], title="walks"),
    "extremes": lambda: extremes_figure([placed(0)], [placed(1)], title="extremes"),
    "curves": lambda: loss_curves_figure(epochs(12), floor_mse=0.1, title="run"),
    "one-epoch": lambda: loss_curves_figure(epochs(1)),
    "vae-losses": lambda: vae_losses_figure(epochs(3), title="vae"),
    "overlaid": lambda: overlaid_curves_figure(epochs(4, "fold 1", "fold 2"), floor_mse=0.1),
    "many-overlaid": lambda: overlaid_curves_figure(epochs(4, *(f"fold {k}" for k in range(1, 11)))),
    "difficulty": lambda: label_difficulty_figure(DIFFICULTY, units={"NP": ""}, title="labels"),
    "leakage": lambda: leakage_figure(GAPS, title="gaps"),
    "codes": lambda: code_plane_figure(points(), {"NP": "", "EP1": "uj"}, method="tsne", title="codes"),
    "shares": lambda: fold_shares_figure(SHARES, unit="deg", title="folds"),
    "counts": lambda: image_counts_figure(DIFFICULTY, [1, 1, 2], units={"EP1": "uj"}, title="images"),
    "grey": lambda: patch_grey_figure(NOISE.mean((1, 2)), NOISE.std((1, 2)), title="patches"),
    "spectra": lambda: spectra_figure([spectrum_pair(31.25), spectrum_pair(None)], title="power"),
}


@functools.cache
def once(draw: Callable[[], bytes]) -> bytes:
    """Draw a picture, or return it as it was drawn before."""
    return draw()


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_the_same_input_gives_the_same_picture(draw: Callable[[], bytes]) -> None:
    """A picture is a PNG that is not empty, and its bytes can name it."""
    png = once(draw)
    assert png.startswith(b"\x89PNG")
    assert pixels(png).std() > 5
    assert draw() == png


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_picture_fits_a_page(draw: Callable[[], bytes]) -> None:
    """Wide enough for letters that can be read at half size, narrow enough for a screen, and no heavy file."""
    png = once(draw)
    height, width, _ = pixels(png).shape
    assert 500 <= width <= 1800
    assert 100 <= height <= 1800
    assert len(png) < 600_000


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: reconstruction_figure(GREY, np.zeros((2, 8, 8))), "differ in shape"),
        (lambda: reconstruction_figure(GREY, GREY, captions=["a", "b"]), "2 captions do not fit 1 patches"),
        (lambda: reconstruction_figure(GREY[0], GREY[0]), "must have shape"),
        (lambda: fold_reconstructions_figure([]), "no fold"),
        (lambda: samples_figure(np.zeros((0, 8, 8))), "n at least 1"),
        (lambda: samples_figure(GREY, n_columns=0), "n_columns must be at least 1"),
        (lambda: interpolations_figure(NOISE[:2], WALK, NOISE[2:4], shares=[0, 1]), "2 rows of 2 steps"),
        (lambda: traversals_figure(WALK, steps=[-1, 0, 1], names=["z 1"]), "1 names do not fit 2 rows"),
        (lambda: extremes_figure([], []), "must have shape"),
        (lambda: loss_curves_figure(epochs(1).clear()), "no epoch"),
        (lambda: vae_losses_figure(epochs(2).with_columns(val_kl=pl.lit(None, pl.Float64))), "no VAE's"),
        (lambda: label_difficulty_figure(DIFFICULTY.clear()), "no label value"),
        (lambda: leakage_figure(GAPS.clear()), "no gap"),
        (lambda: code_plane_figure(points().clear(), {"NP": ""}, method="pca"), "no code"),
        (lambda: fold_shares_figure(SHARES.clear()), "no fold"),
        (lambda: image_counts_figure(DIFFICULTY, []), "no image"),
        (lambda: patch_grey_figure([0.5], [0.1, 0.2]), "of the same patches"),
        (lambda: spectra_figure([]), "no spectrum"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw: Callable[[], bytes], message: str) -> None:
    """No empty picture is made."""
    with pytest.raises(ValueError, match=message):
        draw()
