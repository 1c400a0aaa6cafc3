"""Count work instead of timing it: files opened, calls made."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

_listeners: list[Counter[str]] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    """Note every file that is opened while someone listens."""
    if _listeners and event == "open" and isinstance(arguments[0], str | bytes | Path):
        for listener in _listeners:
            listener[str(arguments[0])] += 1


sys.addaudithook(_note)


@contextmanager
def opened_files() -> Iterator[Counter[str]]:
    """Count by path how often Python opens each file within the block, on any thread."""
    counter: Counter[str] = Counter()
    _listeners.append(counter)
    try:
        yield counter
    finally:
        _listeners.remove(counter)


def count_calls(monkeypatch: pytest.MonkeyPatch, *places: tuple[object, str]) -> list[int]:
    """Count the calls of functions, by the places that they are called from; the first number is the count."""
    calls = [0]

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            calls[0] += 1
            return function(*arguments, **named)

        return call

    for place, name in places:
        monkeypatch.setattr(place, name, counted(getattr(place, name)))
    return calls
