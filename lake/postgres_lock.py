"""The writer lock of a lake whose catalog is in Postgres: an advisory lock, on a session of its own.

It ends with that session, however its holder died; a host that is gone without a word loses it after some 25 s.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lake import statements
from lake.errors import CatalogUnreachable, DriverMissing, LakeLocked, LakeLockLost

if TYPE_CHECKING:
    import psycopg

    from lake.lock import Confirm

KEY = 0x6465_6570_646C_74
"""'deepdlt' in ASCII. Advisory locks belong to a database, and a database to one lake."""
CONNECT_S = 10
LONGEST_NAME = 63
"""Bytes that Postgres keeps of a session's name."""

_SERVER = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c idle_session_timeout=0"


@contextmanager
def session_lock(place: str, database: str, what: str, *, timeout_s: float) -> "Iterator[Confirm]":
    """Hold the lock of a lake.

    Parameters
    ----------
    place : str
        Folder or bucket of the lake, for messages.
    database : str
        Address of its catalog.
    what : str
        What is being done, for those who wait.
    timeout_s : float
        How long to wait for another writer, in seconds.

    Yields
    ------
    callable
        Raises `LakeLockLost` where the session is gone.

    Raises
    ------
    LakeLocked
        If another session holds it longer than that. The message says whose.
    CatalogUnreachable
        If the server does not let us in, or goes while we wait.
    DriverMissing
        If psycopg is not installed.
    """
    with _session(database, _name(what)) as session:
        import psycopg

        began = time.monotonic()
        try:
            holder = None if _take(session, timeout_s) else _holder(session)
        except psycopg.Error as error:
            raise CatalogUnreachable(database, _first_line(error)) from error
        if holder is not None:
            raise LakeLocked(place, wanted=what, holder=holder, waited_s=time.monotonic() - began)

        def confirm() -> None:
            try:
                session.execute("SELECT 1")
            except psycopg.Error as error:
                raise LakeLockLost(what, _first_line(error)) from error

        yield confirm


@contextmanager
def _session(database: str, name: str) -> "Iterator[psycopg.Connection[Any]]":
    """Lend a session that says of itself what it is for; with its end all its locks are free."""
    try:
        import psycopg
    except ImportError as error:
        raise DriverMissing from error
    try:
        session = psycopg.connect(
            database,
            autocommit=True,
            application_name=name,
            connect_timeout=CONNECT_S,
            options=_SERVER,
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
        )
    except psycopg.Error as error:
        raise CatalogUnreachable(database, _first_line(error)) from error
    try:
        yield session
    finally:
        session.close()


def _take(session: "psycopg.Connection[Any]", timeout_s: float) -> bool:
    """Wait for the lock in the server's queue; tell whether it came."""
    import psycopg

    limit_ms = max(1, round(timeout_s * 1000.0))  # 0 would be for ever
    session.execute("SELECT set_config('lock_timeout', %s, false)", [str(limit_ms)])
    try:
        session.execute("SELECT pg_advisory_lock(%s)", [KEY])
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def _name(what: str) -> str:
    """Return a session's name: process, host, task, as far as there is room."""
    told = f"process {os.getpid()} on {socket.gethostname()} ({what})"
    return told.encode("ascii", "replace").decode()[:LONGEST_NAME]


def _holder(session: "psycopg.Connection[Any]") -> str:
    """Return who holds the lock, as the server has it."""
    import psycopg

    with psycopg.RawCursor(session) as cursor:
        cursor.execute(statements.load("holder_of_catalog").encode(), [KEY >> 32, KEY & 0xFFFF_FFFF])
        row = cursor.fetchone()
    return f"{row[0]}, since {row[1]}" if row and row[0] else "a session that has no name"


def _first_line(error: Exception) -> str:
    """Return what went wrong, without its details."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
