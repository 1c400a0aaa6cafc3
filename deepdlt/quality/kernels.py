"""The measures of `deepdlt.quality.metrics` on a CPU: one pass a patch, compiled, everything in its first cache.

Written with torch's operations, the windows of one patch are a hundred passes over maps of 64 x 64
doubles. Here the sums of a column slide down the patch row by row, and those of a row are added up
beside each other: about 30 us a patch for both windows. Sums run in a fixed order, so that a number
does not depend on batches or threads.
"""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

F = TypeVar("F", bound=Callable[..., Any])
Doubles = NDArray[np.float64]
Floats = NDArray[np.floating[Any]]

PATCHES_A_THREAD = 16
"""Fewer are not worth a thread of their own."""


def compiled(function: F) -> F:
    """Compile a function on first use, keep the machine code beside the module, and run it without Python's lock."""
    made: Any = njit(nogil=True, cache=True, error_model="numpy")(function)
    return cast("F", made)


@compiled
def add_up(sums: Doubles, window: int, out: Doubles, n: int) -> None:  # pragma: no cover - compiled
    """Write the sums of `window` neighbours; written out for the windows in use, so that they become vectors."""
    if window == 5:
        for col in range(n):
            out[col] = sums[col] + sums[col + 1] + sums[col + 2] + sums[col + 3] + sums[col + 4]
    elif window == 7:
        for col in range(n):
            nearer = sums[col] + sums[col + 1] + sums[col + 2] + sums[col + 3]
            out[col] = nearer + sums[col + 4] + sums[col + 5] + sums[col + 6]
    else:
        out[:n] = sums[:n]
        for step in range(1, window):
            for col in range(n):
                out[col] += sums[col + step]


@compiled
def add_row(sums: Doubles, x: Doubles, y: Doubles) -> None:  # pragma: no cover - compiled
    """Add the products of a row of pixels to the sums of their columns."""
    for col in range(len(sums)):
        sums[col] += x[col] * y[col]


@compiled
def move_row(sums: Doubles, x: Doubles, y: Doubles, old_x: Doubles, old_y: Doubles) -> None:  # pragma: no cover
    """Add the products of a row of pixels to the sums of their columns, and take those of an old row out."""
    for col in range(len(sums)):
        sums[col] += x[col] * y[col] - old_x[col] * old_y[col]


@compiled
def similarity(
    x: Doubles, y: Doubles, window: int, scale: Doubles, constants: Doubles, space: Doubles
) -> Any:  # pragma: no cover - compiled
    """Return the mean similarity of all whole windows of two images, each mapped by ``(image - low) / contrast``.

    The maps are applied to means, variances and covariance, not to pixels: `scale` holds low and contrast of x,
    then of y. `space` (12, N) is work space: sums of columns, sums of windows, ones, and the mean to be.
    """
    height, width = x.shape
    n_cols = width - window + 1
    share = 1.0 / (window * window)
    sample = 1.0 / (window * window - 1.0)  # of a sum of squares less the mean's, for the sample covariance
    low_x, by_x, low_y, by_y = scale[0], 1.0 / scale[1], scale[2], 1.0 / scale[3]
    by_xx, by_yy, by_xy = sample * by_x * by_x, sample * by_y * by_y, sample * by_x * by_y
    c1, c2 = constants[0], constants[1]
    sum_x, sum_y, sum_xx, sum_yy, sum_xy = space[5], space[6], space[7], space[8], space[9]
    ones, total = space[10], space[11]
    space[:10] = 0.0
    total[:] = 0.0
    ones[:] = 1.0
    for row in range(height):
        one, two = x[row], y[row]
        if row < window:
            add_row(space[0], one, ones)
            add_row(space[1], two, ones)
            add_row(space[2], one, one)
            add_row(space[3], two, two)
            add_row(space[4], one, two)
        else:
            old_one, old_two = x[row - window], y[row - window]
            move_row(space[0], one, ones, old_one, ones)
            move_row(space[1], two, ones, old_two, ones)
            move_row(space[2], one, one, old_one, old_one)
            move_row(space[3], two, two, old_two, old_two)
            move_row(space[4], one, two, old_one, old_two)
        if row < window - 1:
            continue
        for kind in range(5):
            add_up(space[kind], window, space[5 + kind], n_cols)
        for col in range(n_cols):
            mean_x, mean_y = sum_x[col] * share, sum_y[col] * share
            variances = (sum_xx[col] - sum_x[col] * mean_x) * by_xx + (sum_yy[col] - sum_y[col] * mean_y) * by_yy
            covariance = (sum_xy[col] - sum_x[col] * mean_y) * by_xy
            mean_x, mean_y = (mean_x - low_x) * by_x, (mean_y - low_y) * by_y
            numerator = (2.0 * mean_x * mean_y + c1) * (2.0 * covariance + c2)
            total[col] += numerator / ((mean_x * mean_x + mean_y * mean_y + c1) * (variances + c2))
    mean = 0.0
    for col in range(n_cols):
        mean += total[col]
    return mean / ((height - window + 1) * n_cols)


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
    x: Floats, y: Floats, window: int, constants: Doubles, is_stretched: bool, out: Doubles
) -> None:  # pragma: no cover - compiled
    """Write the similarity of each pair of patches, (B, M, N), into `out`, (B,)."""
    n, height, width = x.shape
    one, two = np.empty((height, width)), np.empty((height, width))
    space = np.empty((12, width))
    scale = np.array([0.0, 1.0, 0.0, 1.0])
    for patch in range(n):
        one[:] = x[patch]
        two[:] = y[patch]
        if is_stretched:
            stretching(one, two, scale, space[0], space[1])
        out[patch] = similarity(one, two, window, scale, constants, space)


@compiled
def scores_of_patches(
    x: Floats, y: Floats, bounds: Doubles, windows: NDArray[np.int64], constants: Doubles, out: Doubles
) -> None:  # pragma: no cover - compiled
    """Write mean squared error, contrast of `y`, stretched SSIM and SSIM on the unit range into `out`, (B, 4)."""
    n, height, width = x.shape
    one, two = np.empty((height, width)), np.empty((height, width))
    space = np.empty((12, width))
    own, unit = np.empty(4), np.empty(4)
    unit[0] = unit[2] = bounds[0]
    unit[1] = unit[3] = bounds[1] - bounds[0]
    for patch in range(n):
        one[:] = x[patch]
        two[:] = y[patch]
        out[patch, 0] = squared_error(one, two, space[0])
        out[patch, 1] = stretching(one, two, own, space[0], space[1])
        out[patch, 2] = similarity(one, two, windows[0], own, constants, space)
        out[patch, 3] = similarity(one, two, windows[1], unit, constants, space)


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
    given = np.array(constants)
    _in_threads(lambda part: ssim_of_patches(one[part], two[part], window_px, given, is_stretched, out[part]), len(out))
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
    _in_threads(lambda part: scores_of_patches(one[part], two[part], *given, out[part]), len(out))
    error, contrast, stretched, unit = torch.from_numpy(np.ascontiguousarray(out.T)).unbind()
    return error, contrast, stretched, unit


def _images(x: Tensor) -> Floats:
    """Return a batch as an array, (B, M, N), of the two kinds of numbers that the kernels are compiled for."""
    wide = x if x.dtype in (torch.float32, torch.float64) else x.double()
    return np.ascontiguousarray(wide.detach()[:, 0].numpy())


def _in_threads(work: Callable[[slice], None], n: int) -> None:
    """Do `work` on parts of n patches, with as many threads as torch uses."""
    n_threads = min(torch.get_num_threads(), max(1, n // PATCHES_A_THREAD))
    edges = [n * part // n_threads for part in range(n_threads + 1)]
    parts = [slice(start, stop) for start, stop in itertools.pairwise(edges)]
    if n_threads == 1:
        work(parts[0])
        return
    with ThreadPoolExecutor(n_threads - 1) as pool:
        others = [pool.submit(work, part) for part in parts[1:]]
        work(parts[0])
        for other in others:
            other.result()
