"""The writer lock, over threads and processes, and what those who wait are told."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lake.errors import LakeLocked, LakeReentered
from lake.location import Location
from lake.lock import describe_holder, writer_lock

HOLD = """
import sys, time
from pathlib import Path
from lake.location import Location
from lake.lock import writer_lock
with writer_lock(Location(Path(sys.argv[1])), "train NP fold 3"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def place(tmp_path: Path) -> Location:
    """A folder to lock; the lock needs no catalog."""
    return Location(tmp_path)


@contextmanager
def holder(place: Location) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(place.root)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_the_error_says_who_holds_the_lock_and_a_killed_holder_lets_go(place: Location) -> None:
    """Process, host, task and since when; after kill -9 the next writer proceeds."""
    with holder(place) as process:
        with (
            pytest.raises(LakeLocked, match=r"cannot record a run: .* \(train NP fold 3, since 20") as caught,
            writer_lock(place, "record a run", timeout_s=0.2),
        ):
            pass
        assert f"process {process.pid} on {os.uname().nodename}" in str(caught.value)
        assert 0.2 <= caught.value.waited_s < 10
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert describe_holder(place) == "a process that left no note", "a dead process is not named"
        with writer_lock(place, "record a run", timeout_s=5):
            assert f"process {os.getpid()} " in describe_holder(place)


def test_threads_of_one_process_take_turns(place: Location) -> None:
    """Never two inside, and all get through."""
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(5):
            with writer_lock(place, "work", timeout_s=30):
                inside += 1
                most = max(most, inside)
                time.sleep(0.001)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (inside, most) == (0, 1)


def test_a_thread_that_waits_too_long_is_told_who_holds_it(place: Location) -> None:
    """The holder in the message is the other thread's task."""
    caught: list[LakeLocked] = []

    def wait() -> None:
        try:
            with writer_lock(place, "second", timeout_s=0.05):
                pass
        except LakeLocked as error:
            caught.append(error)

    with writer_lock(place, "first"):
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
    assert "another thread of this process (first)" in str(caught[0])


def test_the_same_thread_is_refused_at_once(place: Location) -> None:
    """Waiting for oneself would never end; the outer turn stays whole."""
    with writer_lock(place, "outer"):
        with pytest.raises(LakeReentered, match="already inside a transaction"), writer_lock(place, "inner"):
            pass
        assert "outer" in describe_holder(place)
    with writer_lock(place, "after", timeout_s=0.1):
        pass


def test_a_body_that_fails_lets_go(place: Location) -> None:
    """The lock and the note are gone after an error."""
    with pytest.raises(RuntimeError, match="inside"), writer_lock(place, "fail"):
        raise RuntimeError("inside")
    assert not place.holder.exists()
    with writer_lock(place, "after", timeout_s=0.1):
        pass


@pytest.mark.parametrize("note", ["", "{}", "[]", '{"pid": "x"}', '{"pid": 1, "host": 2}', "\x00"])
def test_a_damaged_note_is_no_holder(place: Location, note: str) -> None:
    """Whatever stands in the note, waiting ends with a sentence."""
    place.holder.write_text(note)
    assert describe_holder(place) == "a process that left no note"


def test_a_forked_child_does_not_believe_it_writes(place: Location) -> None:
    """A process forked inside a transaction waits like any other."""
    with writer_lock(place, "parent"):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                with writer_lock(place, "child", timeout_s=0.05):
                    pass
            except LakeLocked:
                code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
