"""Painted surfaces carry the physics that their conditions name."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from deepdlt.synthetic.conditions import CONDITIONS, Condition
from deepdlt.synthetic.optics import dlip_period, lipss_period
from deepdlt.synthetic.surfaces import Canvas, relative_dose, render_surface

HEIGHT_PX, WIDTH_PX = 480, 640


@cache
def painted(condition: Condition, seed: int = 0, **changes: object) -> NDArray[np.uint8]:
    """Return a picture of a condition, some of it changed."""
    changed = replace(condition, **changes)  # type: ignore[arg-type]
    return render_surface(changed, height_px=HEIGHT_PX, width_px=WIDTH_PX, seed=np.random.SeedSequence(seed))


def period_seen(pixels: NDArray[np.uint8], *, axis: int, low_um: float, high_um: float, field_um: float) -> float:
    """Return the strongest period of the mean profile along an axis, from a parabola through the FFT's peak."""
    profile = pixels.mean(axis=1 - axis)
    amplitude = np.abs(np.fft.rfft((profile - profile.mean()) * np.hanning(len(profile))))
    length_um = len(profile) * field_um / WIDTH_PX
    period_um = length_um / np.maximum(np.arange(len(amplitude)), 1e-9)
    peak = int(np.argmax(np.where((period_um > low_um) & (period_um < high_um), amplitude, 0)))
    left, centre, right = np.log(amplitude[peak - 1 : peak + 2])
    return length_um / (peak + (left - right) / (2 * (left - 2 * centre + right)))


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: f"{condition.folder}/{condition.stem}")
def test_the_dlip_period_is_measured_back(condition: Condition) -> None:
    """The strongest period above the ripples' is wavelength / (2 sin angle) to 2 %, for every angle and pattern."""
    pixels = painted(condition)
    across_fringes = 0 if condition.pattern == "H" else 1
    seen_um = period_seen(pixels, axis=across_fringes, low_um=1.2, high_um=8.0, field_um=condition.field_of_view_x_um)
    assert seen_um == pytest.approx(float(dlip_period(condition.angle_deg)), rel=0.02)


@pytest.mark.parametrize("polarisation", ["H", "V"])
def test_ripples_lie_across_the_polarisation(polarisation: str) -> None:
    """Along the polarisation the spectrum has far more power at 0.8 wavelengths than across it."""
    pixels = painted(CONDITIONS[9], polarisation_1=polarisation, angle_deg=5.5, n_pulses=10)
    power = np.abs(np.fft.fft2(pixels - pixels.mean())) ** 2
    pixel_um = 40 / WIDTH_PX
    wavenumber_y, wavenumber_x = np.meshgrid(
        np.fft.fftfreq(HEIGHT_PX, pixel_um), np.fft.fftfreq(WIDTH_PX, pixel_um), indexing="ij"
    )
    ring = np.abs(np.hypot(wavenumber_y, wavenumber_x) * lipss_period() - 1) < 0.2
    along_x = np.abs(wavenumber_x) > 2 * np.abs(wavenumber_y)
    along_y = np.abs(wavenumber_y) > 2 * np.abs(wavenumber_x)
    ratio = power[ring & along_x].mean() / power[ring & along_y].mean()
    assert ratio > 4 if polarisation == "H" else ratio < 1 / 4


def test_more_energy_damages_more_of_the_surface() -> None:
    """The share of pixels that are no longer flat metal grows with the pulse energy."""
    roughness = [np.abs(painted(CONDITIONS[0], pulse_energy_1_uj=energy) - 60.0).mean() for energy in (36, 60, 94)]
    assert roughness[0] < roughness[1] < roughness[2]


def test_more_pulses_need_less_energy_and_dig_deeper() -> None:
    """Incubation raises the dose; at 500 pulses the bright lines have become dark grooves."""
    few, many = CONDITIONS[23], replace(CONDITIONS[23], n_pulses=500)
    assert relative_dose(many) > relative_dose(few)
    assert np.percentile(painted(many), 5) < np.percentile(painted(few), 5) - 20


def test_more_pulses_make_the_fringes_wander() -> None:
    """The fringes' place, averaged over 30 rows, varies more along them after 500 pulses than after 10."""
    wander = []
    for n_pulses in (10, 500):
        pixels = painted(CONDITIONS[5], n_pulses=n_pulses)
        wave = np.exp(-2j * np.pi * np.arange(WIDTH_PX) * (40 / WIDTH_PX) / float(dlip_period(8.5)))
        phasors = np.convolve((pixels - pixels.mean()) @ wave, np.ones(30), "valid")
        wander.append(1 - np.abs((phasors / np.abs(phasors)).mean()))
    assert wander[1] > 1.3 * wander[0]


def test_more_pulses_make_the_ripples_less_regular() -> None:
    """Ripples after 500 pulses resemble themselves four periods away less than ripples after 10 do."""
    canvas = Canvas((256, 256), 0.1, np.random.default_rng(0))
    far_px = round(4 * lipss_period() / canvas.pixel_um)
    likeness = []
    for age in (0.37, 1.0):
        ripples = canvas.ripples(is_horizontal=True, disorder=age)
        likeness.append((ripples[:, :-far_px] * ripples[:, far_px:]).mean())
    assert likeness[0] > 1.5 * likeness[1]


def test_brightness_resembles_real_micrographs() -> None:
    """Mean and spread lie where those of real images do: 79-106 and 37-61 in a sample of 14."""
    means, spreads = zip(*[(p.mean(), p.std()) for p in map(painted, CONDITIONS)], strict=True)
    assert 79 < np.mean(means) < 106
    assert 37 < np.mean(spreads) < 61
    assert all(65 < mean < 125 for mean in means)


def test_a_picture_is_repeated_by_its_seed_alone() -> None:
    """The same seed gives the same bytes, another seed another picture."""
    first, again, other = painted(CONDITIONS[0]), painted(CONDITIONS[0]), painted(CONDITIONS[0], seed=1)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (128, 160)])
def test_small_pictures_are_painted_too(size: tuple[int, int]) -> None:
    """Odd and tiny sizes give a picture of that size with contrast in it."""
    pixels = render_surface(CONDITIONS[0], height_px=size[0], width_px=size[1], seed=np.random.SeedSequence(0))
    assert pixels.shape == size
    assert pixels.std() > 10


def test_a_picture_without_room_for_a_pattern_is_refused() -> None:
    """Fifteen pixels are not enough."""
    with pytest.raises(ValueError, match="at least 16 px"):
        render_surface(CONDITIONS[0], height_px=15, width_px=99, seed=np.random.SeedSequence(0))
