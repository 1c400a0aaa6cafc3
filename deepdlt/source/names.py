"""Names of images as sheets write them, and the key that joins them with files."""

import re
import unicodedata
from pathlib import PurePosixPath

from deepdlt.errors import DeepdltError

IMAGE_SUFFIXES = frozenset({".png", ".tif", ".tiff", ".bmp"})
"""Suffixes of the files that are read, lower case."""

_NAMED_SUFFIXES = IMAGE_SUFFIXES | {".jpg", ".jpeg", ".gif"}
"""Suffixes a sheet may write; `1.5` in `spot 1.5` is none."""

_DRIVE = re.compile(r"[A-Za-z]:")


class NameUnusable(DeepdltError):
    """A sheet's image name cannot be a file below the sheet's folder."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"the image name {name!r} {reason}")


def join_key(name: str) -> str:
    r"""Return what a sheet's name and a file's path have in common.

    The same picture is `a/1-1.bmp` in a sheet, `a\1-1.bmp` in one written on Windows and
    `a/1-1.png` on the disk. The key has forward slashes, no image suffix, no blanks around its
    parts, and composed Unicode (NFC). Letter case counts.

    Parameters
    ----------
    name : str
        Path relative to the sheet's folder.

    Returns
    -------
    str
        The key; equal keys mean the same picture.

    Raises
    ------
    NameUnusable
        If the name is empty, contains NUL, is absolute or has a `..` part.

    Examples
    --------
    >>> join_key(" spots\\1-1.BMP ") == join_key("spots/1-1.png")
    True
    """
    text = unicodedata.normalize("NFC", name).replace("\\", "/").strip()
    if "\0" in text:
        raise NameUnusable(name, "contains a NUL character")
    if text.startswith("/") or _DRIVE.match(text):
        raise NameUnusable(name, "is absolute")
    parts = [part.strip() for part in text.split("/")]
    if ".." in parts:
        raise NameUnusable(name, "leaves the folder of the sheet")
    kept = [part for part in parts if part not in {"", "."}]
    if not kept:
        raise NameUnusable(name, "is empty")
    kept[-1] = _without_suffix(kept[-1]).strip()
    return "/".join(kept)


def _without_suffix(name: str) -> str:
    """Return the last part of a name without its image suffix, if it has one."""
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in _NAMED_SUFFIXES else name
