"""What stands in a folder of images, by content: the digest that tells whether anything is new."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deepdlt.digest import digest_bytes, digest_json
from deepdlt.source_files import list_inputs


@dataclass(frozen=True)
class FolderFingerprint:
    """Digest of every image and sheet in a folder.

    Attributes
    ----------
    digest : str
        Changes when a file is added, removed, renamed or differs by a byte; not with its times.
    n_files : int
        Files that were read.
    """

    digest: str
    n_files: int


def fingerprint_folder(folder: Path) -> FolderFingerprint:
    """Return the digest of every file that an ingest of the folder would look at.

    Parameters
    ----------
    folder : Path
        Folder with images and label sheets, searched below; only read.

    Returns
    -------
    FolderFingerprint

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder: name one that holds SEM images and their label sheet")
    files = list_inputs(folder)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        digests = list(pool.map(_digest_file, files))
    names = [path.relative_to(folder).as_posix() for path in files]
    return FolderFingerprint(digest=digest_json([names, digests]), n_files=len(files))


def _digest_file(path: Path) -> str:
    """Return the digest of a file's bytes, or why they cannot be read: that too is a state of the folder."""
    try:
        return digest_bytes(path.read_bytes())
    except OSError as error:
        return f"unreadable: {error.errno}"
