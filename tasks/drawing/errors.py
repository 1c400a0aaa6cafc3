"""Why a picture cannot be had. Imports nothing heavy: the command line knows these errors before it needs them."""

from collections.abc import Sequence

from deepdlt.errors import DeepdltError


class PictureUnknown(DeepdltError):
    """There is no picture of that name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(f"no picture is called {name!r}; there are {', '.join(known)}")


class PlotRefused(DeepdltError):
    """What was asked for cannot be drawn: another run, night or label is needed."""


class TooFewPatches(DeepdltError):
    """A fold has not the patches that a picture needs."""

    def __init__(self, run_id: str, name: str, what: str) -> None:
        self.run_id = run_id
        super().__init__(f"run {run_id} ({name}) has {what}")
