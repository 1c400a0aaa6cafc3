"""The leading eigenvectors of a large symmetric matrix, exactly or by random subspace iteration."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

Solver = Literal["auto", "exact", "randomised"]

SMALL = 1024
"""Sides up to which the exact solver takes about a second."""

N_STEPS = 20
"""Blocks of the Krylov space. PCA-512 of SEM patches then loses less than 1e-5 of its error to the exact one."""

VECTORS_PER_COLUMN = 8
"""Wanted vectors for each column of a block: the space has 20 / 8 = 2.5 times as many dimensions as are wanted."""

NEW_SHARE = 1e-20
"""Directions of a block with a smaller share of its power outside the space so far are rounding of what is in it."""

LEAST_WIDTH = 8
"""Columns of a block at least: as many equal eigenvalues as it can tell apart."""


def leading_eigenvectors(
    matrix: NDArray[np.float64], n_vectors: int, *, solver: Solver = "auto", seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the largest eigenvalues of a positive semi-definite matrix and their vectors.

    The randomised solver multiplies a random block by the matrix again and again, keeps all that
    comes out of it, orthonormal, and solves the small problem in that space (Rayleigh and Ritz).
    Keeping all of it, the block Krylov method, needs far fewer multiplications than keeping the
    last block only.

    Parameters
    ----------
    matrix : ndarray of float64, shape (D, D)
        Symmetric, no negative eigenvalues.
    n_vectors : int
        How many, 1 to D.
    solver : {"auto", "exact", "randomised"}
        ``auto`` is exact for small matrices and where many vectors are wanted.
    seed : int
        Seed of the random start; the exact solver needs none.

    Returns
    -------
    values : ndarray of float64, shape (n_vectors,)
        Not negative, largest first.
    vectors : ndarray of float64, shape (D, n_vectors)
        Orthonormal columns, the largest entry of each positive.

    Raises
    ------
    ValueError
        If the matrix is not square, or `n_vectors` or the solver is not among the above.

    References
    ----------
    Halko, Martinsson, Tropp, SIAM Review 53 (2011) 217, doi:10.1137/090771806 (random start).
    Musco, Musco, NIPS 28 (2015), arXiv:1504.05477 (block Krylov).
    """
    size = matrix.shape[0]
    if matrix.ndim != 2 or matrix.shape[1] != size or not 1 <= n_vectors <= size:
        raise ValueError(f"a square matrix has 1 to D eigenvectors; {n_vectors} of {matrix.shape} were asked for")
    if solver not in ("auto", "exact", "randomised"):
        raise ValueError(f"solver {solver!r} is not known: use auto, exact or randomised")
    width = max(LEAST_WIDTH, -(-n_vectors // VECTORS_PER_COLUMN))
    is_small = size <= SMALL or width * N_STEPS > size // 2
    if solver == "exact" or (solver == "auto" and is_small):
        values, vectors = _exact(matrix, n_vectors)
    else:
        basis, products = _krylov_space(matrix, min(width * N_STEPS, size), width, seed)
        values, turn = _exact(basis.T @ products, n_vectors)
        vectors = basis @ turn
    return np.maximum(values, 0.0), vectors * _signs(vectors)


def _exact(matrix: NDArray[np.float64], n_vectors: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Solve for the upper end of the spectrum with LAPACK."""
    size = matrix.shape[0]
    values, vectors = linalg.eigh(matrix, subset_by_index=[size - n_vectors, size - 1])
    return values[::-1], vectors[:, ::-1]


def _krylov_space(
    matrix: NDArray[np.float64], n_columns: int, width: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return orthonormal columns (D, n_columns) that a random block leads to, and the matrix times them."""
    rng = np.random.default_rng(seed)
    basis, products = np.empty((2, n_columns, len(matrix))).transpose(0, 2, 1)  # columns are contiguous
    filled, block = 0, np.empty((len(matrix), 0))
    while filled < n_columns:
        if not block.shape[1]:  # at the start, and where the products lead nowhere new
            block = rng.standard_normal((len(matrix), width))
        fresh = _new_directions(block, basis[:, :filled])[:, : n_columns - filled]
        block = matrix @ fresh
        place = slice(filled, filled + fresh.shape[1])
        basis[:, place], products[:, place] = fresh, block
        filled = place.stop
    return basis, products


def _new_directions(block: NDArray[np.float64], found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an orthonormal basis (D, w or fewer) of what a block adds to the columns found so far."""
    power = np.einsum("dw,dw->w", block, block).max()
    for least in (NEW_SHARE * power, 0.5):  # the second sweep mends the rounding of the first
        block = block - found @ (found.T @ block)
        # The small eigenproblem instead of QR, which crawls where other processes share the cores.
        squares, turn = linalg.eigh(block.T @ block)
        is_new = squares > least
        block = block @ (turn[:, is_new] / np.sqrt(squares[is_new]))
    return block


def _signs(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return +1 or -1 a column, so that its largest entry becomes positive."""
    largest = np.abs(vectors).argmax(axis=0)
    return np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)
