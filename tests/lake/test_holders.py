"""Programs that are not ours and hold the catalog."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from lake import Lake, holders
from lake.errors import LakeLocked
from lake.holders import writing_processes

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(f"PRAGMA locking_mode = {sys.argv[2]}")
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def foreign(request: pytest.FixtureRequest, own_lake: Lake) -> Iterator[subprocess.Popen[str]]:
    """Another program with a transaction of its own on the catalog."""
    how = getattr(request, "param", "NORMAL")
    if how == "EXCLUSIVE":
        own_lake.close()
    command = [sys.executable, "-c", HOLD, str(own_lake.location.catalog), how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def add(lake: Lake, timeout_s: float) -> None:
    """Write a row."""
    with lake.write("record a night", timeout_s=timeout_s) as transaction:
        transaction.execute("INSERT INTO meta VALUES ('night', 'n')")


def test_the_error_says_which_program_holds_the_catalog(own_lake: Lake, foreign: subprocess.Popen[str]) -> None:
    """Process and command line, how long it was waited for, and that nothing was changed."""
    said = rf"cannot record a night.*process {foreign.pid} \(.*python.*waited 0\.[2-9].* s.*nothing was changed"
    with pytest.raises(LakeLocked, match=said):
        add(own_lake, 0.2)
    assert own_lake.query("FROM meta WHERE key = 'night'").is_empty()


def test_a_writer_waits_until_the_program_lets_go(own_lake: Lake, foreign: subprocess.Popen[str]) -> None:
    """A lock of half a second costs half a second."""
    timer = threading.Timer(0.5, foreign.kill)
    timer.start()
    add(own_lake, 30)
    timer.join()
    assert own_lake.query("FROM meta WHERE key = 'night'").height == 1


@pytest.mark.parametrize("foreign", ["EXCLUSIVE"], indirect=True)
@pytest.mark.parametrize("is_read_only", [True, False])
def test_a_lake_that_cannot_even_be_read_is_said_to_be_held_not_damaged(
    own_lake: Lake, foreign: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch, is_read_only: bool
) -> None:
    """A program that lets no reader in is named; nobody is told to move a healthy lake away."""
    monkeypatch.setattr("lake.connection.BUSY_TIMEOUT_MS", 100)
    with pytest.raises(LakeLocked, match=rf"process {foreign.pid} \(.*nothing was changed"):
        Lake.open(own_lake.root, is_read_only=is_read_only, timeout_s=0.2)


@pytest.mark.parametrize("of", ["the catalog", "a file of that number on another disk", "no disk of its own"])
def test_a_lock_is_told_by_disk_and_number(
    own_lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    """Where a file system is on no one disk, its number of the disk is not the file's: the file's number has to do."""
    file = own_lake.location.catalog.stat()
    major = {"no disk of its own": 0}.get(of, os.major(file.st_dev) or 8)
    monkeypatch.setattr(holders, "_stat", lambda _: SimpleNamespace(st_ino=file.st_ino, st_dev=os.makedev(major, 1)))
    minor = 2 if of != "the catalog" else 1
    table = tmp_path / "locks"
    table.write_text(
        f"1: POSIX  ADVISORY  WRITE 1 {major:02x}:{minor:02x}:{file.st_ino} 0 EOF\n2: FLOCK  <none>:0 0 0 0\n"
    )
    monkeypatch.setattr(holders, "LOCKS", table)
    assert writing_processes(own_lake.location) == ([] if of.startswith("a file") else [1])


def test_readers_of_this_lake_hold_nothing_up(own_lake: Lake) -> None:
    """Open connections, of this process, are no foreign lock."""
    own_lake.query("FROM meta")
    assert writing_processes(own_lake.location) == []
    assert os.getpid() > 0
