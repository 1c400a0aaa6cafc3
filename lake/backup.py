"""Copies of a lake: taken while nights go on, checked by digest, put back on an empty machine."""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lake.errors import BackupDamaged, BackupElsewhere, BackupIncomplete, BackupMissing, LakeExists, LakeMissing
from lake.files import TEMPORARY_PREFIX, atomic_write, inside, replacing
from lake.location import Location
from lake.lock import TIMEOUT_S, writer_lock
from lake.store import Lake

MANIFEST = "backup.json"
FORMAT = "deepdlt-backup-1"
FILES = "files"
"""Folder of a backup that holds the lake's files, at their own relative paths."""

Progress = Callable[[int, int], None]
"""Called with files done and files in all."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a backup or a restore did.

    Parameters
    ----------
    n_files : int
        Files of the lake, its catalog among them.
    n_bytes : int
        Their size.
    n_copied : int
        Files that were not there already.
    """

    n_files: int
    n_bytes: int
    n_copied: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file of a backup: where it belongs, and what it holds."""

    path: str
    n_bytes: int
    digest: str


def back_up(lake: Lake, target: Path, *, on_file: Progress | None = None, timeout_s: float = TIMEOUT_S) -> Copied:
    """Copy a lake into a folder; readers and writers go on meanwhile.

    The catalog is copied and the files are listed under the writer lock, which takes a moment; the
    files themselves, which never change once they have their name, are copied after. Into a folder
    that holds an earlier backup of the same lake, only what is new is copied. The manifest is written
    last: a backup that was cut off is no backup, and the one before it stays whole until then.

    Parameters
    ----------
    lake : Lake
        Opened to write (for the lock; nothing of it is changed).
    target : Path
        Folder of the backup; made where it is missing.
    on_file : callable, optional
        Told after each file.
    timeout_s : float
        How long to wait for a writer, in seconds.

    Returns
    -------
    Copied

    Raises
    ------
    LakeReadOnly, LakeLocked
        As in `Lake.write`.
    BackupElsewhere
        If the catalog is in Postgres.
    BackupDamaged
        If the folder holds a backup of another lake.
    BackupIncomplete
        If a file went while it was copied: maintenance ran at the same time.
    """
    refuse_elsewhere(lake.location)
    known = _known(target, lake.lake_id)
    root = target / FILES
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    catalog = root / f"{TEMPORARY_PREFIX}catalog"
    with lake.maintenance(f"list the files of a backup to {target}", timeout_s=timeout_s):
        _copy_catalog(lake.location.catalog, catalog)
        names = list(_data_files(lake.location))
    entries, n_copied = [], 0
    for place, name in enumerate(names, start=1):
        entry, is_new = _keep(lake.root, root, name, known.get(name))
        entries.append(entry)
        n_copied += is_new
        if on_file is not None:
            on_file(place, len(names))
    generation = f"catalog-{_digest(catalog)}.sqlite"
    catalog.replace(root / generation)
    entries.append(_Entry(generation, (root / generation).stat().st_size, generation[8:-7]))
    _write_manifest(target, lake, generation, entries)
    _remove_other_generations(root, generation, {entry.path for entry in entries})
    return Copied(len(entries), sum(entry.n_bytes for entry in entries), n_copied + 1)


def restore(source: Path, target: Path, *, on_file: Progress | None = None, timeout_s: float = TIMEOUT_S) -> Copied:
    """Make a lake from a backup; every file is checked against its digest on the way.

    The catalog comes last: a restore that was cut off leaves no lake, and starting it again goes on
    with the files that are there.

    Parameters
    ----------
    source : Path
        Folder of a backup.
    target : Path
        Folder of the new lake.
    on_file : callable, optional
        Told after each file.
    timeout_s : float
        How long to wait for another restore to the same place, in seconds.

    Returns
    -------
    Copied

    Raises
    ------
    BackupMissing
        If there is no backup.
    BackupDamaged
        If a file is missing or is not what it was; the lake is not made.
    LakeExists
        If there is a lake at the target.
    """
    manifest = read_manifest(source)
    location = Location(target.expanduser().absolute())
    if location.catalog.exists():
        raise LakeExists(location.root)
    location.make_folders()
    with writer_lock(location, f"restore {source}", timeout_s=timeout_s):
        if location.catalog.exists():
            raise LakeExists(location.root)
        entries = [_Entry(**entry) for entry in manifest["files"]]
        n_copied = 0
        for place, entry in enumerate(entries, start=1):
            is_catalog = entry.path == manifest["catalog"]
            goal = inside(location.root, f"{TEMPORARY_PREFIX}{entry.path}" if is_catalog else entry.path)
            n_copied += _put_back(source, entry, goal)
            if on_file is not None:
                on_file(place, len(entries))
        (location.root / f"{TEMPORARY_PREFIX}{manifest['catalog']}").replace(location.catalog)
    return Copied(len(entries), sum(entry.n_bytes for entry in entries), n_copied)


def refuse_elsewhere(location: Location) -> None:
    """Raise where a lake's catalog is no file.

    Raises
    ------
    BackupElsewhere
        If it is in Postgres.
    """
    if location.database is not None:
        raise BackupElsewhere(location.database)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return what a backup says of itself.

    Parameters
    ----------
    folder : Path
        Folder of a backup.

    Returns
    -------
    dict
        ``lake_id``, ``taken_at``, ``catalog`` and ``files``.

    Raises
    ------
    BackupMissing
        If there is none.
    BackupDamaged
        If its manifest cannot be read.
    """
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BackupMissing(folder) from None
    except (OSError, ValueError) as error:
        raise BackupDamaged(path, f"it cannot be read: {error}") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise BackupDamaged(path, f"its format is not {FORMAT}")
    return found


def _known(target: Path, lake_id: str) -> dict[str, _Entry]:
    """Return the files of an earlier backup in the folder, by path."""
    try:
        manifest = read_manifest(target)
    except BackupMissing:
        return {}
    if manifest["lake_id"] != lake_id:
        raise BackupDamaged(target / MANIFEST, f"it is of lake {manifest['lake_id']}, not of {lake_id}")
    return {entry["path"]: _Entry(**entry) for entry in manifest["files"]}


def _data_files(location: Location) -> Iterator[str]:
    """Yield the relative path of every file that belongs to a lake, but for its catalog."""
    own = {location.lock, location.holder}
    for path in sorted(location.root.rglob("*")):
        is_left_out = path in own or path.name.startswith((TEMPORARY_PREFIX, location.catalog.name))
        if path.is_file() and not path.is_symlink() and not is_left_out and location.spill not in path.parents:
            yield path.relative_to(location.root).as_posix()


def _copy_catalog(source: Path, target: Path) -> None:
    """Copy a SQLite file as of one moment, whatever is in its write-ahead log."""
    if not source.is_file():
        raise LakeMissing(Location(source.parent))
    target.unlink(missing_ok=True)
    address = f"{source.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
        new.execute("PRAGMA journal_mode = WAL")  # a reader of the restored lake could not change it
    target.chmod(0o600)


def _keep(source: Path, target: Path, name: str, known: _Entry | None) -> tuple[_Entry, bool]:
    """Bring one file into a backup, and tell whether it was copied."""
    original, copy = inside(source, name), inside(target, name)
    try:
        size = original.stat().st_size
        if known and known.n_bytes == size and copy.is_file() and _digest(copy) == known.digest == _digest(original):
            return known, False
        _copy(original, copy)
    except FileNotFoundError:
        raise BackupIncomplete(original) from None
    return _Entry(name, copy.stat().st_size, _digest(copy)), True


def _put_back(source: Path, entry: _Entry, goal: Path) -> bool:
    """Bring one file of a backup to its place, checked; tell whether it was copied."""
    if goal.is_file() and goal.stat().st_size == entry.n_bytes and _digest(goal) == entry.digest:
        return False
    copy = inside(source / FILES, entry.path)
    if not copy.is_file():
        raise BackupDamaged(copy, "it is missing")
    _copy(copy, goal)
    if _digest(goal) != entry.digest:
        goal.unlink()
        raise BackupDamaged(copy, "its content is not what was backed up")
    return True


def _copy(source: Path, target: Path) -> None:
    """Copy a file so that it appears whole or not at all."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)
        temporary.chmod(0o600)


def _digest(path: Path) -> str:
    """Return the digest of a file's bytes: 128 bits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _write_manifest(target: Path, lake: Lake, catalog: str, entries: list[_Entry]) -> None:
    """Say what the backup holds; from here on it is one."""
    manifest = {
        "format": FORMAT,
        "lake_id": lake.lake_id,
        "taken_at": datetime.now(UTC).isoformat(),
        "catalog": catalog,
        "files": [{"path": one.path, "n_bytes": one.n_bytes, "digest": one.digest} for one in entries],
    }
    atomic_write(target / MANIFEST, json.dumps(manifest, indent=1).encode())


def _remove_other_generations(root: Path, catalog: str, names: set[str]) -> None:
    """Remove what an earlier backup held and this one does not."""
    for path in [path for path in root.rglob("*") if path.is_file()]:
        if path.relative_to(root).as_posix() not in names and path.name != catalog:
            path.unlink()
