"""Run two sides in turn, A B A B ..., and say how they compare."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepdlt.threads import WAITING

ROOT = Path(__file__).parents[1]
PACKAGES = ROOT / "build" / "benchmarks" / "packages"
"""What `make bench` installs for the baseline alone."""

MINUTE_S = 60.0
MANY, FEW = 5, 3
"""Pairs where a pair takes less than a minute, and where it takes longer."""

LIMIT_S = 6 * 3600


class SideFailed(RuntimeError):
    """A side ended with an error; its last lines are in the message."""


@dataclass(frozen=True)
class Measured:
    """One run of one side.

    Attributes
    ----------
    seconds : float
        Wall time of the part that counts.
    cpu_seconds : float
        Processor time of all its processes in that part.
    peak_mb : float
        Largest resident size of its process, imports included, in megabytes.
    said : dict
        What the side said of itself: counts, losses, ...
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    said: dict[str, Any]


@dataclass(frozen=True)
class Spread:
    """Median, least and largest of a few numbers."""

    median: float
    least: float
    largest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of at least one number."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Pairs:
    """Runs of our side, and of the other where there is one, in the order in which they were done."""

    ours: tuple[Measured, ...]
    other: tuple[Measured, ...] = ()

    @property
    def seconds(self) -> Spread:
        """Seconds of our side."""
        return Spread.of([one.seconds for one in self.ours])

    @property
    def other_seconds(self) -> Spread:
        """Seconds of the other side."""
        return Spread.of([one.seconds for one in self.other])

    @property
    def speed_up(self) -> Spread:
        """How many times as long the other side takes, pair by pair."""
        return Spread.of([two.seconds / one.seconds for one, two in zip(self.ours, self.other, strict=True)])

    @property
    def cores(self) -> float:
        """Cores that our side keeps busy on average."""
        return statistics.median(one.cpu_seconds / one.seconds for one in self.ours)

    def said(self, name: str) -> Spread:
        """Return the spread of a number that our side said."""
        return Spread.of([float(one.said[name]) for one in self.ours])


def run_side(name: str, parameters: Mapping[str, Any], *, has_packages: bool = False) -> Measured:
    """Run one side once, in a process of its own.

    Parameters
    ----------
    name : str
        ``module:function``; the function takes a `benchmarks.child.Clock` and the parameters.
    parameters : mapping
        JSON values.
    has_packages : bool
        Whether it may import the baseline's own packages.

    Returns
    -------
    Measured

    Raises
    ------
    SideFailed
        If it ends with an error.
    """
    with tempfile.TemporaryDirectory(prefix="deepdlt-bench-") as folder:
        result = Path(folder, "result.json")
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.child", name, str(result)],
            input=json.dumps(dict(parameters)),
            env={**os.environ, **WAITING, "PYTHONPATH": str(PACKAGES) if has_packages else ""},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        if done.returncode or not result.exists():
            raise SideFailed(f"{name} ended with {done.returncode}:\n{done.stderr[-4000:]}")
        return Measured(**json.loads(result.read_text()))


def run_pairs(
    ours: Callable[[], Measured], other: Callable[[], Measured] | None, *, n_pairs: int | None = None
) -> Pairs:
    """Run both sides in turn; the first pair says how many there will be.

    Parameters
    ----------
    ours, other : callable
        One run each; no other side, and ours is run alone.
    n_pairs : int, optional
        How many; five where the first took less than a minute, else three.

    Returns
    -------
    Pairs
    """
    measured: list[Measured] = []
    others: list[Measured] = []
    wanted = n_pairs or MANY
    while len(measured) < wanted:
        if other is not None:
            others.append(other())
        measured.append(ours())
        took = measured[0].seconds + (others[0].seconds if others else 0.0)
        wanted = n_pairs or (MANY if took < MINUTE_S else FEW)
    return Pairs(tuple(measured), tuple(others))
