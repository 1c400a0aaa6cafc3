"""A picture of codes keeps together what is alike, and is the same twice."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from deepdlt.analysis.embeddings import METHODS, embed
from deepdlt.threads import one_thread

ANY = pytest.mark.parametrize(
    "method", [pytest.param(name, marks=pytest.mark.long if name == "umap" else ()) for name in METHODS]
)
"""UMAP is compiled when it is first used on a machine, which takes 10 to 20 s."""

COUNTED = """
from numba.core import event
import numpy as np
import umap  # compiles a few small functions as it is imported
from deepdlt.analysis.embeddings import embed

heard = event.RecordingListener()
event.register("numba:compile", heard)
embed(np.random.default_rng(0).normal(size=(20, 12)).astype(np.float32), method="umap")
print(sum(each.is_start for _, each in heard.buffer))
"""


def clusters(n: int = 60, n_dimensions: int = 12, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return codes in three clouds far from each other, and the cloud of each."""
    rng = np.random.default_rng(seed)
    cloud = np.arange(n) % 3
    centres = rng.normal(0, 10, (3, n_dimensions))
    return (centres[cloud] + rng.normal(0, 1, (n, n_dimensions))).astype(np.float32), cloud


@ANY
def test_neighbours_in_the_picture_are_of_one_cloud(method: str) -> None:
    """The five nearest of each code in the plane come from its own cloud."""
    codes, cloud = clusters()
    with one_thread():
        placed = embed(codes, method=method)
    assert placed.shape == (60, 2)
    distances = np.linalg.norm(placed[:, None] - placed[None], axis=2)
    near = np.argsort(distances, axis=1)[:, 1:6]
    assert (cloud[near] == cloud[:, None]).mean() > 0.98


@ANY
def test_the_same_seed_gives_the_same_picture(method: str) -> None:
    """Twice the same numbers."""
    codes, _ = clusters(n=20)
    with one_thread():
        one, other = (embed(codes, method=method, seed=3) for _ in range(2))
    assert np.array_equal(one, other)


@pytest.mark.long
def test_what_one_process_compiled_the_next_one_does_not() -> None:
    """Machine code of UMAP is kept on the disk, as that of our own kernels is."""
    embed(clusters(n=20)[0], method="umap")
    next_one = subprocess.run([sys.executable, "-c", COUNTED], capture_output=True, text=True, check=True)
    assert int(next_one.stdout) == 0


def test_the_linear_picture_is_that_of_the_singular_vectors() -> None:
    """Of the standardised codes, up to the sign of each axis: numpy's decomposition."""
    codes, _ = clusters()
    wide = codes.astype(np.float64)
    left, values, _ = np.linalg.svd((wide - wide.mean(0)) / wide.std(0), full_matrices=False)
    expected = left[:, :2] * values[:2]
    placed = embed(codes, method="pca")
    signs = np.sign((placed * expected).sum(0))
    assert placed == pytest.approx(expected * signs, abs=1e-3)


def test_units_of_a_dimension_do_not_count() -> None:
    """A code in other units, and a number that never varies, leave the linear picture as it is."""
    codes, _ = clusters()
    constant = np.full((60, 1), 7, np.float32)
    scaled = np.hstack([codes * np.geomspace(1e-2, 1e2, 12, dtype=np.float32), constant])
    one, other = embed(codes, method="pca"), embed(scaled, method="pca")
    assert np.abs(other) == pytest.approx(np.abs(one), abs=1e-3)


@ANY
def test_five_codes_are_enough(method: str) -> None:
    """The fewest that are taken are placed, each somewhere."""
    with one_thread():
        placed = embed(clusters(n=5)[0], method=method)
    assert np.isfinite(placed).all()


@pytest.mark.parametrize("shape", [(4, 8), (9, 1), (9,)], ids=["few", "one number", "no rows"])
def test_too_little_is_refused(shape: tuple[int, ...]) -> None:
    """A plane needs two numbers a code, and a picture five codes."""
    with pytest.raises(ValueError, match="five codes of two numbers"):
        embed(np.zeros(shape, np.float32), method="pca")


def test_a_method_that_is_not_known_is_named() -> None:
    """Beside those that are."""
    with pytest.raises(ValueError, match="'mds' is not known: use one of pca, tsne, umap"):
        embed(clusters()[0], method="mds")
