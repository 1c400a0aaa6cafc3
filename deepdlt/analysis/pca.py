"""What straight lines can do: patches as a mean and k components, or as the mean with gain and offset.

A model whose code holds L numbers has to beat PCA with L components of the same training patches:
that is the best *linear* code of this length.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepdlt.analysis.eigen import Solver, leading_eigenvectors
from deepdlt.training.target_ranges import range_bounds

PCA_COUNTS = (8, 32, 128, 512)
"""Numbers of components that are reported."""

CHUNK = 1024
"""Patches widened to floats at once; 17 MB for 64 px."""

WHITE = 255
RANK_TOLERANCE = 1e-12
"""Sums of squares below this share of the mean patch's, or of the largest, are rounding, not patches."""


@dataclass(frozen=True, eq=False)
class PatchPca:
    """A mean patch and the directions in which patches vary most around it.

    Attributes
    ----------
    mean : ndarray of float32, shape (S * S,)
        Mean training patch, on the target range.
    components : ndarray of float32, shape (K, S * S)
        Orthonormal rows, largest variance first.
    variance : ndarray of float64, shape (K,)
        Variance of the training patches along each, target range squared (divisor N - 1).
    size_px : int
        Side S of a patch, in pixels.
    target_range : str
        ``signed`` or ``unit``: the scale of everything here.
    """

    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    variance: NDArray[np.float64]
    size_px: int
    target_range: str

    @property
    def n_components(self) -> int:
        """How many components there are: as many as asked for, unless the patches vary in fewer ways."""
        return len(self.components)

    def codes(self, patches: NDArray[np.generic], *, n_components: int | None = None) -> NDArray[np.float32]:
        """Return the coordinates of patches along the first components: their linear code.

        Parameters
        ----------
        patches : ndarray of uint8 or float, shape (n, S, S)
            Grey levels, or floats on the target range.
        n_components : int, optional
            How many coordinates; all by default.

        Returns
        -------
        ndarray of float32, shape (n, n_components)
            In units of the target range.

        Raises
        ------
        ValueError
            If the patches have another shape or type, or there are not so many components.
        """
        basis = self.components[: self._checked(n_components)].T  # (D, k)
        parts = [(rows - self.mean) @ basis for rows in self._chunks(patches)]
        return np.concatenate(parts) if parts else np.empty((0, basis.shape[1]), np.float32)

    def reconstruct(self, patches: NDArray[np.generic], *, n_components: int | None = None) -> NDArray[np.float32]:
        """Return patches as the mean and their coordinates make them.

        Parameters
        ----------
        patches : ndarray of uint8 or float, shape (n, S, S)
            Grey levels, or floats on the target range.
        n_components : int, optional
            How many coordinates; all by default.

        Returns
        -------
        ndarray of float32, shape (n, S, S)
            On the target range, which they may swing beyond.

        Raises
        ------
        ValueError
            If the patches have another shape or type, or there are not so many components.
        """
        count = self._checked(n_components)
        flat = self.mean + self.codes(patches, n_components=count) @ self.components[:count]  # (n, D)
        return flat.reshape(-1, self.size_px, self.size_px)

    def mse(
        self, patches: NDArray[np.generic], *, counts: Sequence[int] = PCA_COUNTS
    ) -> dict[int, NDArray[np.float64]]:
        """Return the mean squared error of each patch for several numbers of components at once.

        Parameters
        ----------
        patches : ndarray of uint8 or float, shape (n, S, S)
            Grey levels, or floats on the target range.
        counts : sequence of int
            Numbers of components, each 0 (the mean patch) to `n_components`.

        Returns
        -------
        dict of int to ndarray of float64, shape (n,)
            By number of components. On the signed range four times what it is on the unit range.

        Raises
        ------
        ValueError
            If the patches have another shape or type, or there are not so many components.
        """
        ordered = sorted({self._checked(count) for count in counts})
        parts: dict[int, list[NDArray[np.float64]]] = {count: [np.empty(0)] for count in ordered}
        for rows in self._chunks(patches):
            rest, start = rows - self.mean, 0  # (n, D), what the components so far leave over
            for count in ordered:
                block = self.components[start:count]
                rest -= (rest @ block.T) @ block
                parts[count].append(_mean_square(rest))
                start = count
        return {count: np.concatenate(found) for count, found in parts.items()}

    def _checked(self, n_components: int | None) -> int:
        """Return a number of components that there are."""
        count = self.n_components if n_components is None else n_components
        if not 0 <= count <= self.n_components:
            raise ValueError(f"{count} components were asked for, the fit has 0 to {self.n_components}")
        return count

    def _chunks(self, patches: NDArray[np.generic]) -> Iterator[NDArray[np.float32]]:
        """Yield patches as rows of floats."""
        if patches.shape[1:] != (self.size_px, self.size_px):
            raise ValueError(f"patches must have shape (n, {self.size_px}, {self.size_px}), got {patches.shape}")
        return _float_chunks(patches, self.target_range)


def fit_pca(
    patches: NDArray[np.generic],
    *,
    n_components: int = max(PCA_COUNTS),
    target_range: str = "unit",
    solver: Solver = "auto",
    seed: int = 0,
) -> PatchPca:
    """Find the mean and the directions of largest variance of training patches.

    With N patches of D = S * S pixels, the work is done on the smaller of the D x D scatter matrix,
    summed chunk by chunk, and the N x N matrix of inner products. Memory beyond the patches: with
    more patches than pixels 8 D^2 bytes and a few chunks, 0.3 GB for 16,000 patches of 64 px with
    512 components; else 8 N^2 bytes and all patches as floats, 20 N D bytes, 0.5 GB at most at 64 px.

    Parameters
    ----------
    patches : ndarray of uint8 or float, shape (N, S, S)
        Training patches: grey levels, or floats on the target range.
    n_components : int
        Components to keep, at least 1. N patches vary in N - 1 directions at most, and no more are kept.
    target_range : str
        ``signed`` or ``unit``: the scale of errors and codes.
    solver : {"auto", "exact", "randomised"}
        See `deepdlt.analysis.eigen.leading_eigenvectors`.
    seed : int
        Seed of the randomised solver.

    Returns
    -------
    PatchPca

    Raises
    ------
    ValueError
        If there are fewer than two patches, they are not square, hold NaN or infinity, or a setting
        is not known.
    """
    if patches.ndim != 3 or patches.shape[1] != patches.shape[2] or len(patches) < 2 or not patches.size:
        raise ValueError(f"at least two patches of shape (N, S, S) are needed, got {patches.shape}")
    if n_components < 1:
        raise ValueError(f"n_components must be at least 1, got {n_components}")
    mean = _mean_row(patches, target_range)
    if not np.isfinite(mean).all():
        raise ValueError("patches hold NaN or infinity: leave those out")
    count = min(n_components, len(patches) - 1, mean.size)
    fit = _fit_by_pixels if len(patches) > mean.size else _fit_by_patches
    squares, components = fit(patches, mean, target_range, count, solver, seed)
    power = len(patches) * float(mean @ mean)
    n_kept = int((squares > RANK_TOLERANCE * max(power, float(squares[0]))).sum())
    return PatchPca(
        mean=mean,
        components=components[:n_kept],
        variance=squares[:n_kept] / (len(patches) - 1),
        size_px=patches.shape[1],
        target_range=target_range,
    )


@dataclass(frozen=True, eq=False)
class GainOffset:
    """Patches as one patch, made brighter or darker.

    Attributes
    ----------
    gain, offset : ndarray of float64, shape (n,)
        Of each patch: gain is dimensionless, offset on the target range.
    mse : ndarray of float64, shape (n,)
        What is left over, target range squared.
    """

    gain: NDArray[np.float64]
    offset: NDArray[np.float64]
    mse: NDArray[np.float64]


def gain_offset(patches: NDArray[np.generic], mean_patch: NDArray[np.floating], *, target_range: str) -> GainOffset:
    """Fit each patch by least squares as gain times the mean patch plus an offset.

    It needs two numbers a patch and never does worse than the flat patch, which is gain 0.

    Parameters
    ----------
    patches : ndarray of uint8 or float, shape (n, S, S)
        Grey levels, or floats on the target range.
    mean_patch : ndarray of float, shape (S * S,) or (S, S)
        Mean of the *training* patches, on the target range: `PatchPca.mean`.
    target_range : str
        ``signed`` or ``unit``.

    Returns
    -------
    GainOffset
        A constant mean patch has gain 0.

    Raises
    ------
    ValueError
        If the shapes do not fit, or the range is not known.
    """
    if patches.ndim != 3 or patches[0:1].size not in (0, mean_patch.size):
        raise ValueError(f"patches {patches.shape} do not fit a mean patch of shape {mean_patch.shape}")
    mean = np.asarray(mean_patch, np.float64).ravel()
    shape = mean - mean.mean()
    power = float(shape @ shape)
    # A constant mean patch leaves rounding only, which is no shape to scale.
    pattern = shape / power if power > RANK_TOLERANCE * float(mean @ mean) else np.zeros_like(shape)
    gains, offsets, errors = [np.empty(0)], [np.empty(0)], [np.empty(0)]
    for rows in _float_chunks(patches, target_range):
        wide = rows.astype(np.float64)
        level, gain = wide.mean(axis=1), wide @ pattern
        gains.append(gain)
        offsets.append(level - gain * mean.mean())
        errors.append(_mean_square(wide - level[:, None] - gain[:, None] * shape))
    return GainOffset(gain=np.concatenate(gains), offset=np.concatenate(offsets), mse=np.concatenate(errors))


def _float_chunks(patches: NDArray[np.generic], target_range: str) -> Iterator[NDArray[np.float32]]:
    """Yield (n, D) rows on the target range; 8-bit grey levels are scaled, floats taken as they are."""
    low, high = range_bounds(target_range)
    if patches.dtype != np.uint8 and not np.issubdtype(patches.dtype, np.floating):
        raise ValueError(f"patches must be uint8 grey levels or floats on the target range, got {patches.dtype}")
    for start in range(0, len(patches), CHUNK):
        part = patches[start : start + CHUNK]
        rows = part.reshape(len(part), -1).astype(np.float32)
        yield rows * np.float32((high - low) / WHITE) + np.float32(low) if patches.dtype == np.uint8 else rows


def _mean_square(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the mean square of each row, summed in double precision."""
    squares: NDArray[np.float64] = np.einsum("nd,nd->n", rows, rows, dtype=np.float64)
    return np.divide(squares, rows.shape[1])


def _mean_row(patches: NDArray[np.generic], target_range: str) -> NDArray[np.float32]:
    """Return the mean patch as a row (D,)."""
    total = np.zeros(patches[0].size)
    for rows in _float_chunks(patches, target_range):
        total += rows.sum(axis=0, dtype=np.float64)
    return (total / len(patches)).astype(np.float32)


def _fit_by_pixels(
    patches: NDArray[np.generic], mean: NDArray[np.float32], target_range: str, count: int, solver: Solver, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return sums of squares (count,) and components from the D x D scatter matrix."""
    scatter = np.zeros((mean.size, mean.size))
    for rows in _float_chunks(patches, target_range):
        rows -= mean
        scatter += rows.T @ rows  # float32 within a chunk, double between chunks
    squares, vectors = leading_eigenvectors(scatter, count, solver=solver, seed=seed)
    return squares, np.ascontiguousarray(vectors.T, np.float32)


def _fit_by_patches(
    patches: NDArray[np.generic], mean: NDArray[np.float32], target_range: str, count: int, solver: Solver, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return sums of squares (count,) and components from the N x N inner products, N <= D."""
    rows = np.concatenate(list(_float_chunks(patches, target_range))).astype(np.float64) - mean  # (N, D)
    squares, vectors = leading_eigenvectors(rows @ rows.T, count, solver=solver, seed=seed)
    lengths = np.sqrt(np.maximum(squares, np.finfo(np.float64).tiny))
    return squares, ((vectors / lengths).T @ rows).astype(np.float32)
