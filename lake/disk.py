"""A full disk, told as what it is: DuckDB, SQLite, Arrow and the system each have words of their own for it."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lake.errors import DiskFull

LEAST_BYTES = 2**20
"""Below this, SQLite's "disk I/O error" is taken for a full disk."""


@contextmanager
def full_disk_told(folder: Path, what: str) -> Iterator[None]:
    """Turn errors of a full disk, whoever raises them, into one of ours.

    Parameters
    ----------
    folder : Path
        On the disk that is written to.
    what : str
        What is being done.

    Raises
    ------
    DiskFull
        In the place of such an error.
    """
    try:
        yield
    except DiskFull:
        raise
    except Exception as error:
        if is_full(error, folder):
            raise DiskFull(folder, what) from error
        raise


def is_full(error: BaseException, folder: Path) -> bool:
    """Tell whether an error, or what it came from, is that of a full disk."""
    origin: BaseException | None = error
    while origin is not None:
        if _says_full(origin, folder):
            return True
        origin = origin.__cause__
    return False


def _says_full(error: BaseException, folder: Path) -> bool:
    """Tell whether an error by itself is that of a full disk."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    said = str(error).lower()
    if "no space left" in said or "disk is full" in said:
        return True
    return "disk i/o error" in said and shutil.disk_usage(folder).free < LEAST_BYTES
