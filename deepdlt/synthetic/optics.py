"""Closed forms: where two and four beams write, and how far apart ripples lie."""

from typing import Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Pattern = Literal["V", "H", "D"]
"""V: vertical fringes; H: horizontal fringes; D: two beam pairs crossed, a lattice of spots."""

Float = TypeVar("Float", bound=np.floating)

WAVELENGTH_NM = 1026.0
"""Of the laser behind every row of the DLIP sheet."""

LIPSS_PER_WAVELENGTH = 0.8
"""Ripple period of low-spatial-frequency LIPSS on metals, as a share of the wavelength."""


def dlip_period(angle_deg: ArrayLike, *, wavelength_nm: float = WAVELENGTH_NM) -> NDArray[np.float64]:
    r"""Return the interference period two beams write on the surface.

    Two plane waves that meet at half-angle :math:`\theta` form fringes of period
    :math:`\Lambda = \lambda / (2 \sin\theta)`.

    Parameters
    ----------
    angle_deg : array_like of float, shape (N,) or scalar
        Half-angle between the beams, in degrees, in (0, 90].
    wavelength_nm : float
        Vacuum wavelength, in nanometres.

    Returns
    -------
    period_um : ndarray of float64, same shape as `angle_deg`
        Fringe period, in micrometres.

    Raises
    ------
    ValueError
        If an angle is outside (0, 90] or the wavelength is not positive.

    Examples
    --------
    >>> dlip_period([5.5, 19.0]).round(2)
    array([5.35, 1.58])
    """
    angle = np.asarray(angle_deg, dtype=np.float64)
    if not ((angle > 0) & (angle <= 90)).all():
        raise ValueError(f"angle_deg must lie in (0, 90], got {angle.tolist()}")
    if not wavelength_nm > 0:
        raise ValueError(f"wavelength_nm must be positive, got {wavelength_nm}")
    period_um: NDArray[np.float64] = wavelength_nm * 1e-3 / (2 * np.sin(np.deg2rad(angle)))
    return period_um


def lipss_period(*, wavelength_nm: float = WAVELENGTH_NM) -> float:
    """Return the period of the ripples that form across the polarisation.

    Parameters
    ----------
    wavelength_nm : float
        Vacuum wavelength, in nanometres.

    Returns
    -------
    period_um : float
        Ripple period, in micrometres.

    Raises
    ------
    ValueError
        If the wavelength is not positive.

    Examples
    --------
    >>> round(lipss_period(), 2)
    0.82
    """
    if not wavelength_nm > 0:
        raise ValueError(f"wavelength_nm must be positive, got {wavelength_nm}")
    return LIPSS_PER_WAVELENGTH * wavelength_nm * 1e-3


def beam_intensity(x_um: NDArray[Float], y_um: NDArray[Float], *, pattern: Pattern, period_um: float) -> NDArray[Float]:
    r"""Return the interference pattern of two beams, or of two crossed pairs.

    A pair of beams gives :math:`\cos^2(\pi x / \Lambda)`. Two pairs at right angles add their
    fields before squaring, :math:`(\cos(\pi x/\Lambda) + \cos(\pi y/\Lambda))^2 / 4`: spots on a
    chequerboard whose rows and columns are one period apart.

    Parameters
    ----------
    x_um, y_um : ndarray of float, shapes that broadcast to (M, N)
        Positions on the surface, in micrometres.
    pattern : {"V", "H", "D"}
        Fringe direction.
    period_um : float
        Fringe period of one pair, in micrometres.

    Returns
    -------
    ndarray of float, shape (M, N)
        Intensity relative to its peak, in [0, 1].

    Raises
    ------
    ValueError
        If the pattern is unknown or the period is not positive.
    """
    if not period_um > 0:
        raise ValueError(f"period_um must be positive, got {period_um}")
    phase_x, phase_y = np.pi / period_um * x_um, np.pi / period_um * y_um
    match pattern:
        case "V":
            field = np.cos(phase_x) + 0 * phase_y
        case "H":
            field = np.cos(phase_y) + 0 * phase_x
        case "D":
            field = (np.cos(phase_x) + np.cos(phase_y)) / 2
        case _:
            raise ValueError(f"pattern must be one of V, H, D, got {pattern!r}")
    intensity: NDArray[Float] = field**2
    return intensity
