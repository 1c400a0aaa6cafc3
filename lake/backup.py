"""Copies of a lake: taken while nights go on, checked by digest, put back on an empty machine."""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import Any

from lake import identity
from lake.backup_errors import (
    BackupDamaged,
    BackupElsewhere,
    BackupFolderTaken,
    BackupIncomplete,
    BackupInside,
    BackupMissing,
    LakeExists,
)
from lake.errors import LakeMissing
from lake.files import TEMPORARY_PREFIX, atomic_write, files_below, inside, is_temporary, replacing
from lake.location import Location, locate
from lake.lock import TIMEOUT_S, writer_lock
from lake.objects import files_of
from lake.statements import load
from lake.store import Lake

MANIFEST = "backup.json"
MARKER = "backup-of"
"""File that says which lake's first backup comes into a folder; it goes once the manifest says so."""
FORMAT = "deepdlt-backup-2"
READABLE = ("deepdlt-backup-1", FORMAT)
"""Before, every file lay at its own path."""
FILES = "files"
"""Folder of a backup that holds the lake's files, at their own relative paths."""
CHANGED = "changed"
"""Folder beside it for files whose place there holds what the backup before this one needs; named by their digests."""
CHUNK_BYTES = 2**20
ALWAYS_NEEDED = ("tables/", "shards/")
"""Where in a lake the catalog's rows know of every file; of other files the table `models` does."""

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
    """A file of a backup: where it belongs in the lake, what it holds, and where it lies in the backup."""

    path: str
    n_bytes: int
    digest: str
    stored: str


def back_up(lake: Lake, target: Path, *, on_file: Progress | None = None, timeout_s: float = TIMEOUT_S) -> Copied:
    """Copy a lake into a folder; readers and writers go on meanwhile.

    The catalog is copied and the files are listed under the writer lock, which takes a moment; the
    files themselves are copied after. One that goes meanwhile and that no row refers to, as a training's
    progress once it is stored, is left out. Into a folder that holds an earlier backup of the same lake,
    only what is new or has changed is copied, beside what is there; one that holds other things is refused.
    The manifest is written last: a backup that was cut off is no backup, and the one before it stays whole
    until then.

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
    BackupInside
        If the folder is in the lake, or the lake in it.
    BackupDamaged
        If the folder holds a backup of another lake.
    BackupFolderTaken
        If it holds other things.
    BackupIncomplete
        If a file that a row refers to went while it was copied: upkeep ran at the same time.
    """
    refuse_elsewhere(lake.location)
    here, there = lake.root.resolve(), target.resolve()
    if there.is_relative_to(here) or here.is_relative_to(there):
        raise BackupInside(target, lake.root)
    known = _known(target, lake.lake_id)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not known:
        atomic_write(target / MARKER, lake.lake_id.encode())
    (target / FILES).mkdir(mode=0o700, exist_ok=True)
    catalog = target / FILES / f"{TEMPORARY_PREFIX}catalog"
    with lake.maintenance(f"list the files of a backup to {target}", timeout_s=timeout_s) as connection:
        _copy_catalog(lake.location.catalog, catalog)
        names = list(_data_files(lake.location))
        needed = {path for (path,) in connection.execute(load("model_paths")).fetchall()}
    entries, n_copied, taken = [], 0, {entry.stored for entry in known.values()}
    for place, name in enumerate(names, start=1):
        try:
            entry, is_new = _keep(lake.root, target, name, known.get(name), taken)
        except FileNotFoundError:
            if name in needed or name.startswith(ALWAYS_NEEDED):
                raise BackupIncomplete(lake.root / name) from None
        else:
            entries.append(entry)
            n_copied += is_new
        if on_file is not None:
            on_file(place, len(names))
    digest = _digest(catalog)
    generation = f"catalog-{digest}.sqlite"
    stored = f"{FILES}/{generation}"
    catalog.replace(target / stored)
    entries.append(_Entry(generation, (target / stored).stat().st_size, digest, stored))
    _write_manifest(target, lake, generation, entries)
    (target / MARKER).unlink(missing_ok=True)
    _remove_other_generations(target, {entry.stored for entry in entries})
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
    FilesOfAnother
        If the files at the target are those of another lake.
    LocationInvalid
        If the target cannot be a lake's folder.
    """
    manifest = read_manifest(source)
    location = locate(target)
    if location.catalog.exists():
        raise LakeExists(location.root)
    location.make_folders()
    with writer_lock(location, f"restore {source}", timeout_s=timeout_s):
        if location.catalog.exists():
            raise LakeExists(location.root)
        identity.settle(location, files_of(location), manifest["lake_id"])
        entries, n_copied = _entries(manifest), 0
        for place, entry in enumerate(entries, start=1):
            is_catalog = entry.path == manifest["catalog"]
            goal = inside(location.root, f"{TEMPORARY_PREFIX}{entry.path}" if is_catalog else entry.path)
            n_copied += _put_back(source, entry, goal)
            if on_file is not None:
                on_file(place, len(entries))
        catalog = location.root / f"{TEMPORARY_PREFIX}{manifest['catalog']}"
        _say_where(catalog, location)
        _remove_logs(location.catalog)
        catalog.replace(location.catalog)
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
    if not isinstance(found, dict) or found.get("format") not in READABLE:
        raise BackupDamaged(path, f"its format is not {' or '.join(READABLE)}")
    return found


def _entries(manifest: dict[str, Any]) -> list[_Entry]:
    """Return the files that a manifest names; those without a place of their own lie at their paths."""
    return [_Entry(**{"stored": f"{FILES}/{entry['path']}"} | entry) for entry in manifest["files"]]


def _known(target: Path, lake_id: str) -> dict[str, _Entry]:
    """Return the files of an earlier backup in the folder, by path; none where it was cut off, or nothing is there."""
    try:
        manifest = read_manifest(target)
    except BackupMissing:
        marker = target / MARKER
        is_ours = marker.is_file() and marker.read_bytes() == lake_id.encode()
        if not is_ours and target.exists() and any(not is_temporary(path.name) for path in target.iterdir()):
            raise BackupFolderTaken(target) from None
        return {}
    if manifest["lake_id"] != lake_id:
        raise BackupDamaged(target / MANIFEST, f"it is of lake {manifest['lake_id']}, not of {lake_id}")
    return {entry.path: entry for entry in _entries(manifest)}


def _data_files(location: Location) -> Iterator[str]:
    """Yield the relative path of every file that belongs to a lake, but for its catalog and what a restore notes."""
    own = {location.lock, location.holder, location.root / identity.NOTE}
    for path in files_below(location.root):
        is_left_out = path in own or is_temporary(path.name) or path.name.startswith(location.catalog.name)
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


def _say_where(catalog: Path, location: Location) -> None:
    """Have a restored catalog say where its tables are now, for programs that are not told."""
    _remove_logs(catalog)
    with closing(sqlite3.connect(catalog)) as opened:
        opened.execute("UPDATE ducklake_metadata SET value = ? WHERE key = 'data_path'", [location.data_path])
        opened.commit()


def _remove_logs(catalog: Path) -> None:
    """Remove the write-ahead log of a catalog that was here before: SQLite would replay it into another one."""
    for suffix in ("-wal", "-shm"):
        catalog.with_name(f"{catalog.name}{suffix}").unlink(missing_ok=True)


def _keep(source: Path, target: Path, name: str, known: _Entry | None, taken: set[str]) -> tuple[_Entry, bool]:
    """Bring one file into a backup, beside what the backup before it holds, and tell whether it was copied."""
    with inside(source, name).open("rb") as original:  # one that is replaced meanwhile is read as it was
        digest = _digest_of(original)
        stored = f"{FILES}/{name}"
        if known and known.digest == digest:
            stored = known.stored
        elif stored in taken:
            stored = f"{CHANGED}/{digest}"
        entry, copy = _Entry(name, original.tell(), digest, stored), inside(target, stored)
        if _is_whole(copy, entry):
            return entry, False
        original.seek(0)
        _copy(original, copy)
    return replace(entry, n_bytes=copy.stat().st_size, digest=_digest(copy)), True


def _is_whole(copy: Path, entry: _Entry) -> bool:
    """Tell whether a file holds what an entry says."""
    return copy.is_file() and copy.stat().st_size == entry.n_bytes and _digest(copy) == entry.digest


def _put_back(source: Path, entry: _Entry, goal: Path) -> bool:
    """Bring one file of a backup to its place, checked; tell whether it was copied."""
    if _is_whole(goal, entry):
        return False
    copy = inside(source, entry.stored)
    if not copy.is_file():
        raise BackupDamaged(copy, "it is missing")
    with copy.open("rb") as stored:
        _copy(stored, goal)
    if _digest(goal) != entry.digest:
        goal.unlink()
        raise BackupDamaged(copy, "its content is not what was backed up")
    return True


def _copy(source: BufferedReader, target: Path) -> None:
    """Copy a file so that it appears whole or not at all."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with replacing(target) as temporary:
        with temporary.open("wb") as copy:
            shutil.copyfileobj(source, copy, CHUNK_BYTES)
        temporary.chmod(0o600)


def _digest(path: Path) -> str:
    """Return the digest of a file's bytes: 128 bits."""
    with path.open("rb") as file:
        return _digest_of(file)


def _digest_of(file: BufferedReader) -> str:
    """Return the digest of what is left to read of a file."""
    return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _write_manifest(target: Path, lake: Lake, catalog: str, entries: list[_Entry]) -> None:
    """Say what the backup holds; from here on it is one."""
    manifest = {
        "format": FORMAT,
        "lake_id": lake.lake_id,
        "taken_at": datetime.now(UTC).isoformat(),
        "catalog": catalog,
        "files": [asdict(entry) for entry in entries],
    }
    atomic_write(target / MANIFEST, json.dumps(manifest, indent=1).encode())


def _remove_other_generations(target: Path, stored: set[str]) -> None:
    """Remove what an earlier backup held and this one does not."""
    for root in (target / FILES, target / CHANGED):
        for path in files_below(root):
            if path.relative_to(target).as_posix() not in stored:
                path.unlink()
