"""How the trainings of a batch share one machine: one after another, or in processes beside each other.

The program decides, by what was measured; there is nothing to choose. Imports no torch: the process
that hands out the work never needs it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from deepdlt.night import RunPlan, work_of

PROCESS_BYTES = 512 << 20
"""A process that trains, before it trains: the libraries, and a network with its optimiser and best weights."""

BYTES_A_PIXEL = 2048
"""What a step holds for each pixel of its batch on a CPU: measured 7 MiB a patch of 64 px, rounded up to 8."""

MAX_THREADS = 8
"""More threads than this would each get less than four patches of a batch of 32."""


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
        Memory that is free: of the machine.
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
    plans : tuple of RunPlan
        In the order in which they are handed out: the longest first, so that all end at about the same time.
    """

    n_processes: int
    n_threads: int
    plans: tuple[RunPlan, ...]


def choose_way(plans: Sequence[RunPlan], machine: Machine, *, size_px: int) -> Way:
    """Decide how a batch is trained.

    On a CPU, trainings go in processes of one thread each as soon as there are as many of them as
    cores: two threads of one training wait for each other, two trainings do not. With fewer trainings
    than cores each has its share of them. Where memory is short there are fewer processes, but not
    more threads in each: a training's numbers depend on their number. On any other device trainings
    go one after another.

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
    ordered = tuple(sorted(plans, key=work_of, reverse=True))
    if machine.device != "cpu":
        return Way(n_processes=1, n_threads=min(machine.n_cores, MAX_THREADS), plans=ordered)
    n_beside = min(len(plans), machine.n_cores)
    n_threads = max(1, min(machine.n_cores // n_beside, MAX_THREADS))
    n_bearable = machine.free_bytes // max(bytes_of(plan, size_px=size_px) for plan in plans)
    return Way(n_processes=max(1, min(n_beside, n_bearable)), n_threads=n_threads, plans=ordered)


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
    return PROCESS_BYTES + plan.settings.batch_size * size_px**2 * BYTES_A_PIXEL
