"""One run of one side, in a process of its own.

``python -m benchmarks.child MODULE:FUNCTION RESULT`` with the parameters as JSON on its standard input.
A fresh process has no warm caches but the system's, and its peak memory is its own.
"""

import importlib
import json
import re
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KIB = 1024


@dataclass
class Clock:
    """What a side measures: the seconds inside its ``with clock.running():`` block, and what it wants to say."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    said: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time and the processor time of this process and of the children that end within."""
        cpu, began = _cpu_seconds(), time.perf_counter()
        yield
        self.seconds += time.perf_counter() - began
        self.cpu_seconds += _cpu_seconds() - cpu

    def say(self, **values: Any) -> None:
        """Add to what is kept of this run."""
        self.said |= values


Side = Callable[..., None]


def peak_mb() -> float:
    """Return the largest resident size that this process has had, in megabytes."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        n_bytes = int(found.group(1)) * KIB if found else 0
    except OSError:
        n_bytes = 0
    if not n_bytes:
        unit = 1 if sys.platform == "darwin" else KIB
        n_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return n_bytes / 1e6


def load_side(name: str) -> Side:
    """Return the function that ``module:function`` names."""
    module, _, function = name.partition(":")
    side: Side = getattr(importlib.import_module(module), function)
    return side


def main() -> None:
    """Run the side that the command line names, and write what it measured."""
    name, result = sys.argv[1:]
    clock = Clock()
    load_side(name)(clock, **json.load(sys.stdin))
    measured = {
        "seconds": clock.seconds,
        "cpu_seconds": clock.cpu_seconds,
        "peak_mb": peak_mb(),
        "said": clock.said,
    }
    Path(result).write_text(json.dumps(measured))


def _cpu_seconds() -> float:
    """Return the processor time of this process and its ended children."""
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


if __name__ == "__main__":
    main()
