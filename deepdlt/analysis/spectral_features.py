"""Raw spectral power as features: how strong a patch's structure is, by period and direction."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

GREY_LEVELS = 255
ROUNDING_POWER = 1 / (12 * GREY_LEVELS**2)
"""Power of 8-bit rounding in every component, grey range 1: logarithms start here."""

LEAST_FREQUENCY = 0.5
"""Inner edge of the first ring, in cycles a patch: all but the mean lies beyond."""

CHUNK = 1024
"""Patches transformed at once; 70 MB for 64 px."""


@dataclass(frozen=True, eq=False)
class SpectralBins:
    """Rings and sectors of the Fourier plane, those without a component left out.

    Attributes
    ----------
    frequency : ndarray of float64, shape (F,)
        Mean radius of each bin's components, in cycles a patch; the period is size_px over it, in pixels.
    angle_deg : ndarray of float64, shape (F,)
        Middle of its sector: direction of the wave vector from the columns' axis (right) towards
        the rows' (down), in degrees, in [0, 180).
    weights : ndarray of float32, shape (S * S, F)
        Averages over the components of each bin, which are in the order of ``fft2``.
    """

    frequency: NDArray[np.float64]
    angle_deg: NDArray[np.float64]
    weights: NDArray[np.float32]


@lru_cache(maxsize=8)
def spectral_bins(size_px: int, *, n_radial: int = 10, n_angular: int = 8) -> SpectralBins:
    """Divide the Fourier plane into rings of equal ratio and sectors of equal angle.

    Rings reach from half a cycle a patch to the Nyquist frequency; the corners beyond are left out.
    Sectors are centred on 0, so that vertical and horizontal stripes fall into the middle of one.

    Parameters
    ----------
    size_px : int
        Side S of a patch, at least 4 px.
    n_radial, n_angular : int
        Rings and sectors of the half plane (the power of k and -k is the same).

    Returns
    -------
    SpectralBins
        At most n_radial * n_angular bins, ring by ring; the innermost rings have no component in
        some sectors.

    Raises
    ------
    ValueError
        If a number is out of its bounds.
    """
    if size_px < 4 or min(n_radial, n_angular) < 1:
        raise ValueError(f"patches of at least 4 px and one bin are needed, got {size_px}, {n_radial}, {n_angular}")
    cycles = np.fft.fftfreq(size_px, 1 / size_px)
    rows, cols = np.meshgrid(cycles, cycles, indexing="ij")
    radius = np.hypot(rows, cols).ravel()
    sector_deg = 180 / n_angular
    sector = np.floor((np.degrees(np.arctan2(rows, cols)).ravel() + sector_deg / 2) / sector_deg) % n_angular
    edges = np.geomspace(LEAST_FREQUENCY, size_px / 2, n_radial + 1)
    ring = np.searchsorted(edges, radius, side="left") - 1  # the outermost ring holds the Nyquist frequency
    is_inside = (ring >= 0) & (ring < n_radial)
    number = np.where(is_inside, ring * n_angular + sector, -1).astype(int)
    bins = np.unique(number[is_inside])
    members = number[:, None] == bins  # (S * S, F)
    weights = members / members.sum(axis=0)
    return SpectralBins(
        frequency=radius @ weights, angle_deg=(bins % n_angular) * sector_deg, weights=weights.astype(np.float32)
    )


def spectral_features(patches: NDArray[np.generic], *, n_radial: int = 10, n_angular: int = 8) -> NDArray[np.float64]:
    """Return the logarithm of each patch's power, averaged in rings and sectors of the Fourier plane.

    The patch's mean is taken off and a Hann window put on (it keeps the patch's edges, which do not
    fit each other, from drawing a cross over the spectrum); then log10 of the mean power of each bin
    of `spectral_bins`, plus that of 8-bit rounding. Brightness does not count, contrast does.

    Parameters
    ----------
    patches : ndarray of uint8 or float, shape (n, S, S)
        Grey levels, or floats on [0, 1].
    n_radial, n_angular : int
        Rings and sectors, see `spectral_bins`.

    Returns
    -------
    ndarray of float64, shape (n, F)
        log10 of power; white noise of variance v gives log10(v) in every bin. 58 bins for 64 px.

    Raises
    ------
    ValueError
        If the patches are not square, or neither bytes nor floats.
    """
    if patches.ndim != 3 or patches.shape[1] != patches.shape[2]:
        raise ValueError(f"patches must have shape (n, S, S), got {patches.shape}")
    if patches.dtype != np.uint8 and not np.issubdtype(patches.dtype, np.floating):
        raise ValueError(f"patches must be uint8 grey levels or floats on [0, 1], got {patches.dtype}")
    size_px = patches.shape[1]
    bins = spectral_bins(size_px, n_radial=n_radial, n_angular=n_angular)
    window = hann_window(size_px)
    scale = np.float32(1 / GREY_LEVELS if patches.dtype == np.uint8 else 1)
    features = np.empty((len(patches), len(bins.frequency)))
    for start in range(0, len(patches), CHUNK):
        grey = patches[start : start + CHUNK].astype(np.float32) * scale
        waves = (grey - grey.mean(axis=(1, 2), keepdims=True)) * window
        power = np.abs(fft.fft2(waves, norm="ortho")) ** 2  # (n, S, S)
        mean_power = power.reshape(len(grey), -1) @ bins.weights
        features[start : start + CHUNK] = np.log10(mean_power + ROUNDING_POWER)
    return features


def hann_window(size_px: int) -> NDArray[np.float32]:
    """Return a Hann window of mean square 1, which leaves the power of noise as it is.

    Parameters
    ----------
    size_px : int
        Edge S, px.

    Returns
    -------
    ndarray of float32, shape (S, S)
    """
    line = np.sin(np.pi * (np.arange(size_px) + 0.5) / size_px) ** 2
    window = np.outer(line, line)
    scaled: NDArray[np.float32] = (window / np.sqrt((window**2).mean())).astype(np.float32)
    return scaled
