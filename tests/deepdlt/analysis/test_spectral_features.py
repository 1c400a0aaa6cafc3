"""Spectral features see period, direction and strength of a structure, and nothing of its brightness or place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepdlt.analysis.spectral_features import ROUNDING_POWER, spectral_bins, spectral_features


def fringes(cycles: float, angle_deg: float, *, phase: float = 0.0, strength: float = 0.2) -> np.ndarray:
    """Return one 64 px patch of fringes with their wave vector at an angle from the columns' axis."""
    rows, cols = np.mgrid[:64, :64] / 64
    turn = np.radians(angle_deg)
    wave = np.cos(2 * np.pi * cycles * (np.cos(turn) * cols + np.sin(turn) * rows) + phase)
    return np.asarray(0.5 + strength * wave)[None]


@settings(max_examples=40, deadline=None)
@given(st.floats(4, 28), st.floats(0, 180), st.floats(0, 6))
def test_the_strongest_bin_has_the_period_and_direction_of_the_fringes(
    cycles: float, angle_deg: float, phase: float
) -> None:
    """Whatever the phase, power peaks within a ring's ratio and a sector's half width (and one component)."""
    bins = spectral_bins(64)
    peak = spectral_features(fringes(cycles, angle_deg, phase=phase))[0].argmax()
    assert 1 / 1.6 < bins.frequency[peak] / cycles < 1.6
    away = abs(bins.angle_deg[peak] - angle_deg) % 180
    assert min(away, 180 - away) <= 11.25 + np.degrees(1 / cycles)


def test_vertical_stripes_vary_along_the_columns() -> None:
    """Stripes that run from top to bottom have their wave vector at 0 degrees; a turn by 90 makes it 90."""
    stripes = fringes(8, 0)
    bins = spectral_bins(64)
    assert np.ptp(stripes[0], axis=0).max() == 0
    assert bins.angle_deg[spectral_features(stripes)[0].argmax()] == 0
    assert bins.angle_deg[spectral_features(stripes.transpose(0, 2, 1))[0].argmax()] == 90


def test_white_noise_has_its_variance_in_every_bin() -> None:
    """Closed form: averaged over 400 patches, every bin holds the variance, 0.01."""
    noise = 0.5 + 0.1 * np.random.default_rng(0).standard_normal((400, 64, 64))
    power = (10 ** spectral_features(noise)).mean(axis=0)
    # Innermost bins average two to four components and lose a little with the patch's mean.
    assert np.allclose(power[spectral_bins(64).frequency > 3], 0.01, rtol=0.1)


def test_brightness_does_not_count_and_contrast_does() -> None:
    """Another level changes nothing; twice the contrast is 2 log10(2) where the structure is."""
    rng = np.random.default_rng(0)
    noise = 0.02 * rng.standard_normal((3, 64, 64))
    plain, brighter, stronger = (spectral_features(patches) for patches in (0.3 + noise, 0.6 + noise, 0.3 + 2 * noise))
    assert np.allclose(plain, brighter, atol=1e-3)
    assert np.allclose(stronger - plain, 2 * np.log10(2), atol=0.02)


def test_the_edges_of_a_patch_draw_no_cross() -> None:
    """Fringes that do not fit the patch leave less than 1e-5 of their power in the directions of its edges."""
    bins = spectral_bins(64)
    power = 10 ** spectral_features(fringes(8.4, 45))[0] - ROUNDING_POWER
    along_edges = power[(bins.angle_deg % 90 == 0) & (bins.frequency > 4)]
    assert along_edges.max() < 1e-5 * power.max()


def test_bytes_and_floats_are_the_same_patches() -> None:
    """Grey levels are scaled to [0, 1], whatever the chunk that they come in."""
    grey = np.random.default_rng(0).integers(0, 256, (1030, 16, 16)).astype(np.uint8)
    together = spectral_features(grey)
    assert np.allclose(together, spectral_features(grey / 255), atol=1e-4)
    assert np.allclose(together[-3:], spectral_features(grey[-3:]), atol=1e-5)


def test_a_constant_patch_has_the_power_of_rounding() -> None:
    """Nothing is NaN: the logarithm starts at what 8 bits cannot show."""
    features = spectral_features(np.full((2, 64, 64), 77, np.uint8))
    assert np.allclose(features, np.log10(ROUNDING_POWER), atol=1e-3)


@given(st.integers(4, 40), st.integers(1, 12), st.integers(1, 12))
def test_bins_average_the_half_plane_once(size_px: int, n_radial: int, n_angular: int) -> None:
    """Every component within the Nyquist circle is in one bin, k and -k in the same, and weights add up to 1."""
    bins = spectral_bins(size_px, n_radial=n_radial, n_angular=n_angular)
    assert bins.weights.sum(axis=0, dtype=np.float64) == pytest.approx(1, abs=1e-5)
    member = (bins.weights > 0).reshape(size_px, size_px, -1)
    cycles = np.fft.fftfreq(size_px, 1 / size_px)
    radius = np.hypot(*np.meshgrid(cycles, cycles))
    assert np.array_equal(member.sum(axis=2), (radius > 0) & (radius <= size_px / 2))
    opposite = np.roll(member[::-1, ::-1], (1, 1), (0, 1))
    is_paired = (np.abs(cycles) < size_px / 2)[:, None] & (np.abs(cycles) < size_px / 2)  # Nyquist has no partner
    assert np.array_equal(member[is_paired], opposite[is_paired])
    assert len(bins.frequency) == len(bins.angle_deg) <= n_radial * n_angular


@pytest.mark.parametrize(
    "patches",
    [np.zeros((2, 8, 7)), np.zeros((8, 8)), np.zeros((2, 8, 8), np.int32), np.zeros((2, 3, 3), np.uint8)],
    ids=["not square", "one", "integers", "tiny"],
)
def test_what_has_no_spectrum_here_is_refused(patches: np.ndarray) -> None:
    """Shape and type are checked before anything is computed."""
    with pytest.raises(ValueError, match="patches"):
        spectral_features(patches)
