"""Catch Python warnings per thread.

`warnings.catch_warnings` swaps state of the whole process, so two threads that use it at once lose
each other's warnings or leave the wrong filters behind. Here the first thread in swaps that state,
the last one out puts it back, and each thread is handed its own messages.
"""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_lock = threading.Lock()
_own = threading.local()
_inside = 0
_outer = warnings.catch_warnings()


@contextmanager
def recorded_warnings() -> Iterator[list[Warning]]:
    """Collect the warnings that this thread raises inside the block, instead of showing them.

    Yields
    ------
    list of Warning
        Filled as they come, without repetitions of the same text. Warnings of threads that are not
        in such a block are shown.
    """
    found: list[Warning] = []
    around: list[Warning] | None = getattr(_own, "found", None)
    _enter()
    _own.found = found
    try:
        yield found
    finally:
        _own.found = around
        _leave()


def _enter() -> None:
    """Swap the process's warning filters unless another thread has."""
    global _inside, _outer
    with _lock:
        if _inside == 0:
            _outer = warnings.catch_warnings()
            _outer.__enter__()
            shown_before = warnings.showwarning
            warnings.simplefilter("always")

            def hand_over(
                message: Warning | str,
                category: type[Warning],
                filename: str,
                lineno: int,
                file: TextIO | None = None,
                line: str | None = None,
            ) -> None:
                found: list[Warning] | None = getattr(_own, "found", None)
                if found is None:
                    shown_before(message, category, filename, lineno, file, line)
                elif str(message) not in map(str, found):
                    found.append(message if isinstance(message, Warning) else category(message))

            warnings.showwarning = hand_over
        _inside += 1


def _leave() -> None:
    """Put the process's warning filters back once no thread is left inside."""
    global _inside
    with _lock:
        _inside -= 1
        if _inside == 0:
            _outer.__exit__(None, None, None)
