"""Loops in machine code (numba), and their parts in threads: what torch has no fast form for on a CPU."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import torch
from numba import njit

F = TypeVar("F", bound=Callable[..., Any])

PATCHES_A_THREAD = 16
"""Fewer are not worth a thread of their own."""


def compiled(function: F) -> F:
    """Compile a function on first use, keep the machine code beside the module, and run it without Python's lock.

    A product and a sum may be rounded once instead of twice; the order of sums stays as it is written.
    """
    made: Any = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})(function)
    return cast("F", made)


def in_threads(work: Callable[[slice], None], n: int) -> None:
    """Do `work` on parts of n patches, with as many threads as torch uses.

    Parameters
    ----------
    work : callable
        Takes the part that it is to do; what it writes must not depend on where parts begin.
    n : int
        Number of patches.
    """
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
