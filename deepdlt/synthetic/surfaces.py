"""Paint what a scanning electron microscope would see of one exposure.

A picture is built as the surface is: interference gives the fluence, fluence above the threshold
gives damage with a bright rim, ripples fill the damage, many pulses dig grooves and raise a crust,
the microscope adds uneven brightness and noise. Shapes are (M, N) float32, lengths micrometres,
brightness grey levels, unless said otherwise.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from deepdlt.synthetic.conditions import Condition
from deepdlt.synthetic.optics import beam_intensity, dlip_period, lipss_period

Field = NDArray[np.float32]

MIN_SIDE_PX = 16
"""Below this an image shows no pattern at all."""

THRESHOLD_UJ = 24.0
"""Energy at which ten pulses just damage the brightest line; sets the contrast, measured on nothing."""

INCUBATION = 0.85
"""Exponent of the usual law threshold ~ N ** (INCUBATION - 1) for metals."""

FLAT_GREY, DAMAGE_GREY, RIM_GREY, CRUST_GREY, GROOVE_GREY = 60.0, 38.0, 58.0, 62.0, 70.0
"""Grey levels chosen so that mean (90) and spread (40) resemble real micrographs."""

SHOT_NOISE = 0.5
"""Standard deviation of the shot noise over the square root of the grey level."""


@dataclass(frozen=True)
class Canvas:
    """A field of view with its scale and its random stream.

    Attributes
    ----------
    shape : tuple of int
        Height and width, in pixels.
    pixel_um : float
        Side of a pixel, in micrometres.
    rng : numpy.random.Generator
        Drawn from in a fixed order.
    """

    shape: tuple[int, int]
    pixel_um: float
    rng: np.random.Generator

    @cached_property
    def x_um(self) -> Field:
        """Columns' positions, shape (1, N)."""
        return (np.arange(self.shape[1]) * self.pixel_um).astype(np.float32)[None, :]

    @cached_property
    def y_um(self) -> Field:
        """Rows' positions, shape (M, 1)."""
        return (np.arange(self.shape[0]) * self.pixel_um).astype(np.float32)[:, None]

    @cached_property
    def wavenumbers(self) -> tuple[Field, Field]:
        """Cycles per micrometre along y, shape (M, 1), and x, shape (1, N // 2 + 1)."""
        along_y = fft.fftfreq(self.shape[0], self.pixel_um).astype(np.float32)[:, None]
        along_x = fft.rfftfreq(self.shape[1], self.pixel_um).astype(np.float32)[None, :]
        return along_y, along_x

    def noise(self, transfer: Field) -> Field:
        """Return noise of mean 0 and variance 1 whose spectrum has the amplitude `transfer`."""
        spectrum = self.rng.standard_normal((*transfer.shape, 2), dtype=np.float32).view(np.complex64)[..., 0]
        spectrum *= transfer
        spectrum[0, 0] = 0
        field: Field = fft.irfft2(spectrum, s=self.shape, overwrite_x=True)
        return field / max(float(field.std()), 1e-12)

    def grains(self, fine_um: float, coarse_um: float) -> Field:
        """Return noise between two lengths: a difference of Gaussian blurs."""
        return self.noise(self._blur(fine_um) - self._blur(coarse_um))

    def clouds(self, length_um: float) -> Field:
        """Return noise smoother than a length."""
        return self.noise(self._blur(length_um))

    def ripples(self, *, is_horizontal: bool, disorder: float) -> Field:
        """Return quasi-periodic ripples whose wave vector lies along the polarisation."""
        along, across = reversed(self.wavenumbers) if is_horizontal else self.wavenumbers
        wavenumber = np.float32(1 / lipss_period())
        spread_along, spread_across = wavenumber * (0.1 + 0.08 * disorder), wavenumber * (0.13 + 0.15 * disorder)
        period_filter = np.exp(-(((np.abs(along) - wavenumber) / spread_along) ** 2) / 2)
        return self.noise(period_filter * np.exp(-((across / spread_across) ** 2) / 2))

    def _blur(self, length_um: float) -> Field:
        """Return the transfer function of a Gaussian blur, shape (M, N // 2 + 1)."""
        along_y, along_x = (np.exp(-2 * (np.pi * length_um * k) ** 2) for k in self.wavenumbers)
        transfer: Field = along_y * along_x
        return transfer


def render_surface(
    condition: Condition, *, height_px: int, width_px: int, seed: np.random.SeedSequence
) -> NDArray[np.uint8]:
    """Paint one micrograph of an exposure.

    Parameters
    ----------
    condition : Condition
        Field of view, angle, pattern, polarisations, pulses and energies.
    height_px, width_px : int
        Size of the picture, in pixels; the scale is field of view along x over width.
    seed : numpy.random.SeedSequence
        Source of the picture's own stream. The same seed gives the same bytes with the same numpy
        and scipy on the same kind of processor.

    Returns
    -------
    ndarray of uint8, shape (height_px, width_px)
        Grey image.

    Raises
    ------
    ValueError
        If a side is shorter than `MIN_SIDE_PX`.
    """
    if min(height_px, width_px) < MIN_SIDE_PX:
        raise ValueError(f"a synthetic image is at least {MIN_SIDE_PX} px a side, got {height_px} x {width_px}")
    canvas = Canvas((height_px, width_px), condition.field_of_view_x_um / width_px, np.random.default_rng(seed))
    grain = canvas.grains(0.035, 0.09)
    fluence = _fluence(canvas, condition, grain)
    ripples = _ripples(canvas, condition)
    return _detected(canvas, _brightness(canvas, condition, fluence, ripples, grain))


def relative_dose(condition: Condition) -> float:
    """Return peak fluence over the damage threshold, dimensionless; pulses lower the threshold."""
    energy_uj = condition.pulse_energy_1_uj + condition.pulse_energy_2_uj
    incubation: float = (condition.n_pulses / 10) ** (1 - INCUBATION)
    return max(1.5, energy_uj / THRESHOLD_UJ * incubation)


def relative_age(condition: Condition) -> float:
    """Return the logarithm of the number of pulses, 1 at 500: how far structures have grown."""
    return float(np.log(condition.n_pulses) / np.log(500))


def _fluence(canvas: Canvas, condition: Condition, grain: Field) -> Field:
    """Return the local fluence over threshold: the interference pattern, a little out of place."""
    period_um = float(dlip_period(condition.angle_deg, wavelength_nm=condition.wavelength_nm))
    wander = (0.015 + 0.02 * relative_age(condition)) * period_um
    shift = wander * canvas.grains(0.25 * period_um + 0.2, 1.5 * period_um + 0.2) + 0.035 * canvas.grains(0.06, 0.25)
    start_x, start_y = canvas.rng.uniform(0, 2 * period_um, 2).astype(np.float32)
    pattern = beam_intensity(
        canvas.x_um + start_x + shift, canvas.y_um + start_y + shift, pattern=condition.pattern, period_um=period_um
    )
    unevenness = 1 + 0.06 * canvas.grains(0.9, 3.0) + 0.07 * grain
    return (relative_dose(condition) * pattern * unevenness).astype(np.float32)


def _ripples(canvas: Canvas, condition: Condition) -> Field:
    """Return the ripples of both pulses, each weighted by its share of the energy."""
    age = relative_age(condition)
    first = canvas.ripples(is_horizontal=condition.polarisation_1 == "H", disorder=age)
    if condition.polarisation_2 in (None, condition.polarisation_1):
        return first
    second = canvas.ripples(is_horizontal=condition.polarisation_2 == "H", disorder=age)
    share = condition.pulse_energy_2_uj / (condition.pulse_energy_1_uj + condition.pulse_energy_2_uj)
    return np.float32(np.sqrt(1 - share)) * first + np.float32(np.sqrt(share)) * second


def _brightness(canvas: Canvas, condition: Condition, fluence: Field, ripples: Field, grain: Field) -> Field:
    """Return the grey levels of flat metal, damage, rim, grooves and crust."""
    age, dose = relative_age(condition), relative_dose(condition)
    damage = _smooth_step((fluence - 0.85) / 0.4)
    rim = np.exp(-(((fluence - 1) / 0.22) ** 2))
    depth = age * np.log(np.maximum(fluence, 1))
    web = canvas.grains(0.05, 0.16)
    ridges = np.tanh(1.6 * (ripples + 0.45 * web))
    debris = np.maximum(grain - 0.8, 0)
    grown = float(_smooth_step((age - 0.64) / 0.1))  # 0 up to some 50 pulses, 1 from 100: bright lines turn dark
    crust = grown * (0.8 + 0.2 * float(_smooth_step((dose - 1.6) / 1.4)))
    grey = FLAT_GREY + 2.5 * grain - _scratches(canvas) * (1 - 0.8 * damage)
    grey += damage * (DAMAGE_GREY + (34 + 20 * age) * ridges + 14 * grain + 16 * debris * (1 + ridges))
    grey += rim * (RIM_GREY + 34 * np.maximum(grain, -1) + 18 * web)
    grey -= GROOVE_GREY * damage * (0.4 * grown + (1 - 0.4 * grown) * _smooth_step((depth - 0.4) / 0.9))
    grey += crust * (1 - damage) * (CRUST_GREY + 34 * canvas.grains(0.09, 0.22) + 10 * grain)
    return grey


def _scratches(canvas: Canvas, n_scratches: int = 3) -> Field:
    """Return how much darker near-horizontal polishing marks are."""
    darker = np.zeros(canvas.shape, np.float32)
    height_um = canvas.shape[0] * canvas.pixel_um
    for _ in range(n_scratches):
        start, width, strength = canvas.rng.uniform((0, 0.04, 5), (height_um, 0.12, 20)).astype(np.float32)
        slope = np.float32(canvas.rng.normal(0, 0.03))
        darker += strength * np.exp(-(((canvas.y_um - start - slope * canvas.x_um) / width) ** 2))
    return darker


def _detected(canvas: Canvas, grey: Field) -> NDArray[np.uint8]:
    """Add what the microscope adds: uneven brightness, shot noise, line jitter, 8 bits."""
    tilt_x, tilt_y = canvas.rng.normal(0, 0.04, 2).astype(np.float32)
    along_x, along_y = (axis / axis.max() * 2 - 1 for axis in (canvas.x_um, canvas.y_um))
    seen = np.maximum(grey * (1 + tilt_x * along_x + tilt_y * along_y + 0.03 * canvas.clouds(6.0)), 3)
    seen += SHOT_NOISE * np.sqrt(seen) * canvas.rng.standard_normal(canvas.shape, dtype=np.float32)
    seen += 0.8 * canvas.rng.standard_normal((canvas.shape[0], 1), dtype=np.float32)
    pixels: NDArray[np.uint8] = np.clip(seen, 0, 255).astype(np.uint8)
    return pixels


def _smooth_step(x: ArrayLike) -> Field:
    """Return 0 below 0, 1 above 1, a smooth rise between."""
    t = np.clip(np.asarray(x, np.float32), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
