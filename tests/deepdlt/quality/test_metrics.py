"""Measures against scikit-image, closed forms, and patches without contrast."""

import numpy as np
import pytest
import small_patches  # noqa: F401  # one thread
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from deepdlt.quality import metrics

TOLERANCE = 1e-6
Pair = tuple[Tensor, Tensor]


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """Draw 8-bit targets on [0, 1] of any contrast, and float32 reconstructions near or far from them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, size_px = draw(st.integers(1, 40)), draw(st.integers(7, 20))
    contrast, noise = draw(st.floats(2, 255)), draw(st.sampled_from([1e-4, 1e-2, 0.3]))
    level = draw(st.floats(0, 255))
    grey = np.clip(level + contrast * (rng.random((n, 1, size_px, size_px)) - 0.5), 0, 255).astype(np.uint8)
    grey[:, :, 0, 0], grey[:, :, 0, 1] = 10, 12  # some contrast: constant patches have tests of their own
    target = (grey / 255).astype(np.float32)
    reconstruction = np.clip(target + noise * rng.standard_normal(target.shape), 0, 1).astype(np.float32)
    return torch.from_numpy(reconstruction), torch.from_numpy(target)


def one_by_one(pair: Pair) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return the patches of a batch as float64 images, for a library that takes one at a time."""
    return [(a[0].double().numpy(), b[0].double().numpy()) for a, b in zip(*pair, strict=True)]


def stretched(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an image from 0 to 1."""
    return (image - image.min()) / (image.max() - image.min())


@given(pairs())
@settings(max_examples=25, deadline=None)
def test_correct_measures_equal_scikit_image(pair: Pair) -> None:
    """MSE, PSNR of range 1 and SSIM of window 7 are scikit-image's."""
    images = one_by_one(pair)
    expected = {
        "mse": [mean_squared_error(b, a) for a, b in images],
        "psnr_db": [peak_signal_noise_ratio(b, a, data_range=1) for a, b in images],
        "ssim": [structural_similarity(b, a, win_size=7, data_range=1) for a, b in images],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(getattr(metrics, name)(*pair), values, rtol=0, atol=TOLERANCE, err_msg=name)


@given(pairs())
@settings(max_examples=25, deadline=None)
def test_the_reports_measures_equal_scikit_image(pair: Pair) -> None:
    """PSNR takes the target's own range on [-1, 1]; SSIM stretches both images and has a window of 5."""
    reconstruction, target = pair[0], pair[1] * 2 - 1
    images = one_by_one((reconstruction, target))
    psnr = [peak_signal_noise_ratio(b, a, data_range=b.max() - b.min()) for a, b in images]
    ssim = [structural_similarity(stretched(b), stretched(a), win_size=5, data_range=1) for a, b in images]
    np.testing.assert_allclose(metrics.psnr_paper_db(reconstruction, target), psnr, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(metrics.ssim_paper(reconstruction, target), ssim, rtol=0, atol=TOLERANCE)


def test_an_error_of_a_tenth_is_twenty_decibels() -> None:
    """10 log10(1 / 0.01) = 20."""
    target = torch.full((1, 1, 8, 8), 0.5, dtype=torch.float64)
    assert metrics.psnr_db(target + 0.1, target).item() == pytest.approx(20)


def test_the_reports_psnr_does_not_depend_on_the_scale() -> None:
    """A unit run and a signed one of the same relative error read the same."""
    x, y = torch.rand(2, 1, 8, 8, dtype=torch.float64), torch.rand(2, 1, 8, 8, dtype=torch.float64)
    unit = metrics.psnr_paper_db(x, y, target_range="unit")
    torch.testing.assert_close(metrics.psnr_paper_db(2 * x - 1, 2 * y - 1), unit)


def test_the_reports_ssim_ignores_brightness_and_contrast() -> None:
    """A reconstruction of half the contrast is perfect there, and not in truth."""
    target = torch.rand(3, 1, 16, 16)
    faint = 0.5 + 0.25 * target
    torch.testing.assert_close(metrics.ssim_paper(faint, target), torch.ones(3, dtype=torch.float64))
    assert (metrics.ssim(faint, target) < 0.9).all()


@pytest.mark.parametrize("reconstruction", [0.0, 0.25, 1.0], ids=["black", "equal", "white"])
def test_constant_patches_have_finite_measures(reconstruction: float) -> None:
    """No measure is NaN or infinite where target, reconstruction or both are flat."""
    flat = torch.full((1, 1, 16, 16), 0.25)
    others = (torch.full_like(flat, reconstruction), torch.rand(1, 1, 16, 16))
    for other in others:
        for pair in ((other, flat), (flat, other)):
            scores = metrics.all_metrics(*pair, target_range="unit")
            assert all(values.isfinite().all() for values in scores.values()), scores


def test_a_constant_target_counts_as_one_grey_level() -> None:
    """The report's PSNR of a flat target is 20 log10(grey level / error)."""
    flat = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    expected = 20 * np.log10((2 / 255) / 0.1)
    assert metrics.psnr_paper_db(flat + 0.1, flat).item() == pytest.approx(expected)


def test_identical_patches_are_perfect() -> None:
    """Equal images have no error, the stated greatest PSNR, and similarity 1."""
    x = torch.rand(2, 1, 16, 16)
    scores = metrics.all_metrics(x, x.clone(), target_range="unit")
    expected = {"mse": 0.0, "psnr_paper_db": 100.0, "ssim_paper": 1.0, "psnr_db": 100.0, "ssim": 1.0}
    assert {name: values.tolist() for name, values in scores.items()} == {
        name: pytest.approx([value, value]) for name, value in expected.items()
    }


def test_a_patch_scores_the_same_in_any_company() -> None:
    """Chunks of a large batch do not leak into each other."""
    x, y = torch.rand(70, 1, 12, 12), torch.rand(70, 1, 12, 12)
    together = metrics.ssim(x, y)
    alone = torch.cat([metrics.ssim(x[i : i + 1], y[i : i + 1]) for i in range(70)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)


def test_signed_images_are_mapped_for_the_correct_measures() -> None:
    """Correct PSNR and SSIM of a signed run are those of (x + 1) / 2; the others are of the run's own scale."""
    x, y = torch.rand(2, 1, 12, 12, dtype=torch.float64), 2 * torch.rand(2, 1, 12, 12, dtype=torch.float64) - 1
    scores = metrics.all_metrics(x, y, target_range="signed")
    torch.testing.assert_close(scores["mse"], metrics.mse(x, y))
    torch.testing.assert_close(scores["psnr_db"], metrics.psnr_db((x + 1) / 2, (y + 1) / 2))
    torch.testing.assert_close(scores["ssim"], metrics.ssim((x + 1) / 2, (y + 1) / 2))
    assert tuple(scores) == metrics.METRICS


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((2, 1, 8, 8), (1, 1, 8, 8)), r"\(B, 1, S, S\)"),
        (((1, 3, 8, 8), (1, 3, 8, 8)), r"\(B, 1, S, S\)"),
        (((1, 1, 6, 6), (1, 1, 6, 6)), "6 px is smaller than the SSIM window of 7 px"),
    ],
    ids=["unequal", "colour", "small"],
)
def test_shapes_that_do_not_fit_are_refused(shapes: tuple[tuple[int, ...], tuple[int, ...]], message: str) -> None:
    """Nothing is broadcast in silence."""
    with pytest.raises(ValueError, match=message):
        metrics.ssim(torch.rand(shapes[0]), torch.rand(shapes[1]))


def test_an_unknown_range_is_refused() -> None:
    """The message lists the ranges there are."""
    x = torch.rand(1, 1, 8, 8)
    with pytest.raises(ValueError, match="'byte' is not known: use one of signed, unit"):
        metrics.all_metrics(x, x, target_range="byte")
