"""Work on many things at once, as many as memory bears."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")

logger = logging.getLogger(__name__)


def halving(items: Sequence[T], work: Callable[[Sequence[T]], Sequence[R]]) -> Iterator[R]:
    """Do work on all items at once, or on halves of them where the memory of a GPU is too small, and so on.

    Parameters
    ----------
    items : sequence
        At least one.
    work : callable
        From some items to one result each; it can begin anew after it ran out of memory.

    Yields
    ------
    any
        One result an item, in order, as soon as its part is done.

    Raises
    ------
    torch.OutOfMemoryError
        If one item alone is too much.

    Examples
    --------
    >>> list(halving([1, 2, 3], lambda some: [10 * one for one in some]))
    [10, 20, 30]
    """
    waiting = [items]
    while waiting:
        part = waiting.pop(0)
        try:
            done = work(part)
        except torch.OutOfMemoryError:
            if len(part) == 1:
                raise
            logger.warning("memory does not bear %d at once: taking halves", len(part))
            middle = len(part) // 2
            waiting[:0] = [part[:middle], part[middle:]]
            continue
        yield from done
