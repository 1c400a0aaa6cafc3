"""The measures of `deepdlt.quality.metrics` on a CPU: one pass a patch, compiled, everything in its first cache.

Written with torch's operations, the windows of one patch are a hundred passes over maps of 64 x 64
doubles. Here the products of a row are made once for all windows, side by side; sums of neighbours
are added up over them and slide down the patch row by row: about 35 us a patch for both windows.
Sums run in a fixed order, so that a number does not depend on batches or threads.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepdlt.compiled import compiled, in_threads

Doubles = NDArray[np.float64]
Floats = NDArray[np.floating[Any]]


@compiled
def put_products(one: Doubles, two: Doubles, values: Doubles) -> None:  # pragma: no cover - compiled
    """Write a row of two images, x, y, x x, y y and x y, side by side into `values`, (5 N,)."""
    width = len(one)
    for col in range(width):
        values[col] = one[col]
        values[width + col] = two[col]
        values[2 * width + col] = one[col] * one[col]
        values[3 * width + col] = two[col] * two[col]
        values[4 * width + col] = one[col] * two[col]


@compiled
def slide(values: Doubles, window: int, old: Doubles, sums: Doubles) -> None:  # pragma: no cover - compiled
    """Add the sums of `window` neighbours to `sums` and take out what they replace in `old`, (5 N,).

    Written out for the windows in use, so that it becomes vectors; sums across two of the five rows mean nothing.
    """
    n = len(values) - window + 1
    if window == 5:
        for col in range(n):
            wide = values[col] + values[col + 1] + values[col + 2] + values[col + 3] + values[col + 4]
            sums[col] += wide - old[col]
            old[col] = wide
    elif window == 7:
        for col in range(n):
            wide = values[col] + values[col + 1] + values[col + 2] + values[col + 3]
            wide += values[col + 4] + values[col + 5] + values[col + 6]
            sums[col] += wide - old[col]
            old[col] = wide
    else:
        for col in range(n):
            wide = 0.0
            for step in range(window):
                wide += values[col + step]
            sums[col] += wide - old[col]
            old[col] = wide


@compiled
def add_similarities(
    sums: Doubles, window: int, scale: Doubles, constants: Doubles, total: Doubles
) -> None:  # pragma: no cover - compiled
    """Add the similarity of each whole window of a row to `total`, (N,), from the five sums over it, (5 N,)."""
    width = len(total)
    share = 1.0 / (window * window)
    sample = 1.0 / (window * window - 1.0)  # of a sum of squares less the mean's, for the sample covariance
    low_x, by_x, low_y, by_y = scale[0], 1.0 / scale[1], scale[2], 1.0 / scale[3]
    by_xx, by_yy, by_xy = sample * by_x * by_x, sample * by_y * by_y, sample * by_x * by_y
    c1, c2 = constants[0], constants[1]
    sum_x, sum_y = sums[:width], sums[width : 2 * width]
    sum_xx, sum_yy, sum_xy = sums[2 * width : 3 * width], sums[3 * width : 4 * width], sums[4 * width :]
    for col in range(width - window + 1):
        mean_x, mean_y = sum_x[col] * share, sum_y[col] * share
        variances = (sum_xx[col] - sum_x[col] * mean_x) * by_xx + (sum_yy[col] - sum_y[col] * mean_y) * by_yy
        covariance = (sum_xy[col] - sum_x[col] * mean_y) * by_xy
        mean_x, mean_y = (mean_x - low_x) * by_x, (mean_y - low_y) * by_y
        numerator = (2.0 * mean_x * mean_y + c1) * (2.0 * covariance + c2)
        total[col] += numerator / ((mean_x * mean_x + mean_y * mean_y + c1) * (variances + c2))


@compiled
def similarities(
    x: Doubles, y: Doubles, windows: NDArray[np.int64], scales: Doubles, constants: Doubles, space: Doubles
) -> None:  # pragma: no cover - compiled
    """Leave the mean similarity of all whole windows of two images, for each size of window, in ``space[k, 0, 0]``.

    Each of K sizes has a scale of its own, ``(image - low) / contrast``: `scales` (K, 4) holds low and contrast of x,
    then of y. It is applied to means, variances and covariance, not to pixels. `space` (K, largest window + 3, 5 N) is
    work space: what came of it, the products of a row, sums of windows, and the sums of as many rows as a window has.
    """
    height, width = x.shape
    space[:] = 0.0
    for row in range(height):
        put_products(x[row], y[row], space[0, 1])
        for k in range(len(windows)):
            window = windows[k]
            slide(space[0, 1], window, space[k, 3 + row % window], space[k, 2])
            if row >= window - 1:
                add_similarities(space[k, 2], window, scales[k], constants, space[k, 0, :width])
    for k in range(len(windows)):
        n_cols = width - windows[k] + 1
        total = 0.0
        for col in range(n_cols):
            total += space[k, 0, col]
        space[k, 0, 0] = total / ((height - windows[k] + 1) * n_cols)


@compiled
def own_scale(x: Doubles, low: Doubles, high: Doubles) -> tuple[float, float]:  # pragma: no cover - compiled
    """Return an image's least value and its contrast; `low` and `high` (N,) are work space."""
    width = len(low)
    low[:] = x[0]
    high[:] = x[0]
    for number in range(1, len(x)):
        row = x[number]
        for col in range(width):
            low[col] = row[col] if row[col] < low[col] else low[col]
            high[col] = row[col] if row[col] > high[col] else high[col]
    least, largest = low[0], high[0]
    for col in range(1, width):
        least = low[col] if low[col] < least else least
        largest = high[col] if high[col] > largest else largest
    return least, largest - least


@compiled
def stretching(
    x: Doubles, y: Doubles, scale: Doubles, low: Doubles, high: Doubles
) -> float:  # pragma: no cover - compiled
    """Fill `scale` with what maps each image onto [0, 1], a constant one to 0; return the contrast of y."""
    scale[0], contrast_x = own_scale(x, low, high)
    scale[2], contrast_y = own_scale(y, low, high)
    scale[1] = contrast_x if contrast_x > 0.0 else 1.0
    scale[3] = contrast_y if contrast_y > 0.0 else 1.0
    return contrast_y


@compiled
def squared_error(x: Doubles, y: Doubles, total: Doubles) -> float:  # pragma: no cover - compiled
    """Return the mean squared difference of two images; `total` (N,) is work space."""
    width = len(total)
    total[:] = 0.0
    for row in range(len(x)):
        one, two = x[row], y[row]
        for col in range(width):
            total[col] += (one[col] - two[col]) * (one[col] - two[col])
    return float(total.sum() / (len(x) * width))


@compiled
def ssim_of_patches(
    x: Floats, y: Floats, windows: NDArray[np.int64], constants: Doubles, is_stretched: bool, out: Doubles
) -> None:  # pragma: no cover - compiled
    """Write the similarity of each pair of patches, (B, M, N), into `out`, (B,); there is one window."""
    n, height, width = x.shape
    one, two = np.empty((height, width)), np.empty((height, width))
    space = np.empty((1, windows[0] + 3, 5 * width))
    scales = np.array([[0.0, 1.0, 0.0, 1.0]])
    for patch in range(n):
        one[:] = x[patch]
        two[:] = y[patch]
        if is_stretched:
            stretching(one, two, scales[0], space[0, 0, :width], space[0, 1, :width])
        similarities(one, two, windows, scales, constants, space)
        out[patch] = space[0, 0, 0]


@compiled
def scores_of_patches(
    x: Floats, y: Floats, bounds: Doubles, windows: NDArray[np.int64], constants: Doubles, out: Doubles
) -> None:  # pragma: no cover - compiled
    """Write mean squared error, contrast of `y`, stretched SSIM and SSIM on the unit range into `out`, (B, 4)."""
    n, height, width = x.shape
    one, two = np.empty((height, width)), np.empty((height, width))
    space = np.empty((2, windows.max() + 3, 5 * width))
    scales = np.empty((2, 4))
    scales[1, 0] = scales[1, 2] = bounds[0]
    scales[1, 1] = scales[1, 3] = bounds[1] - bounds[0]
    for patch in range(n):
        one[:] = x[patch]
        two[:] = y[patch]
        out[patch, 0] = squared_error(one, two, space[0, 0, :width])
        out[patch, 1] = stretching(one, two, scales[0], space[0, 0, :width], space[0, 1, :width])
        similarities(one, two, windows, scales, constants, space)
        out[patch, 2] = space[0, 0, 0]
        out[patch, 3] = space[1, 0, 0]


def batched_ssim(x: Tensor, y: Tensor, *, window_px: int, constants: tuple[float, float], is_stretched: bool) -> Tensor:
    """Return the structural similarity of each pair of patches, uniform windows, sample covariance.

    Parameters
    ----------
    x, y : Tensor, shape (B, 1, M, N)
        On the CPU.
    window_px : int
        Edge of a window, at most M and N.
    constants : tuple of float
        C1 and C2, for a data range of 1.
    is_stretched : bool
        Whether each patch is mapped from its own range onto [0, 1] before; a constant one becomes 0.

    Returns
    -------
    Tensor of float64, shape (B,)
    """
    out = np.empty(len(x))
    one, two = _images(x), _images(y)
    windows, given = np.array([window_px]), np.array(constants)
    in_threads(lambda part: ssim_of_patches(one[part], two[part], windows, given, is_stretched, out[part]), len(out))
    return torch.from_numpy(out)


def batched_scores(
    x: Tensor, y: Tensor, *, bounds: tuple[float, float], windows_px: tuple[int, int], constants: tuple[float, float]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return what all measures of a batch need, from one look at each patch.

    Parameters
    ----------
    x, y : Tensor, shape (B, 1, M, N)
        Reconstruction and target, on the CPU, on one scale.
    bounds : tuple of float
        Black and white on that scale.
    windows_px : tuple of int
        Windows of the SSIM of stretched patches and of that on [0, 1].
    constants : tuple of float
        C1 and C2, for a data range of 1.

    Returns
    -------
    error, contrast, ssim_of_stretched, ssim_on_unit : Tensor of float64, shape (B,)
        Mean squared error and the target's largest less its least value, on the scale given.
    """
    out = np.empty((len(x), 4))
    one, two = _images(x), _images(y)
    given = np.array(bounds), np.array(windows_px), np.array(constants)
    in_threads(lambda part: scores_of_patches(one[part], two[part], *given, out[part]), len(out))
    error, contrast, stretched, unit = torch.from_numpy(np.ascontiguousarray(out.T)).unbind()
    return error, contrast, stretched, unit


def _images(x: Tensor) -> Floats:
    """Return a batch as an array, (B, M, N), of the two kinds of numbers that the kernels are compiled for."""
    wide = x if x.dtype in (torch.float32, torch.float64) else x.double()
    return np.ascontiguousarray(wide.detach()[:, 0].numpy())
