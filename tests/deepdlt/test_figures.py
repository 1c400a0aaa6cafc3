"""Pictures: what they show, how they are scaled, what they refuse."""

import io
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepdlt.figures import label_difficulty_figure, loss_curves_figure, reconstruction_figure, samples_figure

GREY = np.linspace(0, 1, 64).reshape(1, 8, 8)


def pixels(png: bytes) -> NDArray[np.uint8]:
    """Return a picture as (rows, columns, RGB)."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def share_of(png: bytes, colour: tuple[int, int, int]) -> float:
    """Return how much of a picture has exactly one colour."""
    return float((pixels(png) == colour).all(-1).mean())


def epochs(n: int) -> pl.DataFrame:
    """Return a history of n epochs."""
    falling = 0.1 + 1 / np.arange(1, n + 1)
    names = ("train_loss", "val_loss", "val_psnr_db", "val_psnr_paper_db", "val_ssim", "val_ssim_paper")
    return pl.DataFrame({"epoch": np.arange(1, n + 1), **dict.fromkeys(names, falling)})


def difficulty() -> pl.DataFrame:
    """Return a summary of two labels, one value with two folds and one without an interval."""
    columns = ["label", "label_value", "split", "n_images", "mse", "mse_ci_low", "mse_ci_high"]
    rows = [
        ("NP", "10", "test", 5, 0.2, 0.1, 0.3),
        ("NP", "10", "test", 6, 0.22, 0.1, 0.3),
        ("NP", "500", "test", 1, 0.3, None, None),
        ("PP1", "V", "test", 5, 0.2, 0.1, 0.3),
    ]
    return pl.DataFrame(rows, schema=columns, orient="row")


FIGURES: dict[str, Callable[[], bytes]] = {
    "reconstructions": lambda: reconstruction_figure(GREY, GREY**2, captions=["19°"], title="test"),
    "samples": lambda: samples_figure(np.repeat(GREY, 5, 0), n_columns=3, title="prior"),
    "curves": lambda: loss_curves_figure(epochs(12), floor_mse=0.1, title="run"),
    "one-epoch": lambda: loss_curves_figure(epochs(1)),
    "difficulty": lambda: label_difficulty_figure(difficulty(), title="labels"),
}


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_the_same_input_gives_the_same_picture(draw: Callable[[], bytes]) -> None:
    """A picture is a PNG that is not empty, and its bytes can name it."""
    png = draw()
    assert png.startswith(b"\x89PNG")
    assert pixels(png).std() > 5
    assert draw() == png


def test_originals_and_reconstructions_share_one_grey_scale() -> None:
    """Black stays black and mid-grey stays mid-grey: no patch is stretched to its own contrast."""
    mid = np.full((1, 8, 8), 0.5)
    both = reconstruction_figure(np.zeros((1, 8, 8)), mid)
    alone = reconstruction_figure(mid, mid)
    assert share_of(both, (127, 127, 127)) + share_of(both, (128, 128, 128)) > 0.08
    tiles = share_of(alone, (127, 127, 127)) + share_of(alone, (128, 128, 128))
    assert tiles == pytest.approx(2 * (share_of(both, (127, 127, 127)) + share_of(both, (128, 128, 128))), rel=0.15)


def test_signed_patches_are_drawn_as_the_unit_ones_they_are() -> None:
    """The picture of x on [-1, 1] is that of (x + 1) / 2 on [0, 1]."""
    unit = reconstruction_figure(GREY, GREY**2)
    signed = reconstruction_figure(2 * GREY - 1, 2 * GREY**2 - 1, target_range="signed")
    np.testing.assert_allclose(pixels(signed).astype(float), pixels(unit), rtol=0, atol=2)


def test_a_perfect_reconstruction_has_a_dark_error_map() -> None:
    """The error scale does not blow up rounding to full brightness."""
    perfect, wrong = reconstruction_figure(GREY, GREY), reconstruction_figure(GREY, GREY + 0.2)
    darkest = (0, 0, 3)
    assert share_of(perfect, darkest) > share_of(wrong, darkest) + 0.05


def test_patches_may_have_a_channel() -> None:
    """What comes from a model needs no reshaping."""
    assert samples_figure(GREY[:, None]) == samples_figure(GREY)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: reconstruction_figure(GREY, np.zeros((2, 8, 8))), "differ in shape"),
        (lambda: reconstruction_figure(GREY, GREY, captions=["a", "b"]), "2 captions do not fit 1 patches"),
        (lambda: reconstruction_figure(GREY[0], GREY[0]), "must have shape"),
        (lambda: samples_figure(np.zeros((0, 8, 8))), "n at least 1"),
        (lambda: samples_figure(GREY, n_columns=0), "n_columns must be at least 1"),
        (lambda: loss_curves_figure(epochs(1).clear()), "no epoch"),
        (lambda: label_difficulty_figure(difficulty(), split="val"), "no row of split 'val'"),
    ],
    ids=["shapes", "captions", "one-image", "no-sample", "no-column", "no-epoch", "no-row"],
)
def test_what_cannot_be_drawn_is_refused(draw: Callable[[], bytes], message: str) -> None:
    """No empty picture is made."""
    with pytest.raises(ValueError, match=message):
        draw()
