"""How the threads of a computation wait for each other, and how many there are."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "10000"}
"""Threads of any OpenMP sleep while they wait; those of GNU's, which torch brings on Linux, spin some 10 us before."""


def share_cores() -> None:
    """Let idle OpenMP threads sleep soon instead of spin for long; call it before torch is imported.

    Between two operations OpenMP's threads spin for a while, in case the next one comes soon. Where
    other processes want the same cores (a server, a worker, a second training), each spin takes the
    time slice that the others wait for: on two busy cores an epoch took four times as long. Not to
    spin at all made a step a tenth slower on two quiet ones. A setting of the user's own is left alone.
    """
    for name, value in WAITING.items():
        os.environ.setdefault(name, value)


def n_usable_cores() -> int:
    """Return how many cores this process may run on; a container or `taskset` may give it fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def one_thread() -> Iterator[None]:
    """Let linear algebra and OpenMP use one thread within this block.

    Probes and embeddings work on small matrices: there, further threads mostly wait. On two busy
    cores a t-SNE of 768 codes took 34 s with two threads and 7 s with one.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


@contextmanager
def torch_threads(n_threads: int) -> Iterator[None]:
    """Let torch compute with so many threads within this block: sums over threads round as their number says.

    Parameters
    ----------
    n_threads : int
        At least 1.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
