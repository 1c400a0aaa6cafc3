"""The files of a lake that are no tables: shards, models, pages, pictures; in its folder, or in a bucket.

Everything reads and writes files of this machine. What is read is fetched before, what was written is published after,
and only then a row refers to it. In a folder that all share there is nothing to do for either.
"""

import math
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Protocol

from lake.files import files_below, inside, is_temporary
from lake.location import Location


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is there.

    Parameters
    ----------
    path : str
        Relative to the lake.
    n_bytes : int
    changed_at : float
        Seconds since 1970.
    """

    path: str
    n_bytes: int
    changed_at: float


class Files(Protocol):
    """Where a lake's files are. Paths are relative to the lake; one that leads out of it is refused."""

    root: Path
    """Folder of this machine in which they are read and written."""

    def fetch(self, path: str, *, is_whole: Callable[[Path], bool] | None = None) -> Path:
        """Return where a file can be read; where it is nowhere, nothing lies there.

        Parameters
        ----------
        path : str
        is_whole : callable, optional
            Tells of a copy of this machine whether it is good, for files that never change under their name.
        """

    def fetch_all(self, paths: Iterable[str]) -> None:
        """Have those of the files that are there lie in `root` as they are now, and no others."""

    def publish(self, path: str) -> None:
        """Let others have a file that was written in `root`: whole, or not at all."""

    def sizes(self, paths: Iterable[str]) -> dict[str, int]:
        """Return the bytes of those of the files that are there."""

    def listed(self, prefix: str) -> list[Found]:
        """Return the files whose paths begin so, sorted; those that are being written are not there yet."""

    def remove(self, paths: Iterable[str], *, changed_by: float = math.inf) -> None:
        """Remove files, those that are there.

        Parameters
        ----------
        paths : iterable of str
        changed_by : float
            Seconds since 1970: what was changed after that stays.
        """

    def remove_tree(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it."""


class Folder:
    """Files in a folder that every machine with this lake has.

    Parameters
    ----------
    root : Path
        The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def fetch(self, path: str, *, is_whole: Callable[[Path], bool] | None = None) -> Path:  # noqa: ARG002
        """Return where a file is."""
        return inside(self.root, path)

    def fetch_all(self, paths: Iterable[str]) -> None:
        """Leave them where they are."""

    def publish(self, path: str) -> None:
        """Leave it where it is."""

    def sizes(self, paths: Iterable[str]) -> dict[str, int]:
        """Return the bytes of those of the files that are there."""
        found = {path: self._found(inside(self.root, path)) for path in paths}
        return {path: one.n_bytes for path, one in found.items() if one}

    def listed(self, prefix: str) -> list[Found]:
        """Return the files whose paths begin so, sorted."""
        folder, _, start = prefix.rpartition("/")
        tops = (self.root / folder).glob(f"{start}*")
        files = [file for top in tops for file in (files_below(top) if top.is_dir() else [top])]
        found = (self._found(file) for file in files if not is_temporary(file.name))
        return sorted((one for one in found if one), key=lambda one: one.path)

    def remove(self, paths: Iterable[str], *, changed_by: float = math.inf) -> None:
        """Remove files, those that are there."""
        for path in paths:
            file = inside(self.root, path)
            with suppress(FileNotFoundError):
                if file.lstat().st_mtime <= changed_by:
                    file.unlink()

    def remove_tree(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it."""
        place = inside(self.root, path)
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)

    def _found(self, file: Path) -> Found | None:
        """Return what there is to say of a file; None where it has gone since it was listed, or is none."""
        try:
            stat = file.stat()
        except FileNotFoundError:
            return None
        is_file = S_ISREG(stat.st_mode)
        return Found(file.relative_to(self.root).as_posix(), stat.st_size, stat.st_mtime) if is_file else None


def files_of(place: Location | Files | Path) -> Files:
    """Return the files of a lake's location; a plain folder is one, too.

    Examples
    --------
    >>> files_of(Path("/srv/lake")).root
    PosixPath('/srv/lake')
    """
    if isinstance(place, Path):
        return Folder(place)
    if not isinstance(place, Location):
        return place
    if place.bucket is None:
        return Folder(place.root)
    from lake.bucket import Bucket

    return Bucket(place)
