"""Work in parts as large as memory bears."""

from collections.abc import Sequence

import pytest
import torch

from deepdlt.together.halving import halving


def test_what_memory_does_not_bear_is_done_in_halves() -> None:
    """Every item is done once, in order, in the largest parts that go."""
    tried: list[int] = []

    def work(items: Sequence[int]) -> list[int]:
        tried.append(len(items))
        if len(items) > 3:
            raise torch.OutOfMemoryError("as a small GPU says")
        return [10 * item for item in items]

    assert list(halving(range(7), work)) == [0, 10, 20, 30, 40, 50, 60]
    assert tried == [7, 3, 4, 2, 2]


def test_one_that_memory_does_not_bear_is_an_error() -> None:
    """There is no smaller part."""

    def work(items: Sequence[int]) -> list[int]:
        raise torch.OutOfMemoryError("as a small GPU says")

    with pytest.raises(torch.OutOfMemoryError):
        list(halving([1, 2], work))
