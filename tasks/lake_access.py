"""The lake that this process works on."""

import functools
import os

from lake import Lake
from lake.location import VARIABLE


def open_lake() -> Lake:
    """Return the lake that `DEEPDLT_LAKE` names (the default one if it names none), opened once a process."""
    return _opened(os.environ.get("DEEPDLT_LAKE"))


def environment_with(lake: Lake) -> dict[str, str]:
    """Return the environment of a child that is to work on a lake: this process's, with where that one lies."""
    return os.environ | {VARIABLE: str(lake.location)}


@functools.lru_cache(maxsize=8)
def _opened(location: str | None) -> Lake:
    return Lake.open(location)
