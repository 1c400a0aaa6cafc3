"""The lake that this process works on."""

import functools
import os

from lake import Lake


def open_lake() -> Lake:
    """Return the lake that `DEEPDLT_LAKE` names (the default one if it names none), opened once a process."""
    return _opened(os.environ.get("DEEPDLT_LAKE"))


@functools.lru_cache(maxsize=8)
def _opened(location: str | None) -> Lake:
    return Lake.open(location)
