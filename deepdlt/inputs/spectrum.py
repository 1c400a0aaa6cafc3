"""Power spectra of patches: the Fourier view, and denoising by leaving weak components out."""

import math

import torch
from torch import Tensor

from deepdlt.inputs.scale import check_patches, from_unit, to_unit, widened
from deepdlt.quality.metrics import GREY_LEVELS
from deepdlt.training.target_ranges import range_bounds

ROUNDING_POWER = 1 / (12 * GREY_LEVELS**2)
"""Power of 8-bit rounding noise in every component, grey range 1: the variance of a uniform error of one
grey level. Nothing below it was in the picture, so logarithms of power start here."""


def power_spectrum(patches: Tensor) -> Tensor:
    r"""Return the power of every Fourier component of each patch.

    :math:`P_k = |\sum_x p_x e^{-2 \pi i k x / S}|^2 / S^2`, so that the sum over all components is
    the sum of squares over all pixels (Parseval). Component (0, 0), the mean, comes first.

    Parameters
    ----------
    patches : Tensor of float, shape (B, 1, S, S)
        Any range.

    Returns
    -------
    Tensor, shape (B, 1, S, S)
        Not negative, in float32 at least. Differentiable, also where the power is 0.

    Raises
    ------
    ValueError
        If the shape is another one.
    TypeError
        If the patches are no floats.
    """
    check_patches(patches)
    spectrum = torch.fft.fft2(widened(patches), norm="ortho")
    power: Tensor = spectrum.real.square() + spectrum.imag.square()
    return power


def log_power(patches: Tensor) -> Tensor:
    r"""Return the logarithm of the power spectrum, scaled to [0, 1].

    :math:`\log(1 + P / \epsilon) / \log(1 + S^2 / \epsilon)` with :math:`\epsilon` =
    `ROUNDING_POWER` and :math:`S^2` the greatest power a component can have, that of the mean of a
    white patch. The scale is one for all patches, so the power can be had back from it.

    Parameters
    ----------
    patches : Tensor of float, shape (B, 1, S, S)
        On [0, 1].

    Returns
    -------
    Tensor, shape (B, 1, S, S)
        In [0, 1] up to rounding; component (0, 0) comes first.

    Raises
    ------
    ValueError
        If the shape is another one.
    TypeError
        If the patches are no floats.
    """
    power = power_spectrum(patches)
    n_pixels = power.shape[-1] * power.shape[-2]
    return torch.log1p(power / ROUNDING_POWER) / math.log1p(n_pixels / ROUNDING_POWER)


def fourier_view(patches: Tensor, *, target_range: str) -> Tensor:
    """Return each patch's log power spectrum as a picture: the mean in the centre, at (S/2, S/2).

    Parameters
    ----------
    patches : Tensor of float, shape (B, 1, S, S)
        On the target range.
    target_range : str
        ``signed`` or ``unit``.

    Returns
    -------
    Tensor, same shape and dtype
        `log_power`, mapped from [0, 1] to the target range.

    Raises
    ------
    ValueError
        If the shape or the range is not known.
    TypeError
        If the patches are no floats.
    """
    view = log_power(to_unit(patches, target_range=target_range)).clamp(0, 1)
    centred = torch.fft.fftshift(view, dim=(-2, -1))
    return from_unit(centred, target_range=target_range).to(patches.dtype)


def fft_denoise(patches: Tensor, *, threshold: float, target_range: str) -> Tensor:
    """Leave the weak Fourier components of each patch out.

    A component stays if its magnitude is at least `threshold` times the largest one of the patch,
    the mean's left aside: what stays depends neither on brightness nor on contrast. The mean always
    stays. What is left may swing beyond black and white; it is clipped.

    Parameters
    ----------
    patches : Tensor of float, shape (B, 1, S, S)
        On the target range.
    threshold : float
        In [0, 1]. 0 leaves everything, 1 the mean and the strongest component.
    target_range : str
        ``signed`` or ``unit``.

    Returns
    -------
    Tensor, same shape and dtype
        On the target range.

    Raises
    ------
    ValueError
        If the shape, the range or the threshold is out of bounds.
    TypeError
        If the patches are no floats.
    """
    check_patches(patches)
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be in [0, 1], got {threshold}")
    low, high = range_bounds(target_range)
    spectrum = torch.fft.fft2(widened(patches))
    kept = torch.where(_is_strong(spectrum, threshold), spectrum, 0)
    clean: Tensor = torch.fft.ifft2(kept).real
    return clean.clamp(low, high).to(patches.dtype)


def _is_strong(spectrum: Tensor, threshold: float) -> Tensor:
    """Say which components stay, (B, 1, S, S); k and -k, equal but for rounding, share their fate."""
    magnitude = spectrum.abs()
    opposite = magnitude.flip((-2, -1)).roll((1, 1), (-2, -1))  # component -k at the place of k
    magnitude = torch.maximum(magnitude, opposite)
    magnitude[..., 0, 0] = 0
    is_strong: Tensor = magnitude >= threshold * magnitude.amax((-2, -1), keepdim=True)
    is_strong[..., 0, 0] = True
    return is_strong
