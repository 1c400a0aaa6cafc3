"""Power of patches by spatial frequency alone: the mean over rings of the Fourier plane."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from deepdlt.analysis.spectral_features import CHUNK, hann_window


@dataclass(frozen=True, eq=False)
class RadialPower:
    """Mean power of each ring.

    Attributes
    ----------
    frequency : ndarray of float64, shape (S // 2,)
        Middle of each ring, in cycles per px: 1/S, 2/S, ... up to the Nyquist frequency, 0.5.
    power : ndarray of float64, shape (S // 2,)
        Mean over patches and over the ring's components of the squared magnitude, in grey levels squared,
        1 = black to white.
    """

    frequency: NDArray[np.float64]
    power: NDArray[np.float64]


def radial_power(patches: NDArray[np.floating]) -> RadialPower:
    r"""Return the mean power of patches over spatial frequency.

    Each patch's mean is taken off and a Hann window put on, so that edges which do not fit each other draw
    no cross over the spectrum. The transform is orthonormal: white noise of variance v has power v in
    every ring. Rings are one cycle a patch wide; the corners beyond the Nyquist frequency are left out.

    Parameters
    ----------
    patches : ndarray of float, shape (n, S, S)
        On [0, 1].

    Returns
    -------
    RadialPower

    Raises
    ------
    ValueError
        If there is no patch, or patches are not square or smaller than 4 px.

    Examples
    --------
    >>> fringes = 0.5 + 0.5 * np.sin(2 * np.pi * 8 * np.arange(64) / 64)
    >>> found = radial_power(np.tile(fringes, (1, 64, 1)))
    >>> float(found.frequency[found.power.argmax()] * 64)
    8.0
    """
    if patches.ndim != 3 or patches.shape[1] != patches.shape[2] or patches.shape[1] < 4 or not len(patches):
        raise ValueError(f"patches must have shape (n, S, S) with S at least 4, got {patches.shape}")
    size_px = patches.shape[1]
    ring, n_components = _rings(size_px)
    window = hann_window(size_px)
    total = np.zeros((size_px, size_px))
    for start in range(0, len(patches), CHUNK):
        grey = patches[start : start + CHUNK].astype(np.float32)
        waves = (grey - grey.mean(axis=(1, 2), keepdims=True)) * window
        total += (np.abs(fft.fft2(waves, norm="ortho")) ** 2).sum(0, dtype=np.float64)
    sums = np.bincount(ring.ravel(), weights=total.ravel(), minlength=size_px // 2 + 1)[1 : size_px // 2 + 1]
    frequency = np.arange(1, size_px // 2 + 1) / size_px
    return RadialPower(frequency=frequency, power=sums / n_components / len(patches))


def _rings(size_px: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the ring of each component, (S, S), and how many each ring has, (S // 2,)."""
    cycles = np.fft.fftfreq(size_px, 1 / size_px)
    ring = np.rint(np.hypot(cycles[:, None], cycles[None, :])).astype(np.int64)
    return ring, np.bincount(ring.ravel())[1 : size_px // 2 + 1]
