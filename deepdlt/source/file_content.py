"""Read files within a limit."""

import os
from pathlib import Path

from deepdlt.source.image_errors import FileTooLarge, FileUnreadable, FileVanished

MAX_BYTES = 2**29
"""Default limit for one file: 512 MiB, more than 100 million pixels of four bytes."""


def read_content(path: Path, *, shown_as: str, max_bytes: int = MAX_BYTES) -> bytes:
    """Return the bytes of a file.

    Parameters
    ----------
    path : Path
        The file.
    shown_as : str
        Its path in messages.
    max_bytes : int
        Limit, checked before and while reading.

    Returns
    -------
    bytes
        At most `max_bytes`.

    Raises
    ------
    FileVanished
        If there is no such file any more.
    FileTooLarge
        If it has more bytes than the limit.
    FileUnreadable
        If the system refuses to read it.
    """
    try:
        with path.open("rb") as file:
            n_bytes = os.fstat(file.fileno()).st_size
            content = file.read(max_bytes + 1) if n_bytes <= max_bytes else b""
    except FileNotFoundError as error:
        raise FileVanished(shown_as, shown_as, "was found and is no longer there") from error
    except OSError as error:
        raise FileUnreadable(shown_as, str(error.strerror), f"cannot be read ({error.strerror})") from error
    n_bytes = max(n_bytes, len(content))
    if n_bytes > max_bytes:
        raise FileTooLarge(shown_as, f"{n_bytes} bytes", f"has {n_bytes} bytes, and the limit is {max_bytes}")
    return content
