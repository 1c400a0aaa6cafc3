"""A line in the terminal that counts what is done, where there is a terminal."""

import sys
import time
from collections.abc import Callable

EVERY_S = 0.2


def counter(verb: str) -> Callable[[int, int], None]:
    """Return a function that shows "verb 12 of 340" in one line of the terminal.

    Parameters
    ----------
    verb : str
        Past participle of what is done with each.

    Returns
    -------
    callable
        Takes how many are done and how many there are; silent where standard error is no terminal.
    """
    shown = 0.0

    def show(done: int, of: int) -> None:
        nonlocal shown
        if not sys.stderr.isatty() or (done < of and time.monotonic() - shown < EVERY_S):
            return
        shown = time.monotonic()
        print(f"\r{verb} {done} of {of}", end="\n" if done == of else "", file=sys.stderr, flush=True)

    return show
