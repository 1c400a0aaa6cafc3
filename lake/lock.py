"""The writer lock: one writer at a time, over processes and over threads of one process."""

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lake.errors import LakeLocked, LakeReentered
from lake.holders import wait_for_catalog
from lake.location import Location

TIMEOUT_S = 60.0

Confirm = Callable[[], None]
"""Raises where a lock is held no more."""


@dataclass(slots=True)
class _Turn:
    """Whose turn it is among the threads of this process."""

    mutex: threading.Lock = field(default_factory=threading.Lock)
    owner: int | None = None
    what: str = ""


_turns: dict[Path, _Turn] = {}
_turns_guard = threading.Lock()


@contextmanager
def writer_lock(location: Location, what: str, *, timeout_s: float = TIMEOUT_S) -> Iterator[Confirm]:
    """Hold the lake for writing.

    Parameters
    ----------
    location : Location
        Which lake; its folder must exist.
    what : str
        What is being done, for those who wait: "record run 1f3a...".
    timeout_s : float
        How long to wait for another writer, in seconds.

    Yields
    ------
    callable
        Raises `LakeLockLost` where the lock is held no more: to be called before what was written is committed.

    Raises
    ------
    LakeLocked
        If another process or thread holds it longer than that, or another program the catalog. The message says who.
    LakeReentered
        If this very thread holds it already.
    """
    began = time.monotonic()
    with _thread_turn(location, what, timeout_s):
        left_s = max(0.0, timeout_s - (time.monotonic() - began))
        if location.database:
            from lake.postgres_lock import session_lock

            with session_lock(location.files, location.database, what, timeout_s=left_s) as confirm:
                yield confirm
        else:
            with _file_lock(location, what, left_s):
                left_s = max(0.0, timeout_s - (time.monotonic() - began))
                wait_for_catalog(location, what, timeout_s=left_s)
                yield _need_not_ask


@contextmanager
def _file_lock(location: Location, what: str, timeout_s: float) -> Iterator[None]:
    """Hold the lock file."""
    from filelock import FileLock, Timeout

    began = time.monotonic()
    lock = FileLock(location.lock)
    try:
        lock.acquire(timeout=timeout_s, poll_interval=0.02)
    except Timeout as error:
        waited_s = time.monotonic() - began
        raise LakeLocked(location.files, wanted=what, holder=describe_holder(location), waited_s=waited_s) from error
    try:
        _note_holder(location, what)
        yield
    finally:
        location.holder.unlink(missing_ok=True)
        lock.release()


def _need_not_ask() -> None:
    """Stand by a lock file: its holder has it until it lets go or dies."""


def describe_holder(location: Location) -> str:
    """Return who holds the lock, as its holder wrote it down: process, host, program, task, since when.

    Examples
    --------
    >>> describe_holder(Location(Path("/nowhere")))
    'a process that left no note'
    """
    note = _read_note(location)
    if note is None:
        return "a process that left no note"
    program = f", {note['program']}" if note.get("program") else ""
    return f"process {note['pid']} on {note['host']}{program} ({note['what']}, since {note['since']})"


def _read_note(location: Location) -> dict[str, Any] | None:
    """Return the holder's note; None where it is missing, damaged, or left by a process that is dead."""
    try:
        note = json.loads(location.holder.read_text(encoding="utf-8"))
        is_stale = note["host"] == socket.gethostname() and not is_running(note["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None if is_stale or not {"what", "since"} <= note.keys() else dict(note)


def is_running(pid: int) -> bool:
    """Tell whether a process of this host lives."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _note_holder(location: Location, what: str) -> None:
    """Write down who holds the lock."""
    note = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "program": Path(sys.argv[0]).name if sys.argv else "",
        "what": what,
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    location.holder.write_text(json.dumps(note), encoding="utf-8")


@contextmanager
def _thread_turn(location: Location, what: str, timeout_s: float) -> Iterator[None]:
    """Let one thread of this process through at a time."""
    with _turns_guard:
        turn = _turns.setdefault(location.root.resolve(), _Turn())
    if turn.owner == threading.get_ident():
        raise LakeReentered(location.files, wanted=what, holder=turn.what)
    if not turn.mutex.acquire(timeout=timeout_s):
        holder = f"another thread of this process ({turn.what})"
        raise LakeLocked(location.files, wanted=what, holder=holder, waited_s=timeout_s)
    turn.owner, turn.what = threading.get_ident(), what
    try:
        yield
    finally:
        turn.owner, turn.what = None, ""
        turn.mutex.release()


def _forget_turns() -> None:
    """Start anew in a forked child: no thread of it holds a turn."""
    global _turns_guard
    _turns_guard = threading.Lock()
    _turns.clear()


os.register_at_fork(after_in_child=_forget_turns)
