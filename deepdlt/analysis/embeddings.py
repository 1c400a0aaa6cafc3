"""Codes in two dimensions, to be looked at: linear, by neighbours, by neighbourhood graph."""

import functools
import sys
import warnings
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

METHODS = ("pca", "tsne", "umap")

TSNE_ITERATIONS = 500
"""Half of what scikit-learn does: to be looked at, a thousand codes have settled by then."""


def embed(codes: NDArray[np.floating], *, method: str, seed: int = 0) -> NDArray[np.float64]:
    """Place codes in a plane. Distances mean something in ``pca`` alone; the others keep neighbours together.

    Parameters
    ----------
    codes : ndarray of float, shape (n, L)
        At least five; standardised here by dimension.
    method : {"pca", "tsne", "umap"}
    seed : int
        Seed of starting points and samples.

    Returns
    -------
    ndarray of float64, shape (n, 2)

    Raises
    ------
    ValueError
        If the method is not known, or there are too few codes or dimensions.

    References
    ----------
    van der Maaten, Hinton, J. Machine Learning Research 9 (2008) 2579 (t-SNE).
    McInnes, Healy, Melville, arXiv:1802.03426 (UMAP).
    """
    if method not in METHODS:
        raise ValueError(f"method {method!r} is not known: use one of {', '.join(METHODS)}")
    if codes.ndim != 2 or len(codes) < 5 or codes.shape[1] < 2:
        raise ValueError(f"five codes of two numbers are needed at least, got shape {codes.shape}")
    spread = codes.std(0)
    standard = ((codes - codes.mean(0)) / np.where(spread > 0, spread, 1.0)).astype(np.float64)
    if method == "pca":
        return np.asarray(PCA(2, random_state=seed, svd_solver="full").fit_transform(standard), np.float64)
    if method == "tsne":
        perplexity = min(30.0, (len(codes) - 1) / 3)
        tsne = TSNE(2, perplexity=perplexity, init="pca", random_state=seed, max_iter=TSNE_ITERATIONS)
        return np.asarray(tsne.fit_transform(standard), np.float64)
    return _umap(standard, seed)


def _umap(standard: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Return the UMAP embedding; UMAP takes seconds to import, so it happens here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numba and of UMAP, that a seed leaves one thread
        import umap

        _keep_compiled(umap.__name__)
        neighbours = min(15, len(standard) - 1)
        placed = umap.UMAP(n_components=2, n_neighbors=neighbours, random_state=seed).fit_transform(standard)
    return np.asarray(placed, np.float64)


@functools.cache
def _keep_compiled(library: str) -> None:
    """Have numba keep on the disk what it compiles of a library, as it does of ours: no process compiles it again."""
    from numba.core.dispatcher import Dispatcher

    for name, module in sorted(sys.modules.items()):
        if name.partition(".")[0] == library:
            for function in vars(module).values():
                if isinstance(function, Dispatcher) and function.__module__ == name:
                    with suppress(RuntimeError):  # there is no folder that this process may write to
                        function.enable_caching()
