"""Files that appear whole or not at all, and paths that stay in their folder."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from lake.disk import full_disk_told
from lake.errors import PathEscapes

TEMPORARY_PREFIX = ".tmp-"
"""Files of this name are left by a process that died while writing; maintenance removes them."""

_TEMPORARY = re.compile(rf"{re.escape(TEMPORARY_PREFIX)}.*|\.[^/]+\.[A-Za-z0-9]+-[a-z0-9_]{{8}}", re.DOTALL)
"""Ours, and those of writers of checkpoints, which have the name to come in theirs: .NAME.SUFFIX-8 LETTERS."""


def is_temporary(name: str) -> bool:
    """Tell whether a file is one that is being written, or that a process left which died while it wrote.

    Examples
    --------
    >>> is_temporary(".tmp-x"), is_temporary(".progress.safetensors-k2_f8x0a"), is_temporary("last.safetensors")
    (True, True, False)
    """
    return _TEMPORARY.fullmatch(name) is not None


def files_below(folder: Path) -> list[Path]:
    """Return every file below a folder, sorted; what vanishes meanwhile is left out, or is not there any more."""
    return sorted(Path(place) / name for place, _, names in os.walk(folder) for name in names)


def atomic_write(path: Path, content: bytes | memoryview) -> None:
    """Write a file so that a reader, or a crash at any moment, sees the old content or the new.

    Parameters
    ----------
    path : Path
        Its folder must exist.
    content : bytes
        All of it.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary file beside `path` that takes its name when the body ends well.

    The content is on disk (fsync) before the name changes, and the name before this returns. A body
    that fails leaves `path` as it was and no temporary file.
    """
    with full_disk_told(path.parent, f"write {path.name}"):
        handle, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            _sync(temporary)
            temporary.replace(path)
            _sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def inside(root: Path, relative: str) -> Path:
    """Return ``root / relative``, and refuse a path that leads out of `root`.

    Parameters
    ----------
    root : Path
        The folder to stay in.
    relative : str
        Forward slashes; need not exist.

    Raises
    ------
    PathEscapes
        If it is empty, absolute, holds a NUL or ``..``, or follows a link out of `root`.

    Examples
    --------
    >>> inside(Path("/srv/lake"), "shards/0a/0a1b.parquet")
    PosixPath('/srv/lake/shards/0a/0a1b.parquet')
    """
    parts = PurePosixPath(relative)
    if not relative or "\0" in relative:
        raise PathEscapes(root, relative, "it is empty or holds a NUL")
    if parts.is_absolute() or ".." in parts.parts or "\\" in relative:
        raise PathEscapes(root, relative, "it is absolute, or holds `..` or a backslash")
    path = root / parts
    if not path.resolve().is_relative_to(root.resolve()):
        raise PathEscapes(root, relative, "a link on the way leads elsewhere")
    return path


def _sync(path: Path) -> None:
    """Wait until the disk has a file, or a folder's names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
