"""Processes that outlive the command: found again, stopped, and never mistaken."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from deployments import processes
from deployments.processes import Started

MARK = "DEEPDLT_STACK"
SLEEP = "import time; time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', '{SLEEP}']).wait()"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose processes are gone after the test."""
    before = set(processes.CHILDREN)
    yield tmp_path
    for pid in set(processes.CHILDREN) - before:
        processes.stop(
            [Started("left", pid, processes.birth_of(pid) or "")], grace_s=0, variable=MARK, value=str(tmp_path)
        )
        processes.CHILDREN.pop(pid).wait()


def begin(folder: Path, code: str = SLEEP) -> Started:
    """Start a process of ours."""
    return processes.start(
        "part", [sys.executable, "-c", code], environment={MARK: str(folder)}, log=folder / "part.log", folder=folder
    )


def halt(folder: Path, *parts: Started, grace_s: float = 5.0) -> list[Started]:
    """Stop parts of ours."""
    return processes.stop(parts, grace_s=grace_s, variable=MARK, value=str(folder))


def test_a_started_process_is_alive_until_it_is_stopped(folder: Path) -> None:
    """It is known by id and birth, and not alive once it was stopped, though nobody waited for it."""
    part = begin(folder)
    assert processes.is_alive(part)
    assert halt(folder, part) == []
    assert not processes.is_alive(part)


def test_a_process_with_our_id_and_another_birth_is_not_ours(folder: Path) -> None:
    """An id that was given out again is left alone."""
    stranger = begin(folder)
    mistaken = replace(stranger, birth="1")
    assert not processes.is_alive(mistaken)
    halt(folder, mistaken, grace_s=0)
    assert processes.is_alive(stranger)


def test_one_that_ignores_the_signal_is_ended_by_force(folder: Path) -> None:
    """After its grace it is killed, and named."""
    part = begin(folder, STUBBORN)
    while "ready" not in processes.tail(folder / "part.log"):
        time.sleep(0.02)
    assert halt(folder, part, grace_s=0.3) == [part]
    assert not processes.is_alive(part)


def test_what_a_killed_part_left_behind_is_ended_too(folder: Path) -> None:
    """The child of a part that was killed -9 is found by its session and its mark."""
    part = begin(folder, PARENT)
    while not (children := psutil.Process(part.pid).children()):
        time.sleep(0.02)
    psutil.Process(part.pid).send_signal(signal.SIGKILL)
    processes.CHILDREN[part.pid].wait()
    halt(folder, part)
    assert psutil.wait_procs(children, timeout=5)[1] == []


def test_a_session_without_our_mark_is_not_touched(folder: Path) -> None:
    """Whoever has the same session number later is not ours, lacking the variable."""
    part = begin(folder)
    assert processes.left_behind(part, variable=MARK, value="/another/stack") == []
    assert [found.pid for found in processes.left_behind(part, variable=MARK, value=str(folder))] == [part.pid]


def test_a_large_log_is_put_aside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs do not grow for ever."""
    monkeypatch.setattr(processes, "LOG_LIMIT_BYTES", 10)
    (folder / "part.log").write_text("x" * 11)
    halt(folder, begin(folder))
    assert (folder / "part.old.log").stat().st_size == 11
    assert (folder / "part.log").stat().st_size < 11


def test_a_zombie_is_not_alive() -> None:
    """A process that ended, and that its parent has not asked about, has no birth."""
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.02)
        assert processes.birth_of(process.pid) is None
