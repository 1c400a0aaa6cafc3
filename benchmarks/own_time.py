"""How much of a thread's time is spent in the project's own code, by looking at its stack again and again."""

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from benchmarks.pairs import ROOT

EVERY_S = 0.002
OURS = tuple(str(ROOT / name) for name in ("deepdlt", "lake", "tasks", "flows"))


def owner_of(frame: FrameType | None) -> str:
    """Return whose work a stack does: ``prefect`` or ``ours``, whichever of the two is called last, else ``other``.

    Time in a library counts for whoever called it.
    """
    while frame is not None:
        name = frame.f_code.co_filename
        if "/site-packages/prefect/" in name:
            return "prefect"
        if name.startswith(OURS):
            return "ours"
        frame = frame.f_back
    return "other"


@contextmanager
def sampled() -> Iterator[Counter[str]]:
    """Count, over the block, looks at this thread by owner; each stands for `EVERY_S`."""
    counts: Counter[str] = Counter()
    watched = threading.get_ident()
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(EVERY_S):
            counts[owner_of(sys._current_frames().get(watched))] += 1

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield counts
    finally:
        is_over.set()
        watcher.join()
