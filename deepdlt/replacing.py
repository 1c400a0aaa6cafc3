"""Write a folder beside its place and put it there as a whole."""

import ctypes
import json
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from glob import escape
from pathlib import Path
from typing import Any

from deepdlt.errors import DeepdltError

MARKER_NAME = ".deepdlt-export.json"
"""File in every folder written here: what lies beside it may be replaced."""

_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux


class TargetForeign(DeepdltError):
    """The target holds something that no earlier call wrote."""

    def __init__(self, *, target: Path, found: str) -> None:
        self.target = target
        self.found = found
        super().__init__(
            f"{target} is not replaced: {found} is not from a former export. Choose another target, or move that away."
        )


@contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """Hand out an empty folder that takes the target's place when the block ends well.

    Until then the target stays as it is; after an exception it stays so for good. A target that
    exists must be empty or come from an earlier call, with nothing added at its top level.

    Parameters
    ----------
    target : Path
        Folder to make or to replace.

    Yields
    ------
    Path
        A new folder beside the target, on the same file system.

    Raises
    ------
    TargetForeign
        If the target is a file or holds anything that an earlier call did not put there.
    """
    target = target.resolve()
    check_replaceable(target)
    partial = _beside(target, "partial")
    partial.mkdir(parents=True)
    try:
        yield partial
        noted = {"entries": sorted(path.name for path in partial.iterdir()), "n_files": len(_files_below(partial))}
        (partial / MARKER_NAME).write_text(json.dumps(noted) + "\n", encoding="utf-8")
        check_replaceable(target)  # the block may have taken minutes
        _swap(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def leftovers(target: Path) -> list[Path]:
    """Return the hidden folders beside a target that calls which were killed have left.

    What stood in its place before is one only where the target is there: else it may be the only copy.

    Parameters
    ----------
    target : Path
        Whether it is there or not.

    Returns
    -------
    list of Path
        A call that goes on has its folder there, too: look at its age.
    """
    kinds = ("partial", "old") if target.exists() else ("partial",)
    found = (path for kind in kinds for path in target.parent.glob(f".{escape(target.name)}.{kind}-*"))
    return sorted(path for path in found if path.is_dir() and not path.is_symlink())


def check_replaceable(target: Path) -> None:
    """Refuse a target that holds what no export wrote.

    Raises
    ------
    TargetForeign
        If the target is a file or holds anything that an earlier call did not put there.
    """
    if not target.exists():
        return
    if not target.is_dir():
        raise TargetForeign(target=target, found="it")
    found = sorted(path.name for path in target.iterdir())
    foreign = [name for name in found if name not in {MARKER_NAME, *_entries_of(target)}]
    if foreign:
        raise TargetForeign(target=target, found=foreign[0])


def is_as_written(target: Path, *, finished_at: datetime) -> bool:
    """Tell whether a folder holds what an export put there, and nothing was added, changed or taken out since.

    Parameters
    ----------
    target : Path
        An existing folder.
    finished_at : datetime
        When the export was done, with a time zone.
    """
    try:
        check_replaceable(target)
    except TargetForeign:
        return False
    files, n_files = _files_below(target), _marker_of(target).get("n_files")
    is_whole = n_files is None or n_files == len(files)  # exports of before did not count
    return is_whole and all(file.lstat().st_mtime <= finished_at.timestamp() for file in files)


def _files_below(folder: Path) -> list[Path]:
    """Return all that is in a folder and in those below, but for folders and the marker."""
    marker = folder / MARKER_NAME
    return [path for path in folder.rglob("*") if path != marker and (path.is_symlink() or not path.is_dir())]


def _entries_of(target: Path) -> list[str]:
    """Return what a former export says it put there, nothing if there was none."""
    entries = _marker_of(target).get("entries")
    return [str(name) for name in entries] if isinstance(entries, list) else []


def _marker_of(target: Path) -> dict[str, Any]:
    """Return what a former export noted of itself, nothing if there was none."""
    try:
        marker = json.loads((target / MARKER_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return marker if isinstance(marker, dict) else {}


def _swap(partial: Path, target: Path) -> None:
    """Put the new folder into the target's place; the old one comes back if that fails.

    Where the system can swap two names in one step, there is no moment, and no power cut, without a target. Elsewhere
    there is one: what stood before lies beside it then, under a hidden name.
    """
    if target.exists() and _exchanged(partial, target):
        shutil.rmtree(partial, ignore_errors=True)
        return
    old = _beside(target, "old")
    if target.exists():
        target.rename(old)
    try:
        partial.rename(target)
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Swap the names of two folders in one step; False where the system or the file system cannot."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    if rename is None:
        return False
    return bool(rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0)


def _beside(target: Path, what: str) -> Path:
    """Return a new hidden name beside the target."""
    return target.with_name(f".{target.name}.{what}-{secrets.token_hex(4)}")
