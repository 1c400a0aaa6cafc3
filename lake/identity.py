"""Whose files a folder or a bucket holds: a note beside them, for catalogs that do not know.

A catalog that is new, or another lake's, knows none of the files, and upkeep takes what a catalog does not know for
left over. So no lake is made where files of one are, and none removes files that by their note are another's.
"""

import json
from pathlib import Path

from lake.errors import FilesOfAnother, FilesWithoutCatalog
from lake.files import atomic_write
from lake.location import Location
from lake.objects import Files

NOTE = "lake.json"
"""Beside tables and shards: the lake's id, null from the beginning of its making until it is made."""

_HELD = ("tables/", "shards/")


def begin(location: Location, files: Files) -> None:
    """Note that a lake is being made; one whose making was cut off, at any line, may be begun again.

    Raises
    ------
    FilesWithoutCatalog
        If files of a lake are there, and not by such a making.
    """
    note = _read(files)
    if note is not None and note["lake_id"] is None:
        return
    if any(files.listed(folder) for folder in _HELD):
        raise FilesWithoutCatalog(location)
    _write(files, None)


def is_noted(files: Files, lake_id: str) -> bool:
    """Tell whether this machine's copy of the note says so: cheap, and enough to open a lake, not to remove files."""
    note = _parsed(files.root / NOTE)
    return note is not None and note["lake_id"] == lake_id


def settle(location: Location, files: Files, lake_id: str, *, writes: bool = True) -> None:
    """Have the note say whose files there are: a lake that was just made, or made by code that left no note, gets one.

    Parameters
    ----------
    location : Location
        Where the lake lies.
    files : Files
        Its files.
    lake_id : str
        Who it is by its catalog.
    writes : bool
        Whether a note may be written.

    Raises
    ------
    FilesOfAnother
        If the files are those of another lake.
    """
    note = _read(files)
    found = note["lake_id"] if note else None
    if found == lake_id:
        return
    if found is not None:
        raise FilesOfAnother(location, found=found, wanted=lake_id)
    if writes:
        _write(files, lake_id)


def _read(files: Files) -> dict[str, str | None] | None:
    """Return the note, None where there is none."""
    return _parsed(files.fetch(NOTE))


def _parsed(path: Path) -> dict[str, str | None] | None:
    """Return what a note says, None where there is none that can be read."""
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return note if isinstance(note, dict) and "lake_id" in note else None


def _write(files: Files, lake_id: str | None) -> None:
    """Write the note."""
    atomic_write(files.root / NOTE, json.dumps({"lake_id": lake_id}).encode())
    files.publish(NOTE)
