"""How close a reconstruction is: the report's measures and the correct ones, patch by patch.

Every function takes a batch and returns one number a patch, computed in float64; on a CPU by
`deepdlt.quality.kernels`, elsewhere by torch. The correct
measures, `psnr_db` and `ssim`, are for images on [0, 1] with that fixed range. The report's,
`psnr_paper_db` and `ssim_paper`, depend on the contrast of each patch; they are here to compare
with what was published and for nothing else. No measure is NaN for finite images.
"""

import torch
from torch import Tensor

from deepdlt.quality.kernels import batched_scores, batched_ssim
from deepdlt.training.target_ranges import range_bounds

PSNR_CAP_DB = 100.0
"""PSNR of identical images. Rounding to 8 bits alone costs more: 58.9 dB."""

SSIM_WINDOW_PX = 7
SSIM_PAPER_WINDOW_PX = 5
SSIM_K1, SSIM_K2 = 0.01, 0.03
"""Constants of Wang et al. 2004, doi:10.1109/TIP.2003.819861; scikit-image has the same."""

SSIM_CONSTANTS = (SSIM_K1**2, SSIM_K2**2)
"""C1 and C2 for a data range of 1."""

METRICS = ("mse", "psnr_paper_db", "ssim_paper", "psnr_db", "ssim")

GREY_LEVELS = 255
DEVICE_CHUNK = 4096
"""Patches whose windows are averaged at once."""


def mse(reconstruction: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared error of each patch.

    Parameters
    ----------
    reconstruction, target : Tensor, shape (B, 1, S, S)
        Any range.

    Returns
    -------
    Tensor of float64, shape (B,)

    Raises
    ------
    ValueError
        If the shapes differ or are not (B, 1, S, S).
    """
    reconstruction, target = _pair(reconstruction, target)
    return (reconstruction - target).square().mean((1, 2, 3))


def psnr_db(reconstruction: Tensor, target: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio of each patch for a data range of 1.

    Parameters
    ----------
    reconstruction, target : Tensor, shape (B, 1, S, S)
        On [0, 1].

    Returns
    -------
    Tensor of float64, shape (B,)
        In decibels, at most `PSNR_CAP_DB` (identical patches).

    Raises
    ------
    ValueError
        If the shapes differ or are not (B, 1, S, S).
    """
    return _decibels(torch.ones((), dtype=torch.float64), mse(reconstruction, target))


def psnr_paper_db(reconstruction: Tensor, target: Tensor, *, target_range: str = "signed") -> Tensor:
    """Return the report's PSNR: the range in it is the target patch's own, maximum minus minimum.

    A patch of low contrast scores low however small its error. A constant target has no range; it
    counts as one grey level, the least contrast that an 8-bit patch can have.

    Parameters
    ----------
    reconstruction, target : Tensor, shape (B, 1, S, S)
        On the target's scale, which the measure does not depend on otherwise.
    target_range : str
        ``signed`` for targets on [-1, 1], ``unit`` for [0, 1]: how large a grey level is.

    Returns
    -------
    Tensor of float64, shape (B,)
        In decibels, at most `PSNR_CAP_DB` (identical patches).

    Raises
    ------
    ValueError
        If the shapes differ or are not (B, 1, S, S), or the range is not known.
    """
    low, high = range_bounds(target_range)
    reconstruction, target = _pair(reconstruction, target)
    contrast = target.amax((1, 2, 3)) - target.amin((1, 2, 3))  # (B,)
    return _decibels(contrast.clamp(min=(high - low) / GREY_LEVELS), mse(reconstruction, target))


def ssim(reconstruction: Tensor, target: Tensor) -> Tensor:
    """Return the structural similarity of each patch: window 7 px, data range 1.

    Equal to ``skimage.metrics.structural_similarity(..., win_size=7, data_range=1)`` in float64.

    Parameters
    ----------
    reconstruction, target : Tensor, shape (B, 1, S, S)
        On [0, 1], S at least 7.

    Returns
    -------
    Tensor of float64, shape (B,)
        In [-1, 1]; 1 for identical patches.

    Raises
    ------
    ValueError
        If the shapes differ, are not (B, 1, S, S) or are smaller than the window.
    """
    return _windowed_ssim(*_pair(reconstruction, target), window_px=SSIM_WINDOW_PX, is_stretched=False)


def ssim_paper(reconstruction: Tensor, target: Tensor) -> Tensor:
    """Return the report's SSIM: both patches stretched to [0, 1] first, each for itself; window 5 px.

    Brightness and contrast of the reconstruction do not count. A constant patch, which cannot be
    stretched, counts as black.

    Parameters
    ----------
    reconstruction, target : Tensor, shape (B, 1, S, S)
        Any range, S at least 5.

    Returns
    -------
    Tensor of float64, shape (B,)
        In [-1, 1]; 1 for patches that differ in brightness and contrast alone.

    Raises
    ------
    ValueError
        If the shapes differ, are not (B, 1, S, S) or are smaller than the window.
    """
    reconstruction, target = _pair(reconstruction, target)
    return _windowed_ssim(reconstruction, target, window_px=SSIM_PAPER_WINDOW_PX, is_stretched=True)


def all_metrics(reconstruction: Tensor, target: Tensor, *, target_range: str) -> dict[str, Tensor]:
    """Return every measure of a batch, each on the scale that it is defined on.

    `mse` and the report's measures are taken as given. For the correct ones, both images of a
    signed run are mapped by ``(x + 1) / 2`` to [0, 1]: the decoder's sigmoid output *is* the
    reconstruction on the signed scale, so it lands in [0.5, 1], and what it cannot reach shows.

    Parameters
    ----------
    reconstruction, target : Tensor, shape (B, 1, S, S)
        On the run's target range.
    target_range : str
        ``signed`` for targets on [-1, 1], ``unit`` for [0, 1].

    Returns
    -------
    dict of str to Tensor of float64, shape (B,)
        By the names in `METRICS`.

    Raises
    ------
    ValueError
        If the shapes do not fit or the range is not known.
    """
    low, high = range_bounds(target_range)
    if target.device.type == "cpu":
        _check_shapes(reconstruction, target)
        return _all_on_cpu(reconstruction, target, low, high)
    reconstruction, target = _pair(reconstruction, target)
    unit = ((reconstruction - low) / (high - low), (target - low) / (high - low))
    return {
        "mse": mse(reconstruction, target),
        "psnr_paper_db": psnr_paper_db(reconstruction, target, target_range=target_range),
        "ssim_paper": ssim_paper(reconstruction, target),
        "psnr_db": psnr_db(*unit),
        "ssim": ssim(*unit),
    }


def _check_shapes(reconstruction: Tensor, target: Tensor) -> None:
    """Refuse what is no pair of batches."""
    if reconstruction.shape != target.shape or target.ndim != 4 or target.shape[1] != 1:
        shapes = f"{tuple(reconstruction.shape)} and {tuple(target.shape)}"
        raise ValueError(f"reconstruction and target must both be (B, 1, S, S), got {shapes}")


def _pair(reconstruction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Check the shapes and widen both to float64; Apple's GPUs have none, there the CPU takes over."""
    _check_shapes(reconstruction, target)
    if target.device.type == "mps":
        reconstruction, target = reconstruction.cpu(), target.cpu()
    return reconstruction.double(), target.double()


def _all_on_cpu(reconstruction: Tensor, target: Tensor, low: float, high: float) -> dict[str, Tensor]:
    """Return every measure of a batch from one look at each patch."""
    _check_window(target, SSIM_WINDOW_PX)
    error, contrast, ssim_stretched, ssim_unit = batched_scores(
        reconstruction,
        target,
        bounds=(low, high),
        windows_px=(SSIM_PAPER_WINDOW_PX, SSIM_WINDOW_PX),
        constants=SSIM_CONSTANTS,
    )
    one = torch.ones((), dtype=torch.float64)
    return {
        "mse": error,
        "psnr_paper_db": _decibels(contrast.clamp(min=(high - low) / GREY_LEVELS), error),
        "ssim_paper": ssim_stretched,
        "psnr_db": _decibels(one, error / (high - low) ** 2),
        "ssim": ssim_unit,
    }


def _decibels(peak: Tensor, error: Tensor) -> Tensor:
    """Return 10 log10(peak^2 / error), capped."""
    tiny = torch.finfo(torch.float64).tiny
    return (20 * peak.log10() - 10 * error.clamp(min=tiny).log10()).clamp(max=PSNR_CAP_DB)


def _stretched(x: Tensor) -> Tensor:
    """Map each patch's minimum to 0 and maximum to 1; a constant one to 0."""
    low, high = x.amin((1, 2, 3), keepdim=True), x.amax((1, 2, 3), keepdim=True)
    contrast = high - low
    return (x - low) / torch.where(contrast > 0, contrast, 1.0)


def _window_mean_matrix(size_px: int, window_px: int, like: Tensor) -> Tensor:
    """Return W with (W x) the means over every whole window along a column: (S - w + 1, S)."""
    column = torch.arange(size_px, device=like.device)  # (S,)
    offset = column - column[: size_px - window_px + 1, None]  # (S - w + 1, S)
    return ((offset >= 0) & (offset < window_px)).to(like.dtype) / window_px


def _check_window(x: Tensor, window_px: int) -> None:
    """Refuse a patch that no window fits in."""
    size_px = min(x.shape[-2:])
    if size_px < window_px:
        raise ValueError(f"a patch of {size_px} px is smaller than the SSIM window of {window_px} px")


def _windowed_ssim(x: Tensor, y: Tensor, *, window_px: int, is_stretched: bool) -> Tensor:
    """Average the similarity of all whole windows: uniform weights, sample covariance."""
    _check_window(x, window_px)
    if x.device.type == "cpu":
        return batched_ssim(x, y, window_px=window_px, constants=SSIM_CONSTANTS, is_stretched=is_stretched)
    pair = (_stretched(x), _stretched(y)) if is_stretched else (x, y)
    return ssim_by_products(*pair, window_px=window_px)


def ssim_by_products(x: Tensor, y: Tensor, *, window_px: int) -> Tensor:
    """Return the structural similarity of each pair of patches, with window means as matrix products.

    For devices on which such products cost next to nothing; on a CPU, `deepdlt.quality.kernels` is faster.

    Parameters
    ----------
    x, y : Tensor of float64, shape (B, 1, S, S)
        On [0, 1].
    window_px : int
        Edge of a window, at most S.

    Returns
    -------
    Tensor of float64, shape (B,)
    """
    rows = _window_mean_matrix(x.shape[-2], window_px, x)
    cols = _window_mean_matrix(x.shape[-1], window_px, x).T
    parts = zip(torch.split(x, DEVICE_CHUNK), torch.split(y, DEVICE_CHUNK), strict=True)
    return torch.cat([_ssim_of_chunk(a, b, rows, cols, n_window=window_px**2) for a, b in parts])


def _ssim_of_chunk(x: Tensor, y: Tensor, rows: Tensor, cols: Tensor, *, n_window: int) -> Tensor:
    """Return SSIM (B,) from window means, which `rows` and `cols` take on either side of an image."""
    c1, c2 = SSIM_CONSTANTS
    maps = torch.stack((x, y, x * x + y * y, x * y))  # (4, B, 1, S, S)
    mean_x, mean_y, mean_squares, mean_xy = rows @ (maps @ cols)  # (B, 1, S - w + 1, S - w + 1) each
    product, squares = mean_x * mean_y, mean_x.square() + mean_y.square()
    sample = n_window / (n_window - 1)
    numerator = (2 * product + c1) * (2 * sample * (mean_xy - product) + c2)
    denominator = (squares + c1) * (sample * (mean_squares - squares) + c2)
    similarity: Tensor = numerator / denominator
    return similarity.mean((1, 2, 3))
