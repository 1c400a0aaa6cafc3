"""What a training that was cut off goes on from: where its files are had from, and given to, while it trains."""

import logging
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from deepdlt.training.progress_files import PROGRESS_FILES
from lake import LakeError
from lake.objects import Files

logger = logging.getLogger(__name__)

SHARE = 0.05
"""Share of the time that handing files on may take: where that is slow, it is done less often."""


def paths_of(run_id: str) -> list[str]:
    """Return the progress files of a run, relative to the lake.

    Examples
    --------
    >>> paths_of("1f3a")[0]
    'models/1f3a/progress.safetensors'
    """
    return [f"models/{run_id}/{name}" for name in PROGRESS_FILES]


def forget_progress(files: Files, run_ids: Iterable[str]) -> None:
    """Remove what cut-off trainings would go on from: they stand in the lake, or begin anew."""
    files.remove([path for run_id in run_ids for path in paths_of(run_id)])


class KeptProgress:
    """Progress of trainings under way, for whichever machine goes on with them.

    Where the lake's files are in a bucket, what it has is what counts: another machine may have gone further.

    Parameters
    ----------
    files : Files
        Of the lake.
    run_ids : sequence of str
        Trainings that are about to begin, or to go on.
    """

    def __init__(self, files: Files, run_ids: Sequence[str]) -> None:
        self._files = files
        self._seen: dict[str, tuple[int, int]] = {}
        self._next_s = 0.0
        self._paths = [path for run_id in run_ids for path in paths_of(run_id)]
        files.fetch_all(self._paths)
        for path in self._paths:
            self._note(path)

    def keep(self) -> None:
        """Hand on what trainings have saved since, if it is time; what cannot be handed on now is so the next time."""
        if time.monotonic() < self._next_s:
            return
        began_s = time.monotonic()
        for path in self._paths:
            if self._note(path):
                try:
                    self._files.publish(path)
                    self._note(path)
                except LakeError as error:
                    self._seen.pop(path)
                    logger.warning("no other machine could go on from here: %s", error)
        took_s = time.monotonic() - began_s
        self._next_s = began_s + took_s / SHARE

    def _note(self, path: str) -> bool:
        """Look at a file, and tell whether it has changed since it was last looked at."""
        file: Path = self._files.root / path
        try:
            stat = file.stat()
        except FileNotFoundError:
            return False
        stamp = (stat.st_size, stat.st_mtime_ns)
        is_new = self._seen.get(path) != stamp
        self._seen[path] = stamp
        return is_new
