"""Other programs that hold the catalog: SQLite's own locks, which a browser of databases may keep.

They are read from ``/proc/locks``. Opening the file to ask would be no way: when a process closes a file, it loses
all its locks on it, also those that DuckDB holds there. Where there is no such table, nothing is asked, and a commit
that meets a lock is refused as a conflict.
"""

import os
import time
from pathlib import Path

from lake.errors import LakeLocked
from lake.location import Location

LOCKS = Path("/proc/locks")
POLL_S = 0.05


def wait_for_catalog(location: Location, what: str, *, timeout_s: float) -> None:
    """Wait until no other process holds the catalog for writing.

    Parameters
    ----------
    location : Location
        Which lake.
    what : str
        What is to be done.
    timeout_s : float
        How long to wait, in seconds.

    Raises
    ------
    LakeLocked
        If one holds it longer. The message says which.
    """
    began = time.monotonic()
    while holders := writing_processes(location):
        waited_s = time.monotonic() - began
        if waited_s >= timeout_s:
            raise LakeLocked(location.files, wanted=what, holder=describe_process(holders[0]), waited_s=waited_s)
        time.sleep(POLL_S)


def writing_processes(location: Location) -> list[int]:
    """Return the ids of other processes that have a write lock on the catalog, or on its write-ahead log's index."""
    try:
        lines = LOCKS.read_text(encoding="ascii").splitlines()
    except OSError:
        return []
    files = [stat for suffix in ("", "-shm") if (stat := _stat(Path(f"{location.catalog}{suffix}")))]
    found = (line.split() for line in lines if " WRITE " in line and "->" not in line)
    held = {int(pid) for _, _, _, _, pid, place, *_ in found if any(_is_of(place, file) for file in files)}
    return sorted(held - {os.getpid()})


def describe_process(pid: int) -> str:
    """Return a process's number and the beginning of its command line."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        command = ""
    command = " ".join(command.split())
    return f"process {pid} ({command[:120] or 'a program that cannot be seen from here'})"


def _stat(path: Path) -> os.stat_result | None:
    """Return what the system says of a file, None where there is none."""
    try:
        return path.stat()
    except OSError:
        return None


def _is_of(place: str, file: os.stat_result) -> bool:
    """Tell whether a lock's place, ``MAJOR:MINOR:INODE``, is a file's.

    Files on two disks may have one number. Where a file system is not just on one disk (btrfs, NFS, overlays), its
    major number is 0, and the minor one need not be the file's: there the inode has to do.
    """
    *device, inode = place.split(":")
    if len(device) != 2 or inode != str(file.st_ino):
        return False
    found, own = tuple(int(number, 16) for number in device), (os.major(file.st_dev), os.minor(file.st_dev))
    return found == own or 0 in (found[0], own[0])
