"""A row of the table: two sides, a goal, and the limit that physics sets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.pairs import Pairs
from benchmarks.peaks import Peaks
from benchmarks.sources import Stage

BASELINE = "baseline"
"""Name of the side that works in the published way."""


@dataclass(frozen=True)
class Finding:
    """One goal of a row and what was found."""

    goal: str
    found: str
    is_met: bool


@dataclass(frozen=True)
class Limit:
    """The least time that the work can take on this machine, and why."""

    seconds: float
    why: str


Judge = Callable[[Pairs], Finding]


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes
    ----------
    name : str
        What selects it, and names its file of results.
    work : str
        What is done, for the table.
    ours, other : str
        ``module:function`` of each side; no other where there is none.
    other_name : str
        What the other side is; a baseline may import packages of its own.
    parameters : callable
        Makes what both sides need, untimed; returns their parameters.
    judges : sequence of Judge
        The goals.
    limit : callable, optional
        From pairs, peaks and parameters to the physical limit.
    check : str, optional
        ``module:function``, run once before the pairs; what it says is kept with our first run, as ``check``.
    finish : callable, optional
        Ends what `parameters` started.
    is_for_gpu : bool
        Whether it needs a CUDA device.
    n_pairs : int, optional
        How many pairs, where not five or three.
    data : str
        What it works on, where that is not the source.
    works_elsewhere : bool
        Whether other processes do the work: memory and processors of the one that is timed are then not told.
    """

    name: str
    work: str
    ours: str
    parameters: Callable[[Stage], dict[str, Any]]
    judges: Sequence[Judge]
    other: str | None = None
    other_name: str = BASELINE
    check: str | None = None
    limit: Callable[[Pairs, Peaks, dict[str, Any]], Limit] | None = None
    finish: Callable[[dict[str, Any]], None] | None = None
    is_for_gpu: bool = False
    n_pairs: int | None = None
    data: str = ""
    works_elsewhere: bool = False


def faster(times: float) -> Judge:
    """Ask that the other side takes at least so many times as long."""

    def judge(pairs: Pairs) -> Finding:
        spread = pairs.speed_up
        found = f"{spread.median:.1f}x ({spread.least:.1f} to {spread.largest:.1f})"
        return Finding(f">= {times:g}x", found, spread.median >= times)

    return judge


def share_of_speed(least: float, *, of: str) -> Judge:
    """Ask for at least a share of the other side's speed."""

    def judge(pairs: Pairs) -> Finding:
        share = pairs.speed_up
        found = f"{share.median:.0%} ({share.least:.0%} to {share.largest:.0%})"
        return Finding(f">= {least:.0%} of {of}", found, share.median >= least)

    return judge


def at_most_times(times: float, *, of: str) -> Judge:
    """Ask that our side takes at most so many times as long as the other."""

    def judge(pairs: Pairs) -> Finding:
        ratio = 1 / pairs.speed_up.median
        return Finding(f"<= {times:.3g}x {of}", f"{ratio:.2f}x", ratio <= times)

    return judge


def within(seconds: float) -> Judge:
    """Ask that our side takes at most so many seconds."""

    def judge(pairs: Pairs) -> Finding:
        spread = pairs.seconds
        found = f"{spread.median:.3g} s ({spread.least:.3g} to {spread.largest:.3g})"
        return Finding(f"<= {seconds:g} s", found, spread.median <= seconds)

    return judge


def said_at_most(name: str, most: float, *, goal: str, unit: str = " s") -> Judge:
    """Ask that a number which our side says is at most so much."""

    def judge(pairs: Pairs) -> Finding:
        spread = pairs.said(name)
        return Finding(goal, f"{spread.median:.3g}{unit}", spread.median <= most)

    return judge


def said_always(name: str, *, goal: str) -> Judge:
    """Ask that our side says yes to something in every run."""

    def judge(pairs: Pairs) -> Finding:
        is_so = all(one.said[name] for one in pairs.ours)
        return Finding(goal, "yes" if is_so else "no", is_so)

    return judge
