"""How the trainings of a batch share one machine: in processes beside each other, or as one network.

The program decides, by what was measured; there is nothing to choose. Imports no torch: the process
that hands out the work never needs it.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from deepdlt.night import RunPlan, alike, work_of

PROCESS_BYTES = 512 << 20
"""A process that trains, before it trains: the libraries, and a network with its optimiser and best weights."""

BYTES_A_WEIGHT = 4 * 13
"""Copies of a weight between feature maps and code, which no other number here counts: the weight, its gradient, two
moments, three best ones, and those that a checkpoint is made of: 3.5 GB with 67 million."""

BYTES_A_PIXEL = 2048
"""What a step holds for each pixel of its batch on a CPU: measured 7 MiB a patch of 64 px, rounded up to 8."""

MAX_THREADS = 8
"""More threads than this would each get less than four patches of a batch of 32."""

MEMBER_BYTES = 256 << 20
"""A training of a group on a GPU, before a step: weights, gradients, moments and best weights of the largest model."""

MEMBER_BYTES_A_PIXEL = 1536
"""What a step holds for each pixel of a member's batch: 761 bytes are kept for the way back, and as much again in
work space."""

SHARE_OF_GPU = 0.8
"""Of the memory that is free on a GPU; the rest is for the libraries and for scoring."""


@dataclass(frozen=True)
class Machine:
    """What there is to train on.

    Parameters
    ----------
    device : str
        Kind of device: ``cpu``, ``cuda`` or ``mps``.
    n_cores : int
        That this process may use.
    free_bytes : int
        Memory that is free: of the machine, or of a CUDA device.
    """

    device: str
    n_cores: int
    free_bytes: int


@dataclass(frozen=True)
class Way:
    """How a batch is trained.

    Parameters
    ----------
    n_processes : int
        Processes beside each other.
    n_threads : int
        Threads of torch in each, on a CPU.
    groups : tuple of tuple of RunPlan
        What is trained as one network, in the order in which it is handed out: the longest first, so
        that all end at about the same time. A group of one is a training by itself.
    """

    n_processes: int
    n_threads: int
    groups: tuple[tuple[RunPlan, ...], ...]


def choose_way(plans: Sequence[RunPlan], machine: Machine, *, size_px: int) -> Way:
    """Decide how a batch is trained.

    On a CPU, trainings go in processes of one thread each as soon as there are as many of them as
    cores: two threads of one training wait for each other, two trainings do not. With fewer trainings
    than cores each has its share of them. Where memory is short there are fewer processes, but not
    more threads in each: a training's numbers depend on their number. One network for all would be
    slower there: nothing waits for launches.

    On a CUDA device all trainings that are alike go as one network, as many as its memory bears. On
    any other they go one after another.

    Parameters
    ----------
    plans : sequence of RunPlan
        At least one.
    machine : Machine
    size_px : int
        Edge of a patch, px.

    Returns
    -------
    Way
    """
    if machine.device == "cuda":
        groups = _groups(plans, round(SHARE_OF_GPU * machine.free_bytes), size_px)
        return Way(n_processes=1, n_threads=min(machine.n_cores, MAX_THREADS), groups=groups)
    groups = tuple((plan,) for plan in sorted(plans, key=work_of, reverse=True))
    n_beside = min(len(plans), machine.n_cores) if machine.device == "cpu" else 1
    n_threads = max(1, min(machine.n_cores // n_beside, MAX_THREADS))
    n_bearable = machine.free_bytes // max(bytes_of(plan, size_px=size_px) for plan in plans)
    return Way(n_processes=max(1, min(n_beside, n_bearable)), n_threads=n_threads, groups=groups)


def _groups(plans: Sequence[RunPlan], free_bytes: int, size_px: int) -> tuple[tuple[RunPlan, ...], ...]:
    """Return plans that are alike together, in parts of about one size that the memory bears; the longest first."""
    groups: list[tuple[RunPlan, ...]] = []
    for kind in alike(plans):
        step_bytes = kind[0].settings.batch_size * size_px**2 * MEMBER_BYTES_A_PIXEL
        each = MEMBER_BYTES + _code_bytes(kind[0], size_px) + step_bytes
        n_parts = math.ceil(len(kind) / max(1, free_bytes // each))
        edges = [len(kind) * part // n_parts for part in range(n_parts + 1)]
        groups += [tuple(kind[start:stop]) for start, stop in itertools.pairwise(edges)]
    return tuple(sorted(groups, key=lambda group: sum(map(work_of, group)), reverse=True))


def bytes_of(plan: RunPlan, *, size_px: int) -> int:
    """Return the memory that a process takes which trains a plan on a CPU, roughly and rather too much.

    Parameters
    ----------
    plan : RunPlan
    size_px : int
        Edge of a patch, px.

    Returns
    -------
    int
        Without the patches, which all processes share.
    """
    step_bytes = plan.settings.batch_size * size_px**2 * BYTES_A_PIXEL
    return PROCESS_BYTES + _code_bytes(plan, size_px) + step_bytes


def code_weights(model: str, n_code: int | None, *, size_px: int) -> int:
    """Return how many weights lie between a model's feature maps and its code, without those of the maps.

    Parameters
    ----------
    model : str
        ``ae``, ``vae`` or ``residual``.
    n_code : int or None
        Numbers in the code of a patch; None for the maps themselves.
    size_px : int
        Edge of a patch, px.

    Returns
    -------
    int

    Examples
    --------
    >>> code_weights("ae", 4096, size_px=64)
    67108864
    """
    n_features = size_px**2 * (1 if model == "residual" else 2)
    n_layers = 3 if model == "vae" else 2
    return n_layers * n_features * (n_code or 0)


def _code_bytes(plan: RunPlan, size_px: int) -> int:
    """Return the memory that a training takes for the weights of its code."""
    return BYTES_A_WEIGHT * code_weights(plan.settings.model, plan.settings.n_code, size_px=size_px)
