"""Spectra, and what is made by them, against their closed forms."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_patches import random_patches, stream, wave

from deepdlt.inputs.corruption import add_gaussian_noise
from deepdlt.inputs.spectrum import ROUNDING_POWER, fft_denoise, fourier_view, log_power, power_spectrum
from deepdlt.training.target_ranges import TARGET_RANGES, range_bounds

BRIEFLY = settings(deadline=None, max_examples=25)  # the first FFT of a process takes a second or two
RANGES = st.sampled_from(sorted(TARGET_RANGES))
SEEDS = st.integers(0, 2**40)


@given(SEEDS, RANGES)
@BRIEFLY
def test_power_is_kept(seed: int, target_range: str) -> None:
    """The sum of the power over all components is the sum of squares over all pixels (Parseval)."""
    patches = random_patches(target_range=target_range, seed=seed).double()
    torch.testing.assert_close(power_spectrum(patches).sum((1, 2, 3)), patches.square().sum((1, 2, 3)))


def test_a_wave_has_two_components_beside_the_mean() -> None:
    """A sinusoid's power lies at its wave number and the opposite one, a quarter of S^2 swing^2 at each."""
    power = power_spectrum(wave(3, 5).double())[0, 0]
    expected = torch.zeros(32, 32, dtype=torch.float64)
    expected[3, 5] = expected[-3, -5] = 0.3**2 * 32**2 / 4
    expected[0, 0] = 0.5**2 * 32**2
    torch.testing.assert_close(power, expected, atol=1e-3, rtol=0)


@given(st.integers(0, 16), st.integers(0, 16), st.floats(0, 1), st.floats(0.01, 0.3))
@BRIEFLY
def test_a_pure_wave_survives_denoising(along_rows: int, along_columns: int, threshold: float, swing: float) -> None:
    """Whatever the threshold, a single sinusoid comes out as it went in: it is the strongest component."""
    patch = wave(along_rows, along_columns, swing=swing)
    torch.testing.assert_close(fft_denoise(patch, threshold=threshold, target_range="unit"), patch, atol=1e-5, rtol=0)


def test_a_component_stays_whole_or_goes() -> None:
    """A threshold at the very magnitude of a component never keeps it and drops the opposite one."""
    patch = 0.4 + 0.2 * random_patches(1, size_px=32)
    magnitude = torch.fft.fft2(patch).abs()
    magnitude[..., 0, 0] = 0
    for threshold in (magnitude / magnitude.amax()).flatten()[1::7].tolist():
        clean = torch.fft.fft2(fft_denoise(patch, threshold=threshold, target_range="unit")).abs()
        left = (clean / magnitude.clamp(min=1e-9))[magnitude > 1e-3]
        assert float(torch.minimum(left, (left - 1).abs()).max()) < 0.1


def test_denoising_takes_noise_off_a_wave() -> None:
    """A wave under noise comes back with less than a hundredth of the noise's power."""
    clean = wave(3, 5).expand(8, 1, 32, 32)
    noisy = add_gaussian_noise(clean, std=0.05, target_range="unit", generator=stream())
    left = fft_denoise(noisy, threshold=0.5, target_range="unit") - clean
    assert float(left.square().mean()) < 0.01 * float((noisy - clean).square().mean())


def test_the_threshold_is_relative_to_the_strongest_wave() -> None:
    """Of two waves with swings 4 to 1, the weaker one goes above a threshold of 1/4 and stays below it."""
    strong, weak = wave(2, 3, swing=0.2), wave(5, 1, mean=0, swing=0.05)
    low = fft_denoise(strong + weak, threshold=0.24, target_range="unit")
    high = fft_denoise(strong + weak, threshold=0.26, target_range="unit")
    torch.testing.assert_close(low, strong + weak, atol=1e-5, rtol=0)
    torch.testing.assert_close(high, strong, atol=1e-5, rtol=0)


def test_denoising_does_not_depend_on_brightness_or_range() -> None:
    """A brighter patch, and the same patch on [-1, 1], lose the same components."""
    patches = random_patches() * 0.5 + 0.2
    clean = fft_denoise(patches, threshold=0.6, target_range="unit")
    brighter = fft_denoise(patches + 0.1, threshold=0.6, target_range="unit")
    signed = fft_denoise(patches * 2 - 1, threshold=0.6, target_range="signed")
    torch.testing.assert_close(brighter - 0.1, clean, atol=1e-5, rtol=0)
    torch.testing.assert_close((signed + 1) / 2, clean, atol=1e-5, rtol=0)


@pytest.mark.parametrize("grey", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0])
def test_a_flat_patch_stays_flat(grey: float, threshold: float) -> None:
    """A patch of one grey has no strongest component and is left as it is."""
    patch = torch.full((1, 1, 16, 16), grey)
    torch.testing.assert_close(fft_denoise(patch, threshold=threshold, target_range="unit"), patch)


@given(SEEDS)
@BRIEFLY
def test_the_fourier_view_is_the_power_on_a_log_scale(seed: int) -> None:
    """The power can be had back from the view; the mean lies in its centre; the scale runs from black to white."""
    patches = random_patches(seed=seed).double()
    view = torch.fft.ifftshift(fourier_view(patches, target_range="unit"), dim=(-2, -1))
    power = ROUNDING_POWER * torch.expm1(view * math.log1p(16**2 / ROUNDING_POWER))
    torch.testing.assert_close(power, power_spectrum(patches))
    centre = fourier_view(patches, target_range="unit")[:, :, 8, 8]
    torch.testing.assert_close(centre, log_power(patches)[:, :, 0, 0])


@pytest.mark.parametrize("target_range", TARGET_RANGES)
def test_the_fourier_view_of_black_and_white_is_known(target_range: str) -> None:
    """Black has no power at all; white has the greatest there is, at the mean, and none elsewhere."""
    low, high = range_bounds(target_range)
    black = fourier_view(torch.full((1, 1, 16, 16), low), target_range=target_range)
    white = fourier_view(torch.full((1, 1, 16, 16), high), target_range=target_range)
    expected = torch.full((1, 1, 16, 16), low)
    assert torch.equal(black, expected)
    expected[0, 0, 8, 8] = high
    torch.testing.assert_close(white, expected, atol=1e-6, rtol=0)
