"""Loops of the encoder on a CPU, each one pass over maps that torch would go through several times.

Maps are laid out channels last, (B, H, W, C), and the innermost loop runs over channels: it becomes vectors. Where
sums are asked for, there is one for each patch, so that none depends on the number of threads.
"""

import numpy as np
from numpy.typing import NDArray

from deepdlt.compiled import compiled

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Places = NDArray[np.uint8]
"""Which of the four pixels under a pooling window is the largest, row by row: 0 to 3."""


@compiled
def put_largest(
    one: Floats, two: Floats, three: Floats, four: Floats, largest: Floats, place: Places
) -> None:  # pragma: no cover - compiled
    """Write the largest of four values of each map, and which it is; all are (C,)."""
    for c in range(len(largest)):
        value, at = one[c], np.uint8(0)
        if two[c] > value:
            value, at = two[c], np.uint8(1)
        if three[c] > value:
            value, at = three[c], np.uint8(2)
        if four[c] > value:
            value, at = four[c], np.uint8(3)
        largest[c], place[c] = value, at


@compiled
def convolve_and_pool(x: Floats, weight: Floats, bias: Floats, out: Floats, places: Places) -> None:  # pragma: no cover
    """Write the largest of each 2 x 2 places of a convolution's maps, and which it is, without the maps.

    `x` (B, S, S), zeros beyond its edge; `weight` (k, k, C); `out` and `places` (B, S/2, S/2, C).
    """
    n, size, _ = x.shape
    width, _, n_maps = weight.shape
    edge = width // 2
    padded = np.zeros((size + 2 * edge, size + 2 * edge), np.float32)
    one, two, three, four = (
        np.empty(n_maps, np.float32),
        np.empty(n_maps, np.float32),
        np.empty(n_maps, np.float32),
        np.empty(n_maps, np.float32),
    )
    for patch in range(n):
        padded[edge : edge + size, edge : edge + size] = x[patch]
        for row in range(size // 2):
            for col in range(size // 2):
                one[:] = bias
                two[:] = bias
                three[:] = bias
                four[:] = bias
                for down in range(width):
                    for right in range(width):
                        kernel = weight[down, right]
                        top, left = 2 * row + down, 2 * col + right
                        x1, x2 = padded[top, left], padded[top, left + 1]
                        x3, x4 = padded[top + 1, left], padded[top + 1, left + 1]
                        for c in range(n_maps):
                            one[c] += kernel[c] * x1
                            two[c] += kernel[c] * x2
                            three[c] += kernel[c] * x3
                            four[c] += kernel[c] * x4
                put_largest(one, two, three, four, out[patch, row, col], places[patch, row, col])


@compiled
def gradients_of_kernels(x: Floats, gradient: Floats, places: Places, sums: Floats) -> None:  # pragma: no cover
    """Write the gradients of weight and bias of `convolve_and_pool`, of each patch for itself.

    `gradient` (B, S/2, S/2, C); `sums` (B, k k + 1, C), the bias last.
    """
    n, size, _ = x.shape
    n_taps, n_maps = sums.shape[1] - 1, sums.shape[2]
    width = int(np.sqrt(n_taps))
    edge = width // 2
    padded = np.zeros((size + 2 * edge, size + 2 * edge), np.float32)
    one, two, three, four = (
        np.empty(n_maps, np.float32),
        np.empty(n_maps, np.float32),
        np.empty(n_maps, np.float32),
        np.empty(n_maps, np.float32),
    )
    for patch in range(n):
        padded[edge : edge + size, edge : edge + size] = x[patch]
        of_patch = np.zeros((n_taps + 1, n_maps), np.float32)
        of_bias = of_patch[n_taps]
        for row in range(size // 2):
            for col in range(size // 2):
                given, place = gradient[patch, row, col], places[patch, row, col]
                for c in range(n_maps):  # products, not branches: those would not become vectors
                    one[c] = given[c] * np.float32(place[c] == 0)
                    two[c] = given[c] * np.float32(place[c] == 1)
                    three[c] = given[c] * np.float32(place[c] == 2)
                    four[c] = given[c] * np.float32(place[c] == 3)
                    of_bias[c] += given[c]
                for down in range(width):
                    for right in range(width):
                        kernel = of_patch[down * width + right]
                        top, left = 2 * row + down, 2 * col + right
                        x1, x2 = padded[top, left], padded[top, left + 1]
                        x3, x4 = padded[top + 1, left], padded[top + 1, left + 1]
                        for c in range(n_maps):
                            kernel[c] += one[c] * x1 + two[c] * x2 + three[c] * x3 + four[c] * x4
        sums[patch] = of_patch


@compiled
def sums_of_maps(x: Floats, sums: Doubles) -> None:  # pragma: no cover - compiled
    """Write sum and sum of squares of each map of each patch: `x` (B, places, C), `sums` (B, 2, C)."""
    n, n_places, n_maps = x.shape
    for patch in range(n):
        total, squares = sums[patch, 0], sums[patch, 1]
        total[:] = 0.0
        squares[:] = 0.0
        for place in range(n_places):
            values = x[patch, place]
            for c in range(n_maps):
                value = np.float64(values[c])
                total[c] += value
                squares[c] += value * value


@compiled
def scale_and_pool(
    x: Floats, scale: Floats, shift: Floats, out: Floats, chosen: Floats, places: Places
) -> None:  # pragma: no cover - compiled
    """Write the largest of each 2 x 2 places of ``scale x + shift``, the `x` it came from, and which of the four it is.

    `x` (B, H, W, C); `out`, `chosen` and `places` (B, H/2, W/2, C).
    """
    n, height, width, n_maps = x.shape
    for patch in range(n):
        for row in range(height // 2):
            for col in range(width // 2):
                x1, x2 = x[patch, 2 * row, 2 * col], x[patch, 2 * row, 2 * col + 1]
                x3, x4 = x[patch, 2 * row + 1, 2 * col], x[patch, 2 * row + 1, 2 * col + 1]
                largest, place, source = out[patch, row, col], places[patch, row, col], chosen[patch, row, col]
                for c in range(n_maps):
                    by, plus = scale[c], shift[c]
                    value, at, origin = by * x1[c] + plus, np.uint8(0), x1[c]
                    other = by * x2[c] + plus
                    if other > value:
                        value, at, origin = other, np.uint8(1), x2[c]
                    other = by * x3[c] + plus
                    if other > value:
                        value, at, origin = other, np.uint8(2), x3[c]
                    other = by * x4[c] + plus
                    if other > value:
                        value, at, origin = other, np.uint8(3), x4[c]
                    largest[c], place[c], source[c] = value, at, origin


@compiled
def sums_of_gradients(gradient: Floats, chosen: Floats, mean: Floats, sums: Doubles) -> None:  # pragma: no cover
    """Write, of each map of each patch, the sum of gradients, and of gradients times deviations from the mean.

    `gradient` and `chosen` (B, places, C); `mean` (C,); `sums` (B, 2, C).
    """
    n, n_places, n_maps = gradient.shape
    for patch in range(n):
        total, moments = sums[patch, 0], sums[patch, 1]
        total[:] = 0.0
        moments[:] = 0.0
        for place in range(n_places):
            given, values = gradient[patch, place], chosen[patch, place]
            for c in range(n_maps):
                value = np.float64(given[c])
                total[c] += value
                moments[c] += value * (values[c] - mean[c])


@compiled
def gradients_of_maps(
    x: Floats,
    gradient: Floats,
    places: Places,
    mean: Floats,
    scale: Floats,
    common: Floats,
    slope: Floats,
    out: Floats,
) -> None:  # pragma: no cover - compiled
    """Write ``scale g - common - slope (x - mean)`` for every place, where g is 0 for all but the largest of four.

    `x` and `out` (B, H, W, C); `gradient` and `places` (B, H/2, W/2, C); the others (C,).
    """
    n, height, width, n_maps = x.shape
    for patch in range(n):
        for row in range(height // 2):
            for col in range(width // 2):
                given, place = gradient[patch, row, col], places[patch, row, col]
                for at in range(4):
                    values = x[patch, 2 * row + at // 2, 2 * col + at % 2]
                    found = out[patch, 2 * row + at // 2, 2 * col + at % 2]
                    for c in range(n_maps):
                        passed = scale[c] * given[c] * np.float32(place[c] == at)
                        found[c] = passed - common[c] - slope[c] * (values[c] - mean[c])
