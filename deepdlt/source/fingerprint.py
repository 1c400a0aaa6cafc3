"""What stands in a folder of images, by content: the digest that tells whether anything is new."""

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deepdlt.digest import DIGEST_BYTES, digest_json
from deepdlt.source.file_content import MAX_BYTES
from deepdlt.source.files import list_inputs
from deepdlt.source.names import IMAGE_SUFFIXES

UNREADABLE = "unreadable"
"""In the place of the digest of a file that cannot be read, whatever the reason: a survey does not tell them apart."""


@dataclass(frozen=True)
class FolderFingerprint:
    """Digest of every image and sheet in a folder.

    Attributes
    ----------
    digest : str
        Changes when a file is added, removed, renamed or differs by a byte; not with its times. Of a file above the
        limit for one file, which no survey reads, only the size counts.
    n_files : int
        Files that were read.
    """

    digest: str
    n_files: int


class Listing:
    """The files of a folder as they were listed; what else is known of them may be told before they are digested.

    Sheets are digested when the folder is listed, images when the fingerprint is asked for. A survey that comes
    between the two has digested almost every image: told what it found, the fingerprint stands for what the
    survey saw and reads no image again.

    Parameters
    ----------
    folder : Path
        Folder with images and label sheets, searched below; only read.
    sheet : Path, optional
        The label sheet, absolute or relative to the folder; it counts, too, where it lies elsewhere.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    """

    def __init__(self, folder: Path, *, sheet: Path | None = None) -> None:
        if not folder.is_dir():
            raise NotADirectoryError(f"{folder} is no folder: name one that holds SEM images and their label sheet")
        self._names = {_name_in(folder, path): path for path in list_inputs(folder, sheet=sheet)}
        sheets = [name for name, path in self._names.items() if path.suffix.lower() not in IMAGE_SUFFIXES]
        self._sheets = dict(zip(sheets, _digest_files([self._names[name] for name in sheets]), strict=True))

    def fingerprint(
        self, digests: Mapping[str, str] | None = None, *, within_reach: Collection[str] | None = None
    ) -> FolderFingerprint:
        """Return the digest of all files.

        Parameters
        ----------
        digests : mapping of str to str, optional
            Digests of images by path relative to the folder, where they are known; sheets keep their own.
        within_reach : collection of str, optional
            Images that a survey could read; any other counts as unreadable, though it can be read again by now.

        Returns
        -------
        FolderFingerprint
        """
        lost = {} if within_reach is None else dict.fromkeys(self._names.keys() - within_reach, UNREADABLE)
        known = {**lost, **(digests or {}), **self._sheets}
        unread = [name for name in self._names if name not in known]
        known |= zip(unread, _digest_files([self._names[name] for name in unread]), strict=True)
        names = list(self._names)
        return FolderFingerprint(digest=digest_json([names, [known[name] for name in names]]), n_files=len(names))


def fingerprint_folder(folder: Path, *, sheet: Path | None = None) -> FolderFingerprint:
    """Return the digest of every file that an ingest of the folder would look at.

    Parameters
    ----------
    folder : Path
        Folder with images and label sheets, searched below; only read.
    sheet : Path, optional
        The label sheet, absolute or relative to the folder.

    Returns
    -------
    FolderFingerprint

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    """
    return Listing(folder, sheet=sheet).fingerprint()


def _name_in(folder: Path, path: Path) -> str:
    """Return a file's path relative to the folder; that of a sheet elsewhere as it is."""
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()


def _digest_files(files: Sequence[Path]) -> list[str]:
    """Return the digest of each file, a few at a time."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(_digest_file, files))


def _digest_file(path: Path) -> str:
    """Return `digest_bytes` of a file, read in pieces, or why not: that too is a state of the folder."""
    try:
        with path.open("rb") as file:
            n_bytes = os.fstat(file.fileno()).st_size
            if n_bytes > MAX_BYTES:
                return f"too large: {n_bytes} bytes"
            state = hashlib.blake2b(n_bytes.to_bytes(8, "little"), digest_size=DIGEST_BYTES)
            return hashlib.file_digest(file, lambda: state).hexdigest()
    except OSError:
        return UNREADABLE
