"""Start processes that outlive the command line, know them again later, and stop those and no others."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

LOG_LIMIT_BYTES = 5_000_000
# Processes that this very process started: they are to be reaped here, or they stay as zombies.
CHILDREN: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Started:
    """A process we started: its id, and when it was born, since an id alone is given out again."""

    name: str
    pid: int
    birth: str


def birth_of(pid: int) -> str | None:
    """Return when a process was born, or None where there is none.

    On Linux in ticks since the machine started, which setting the clock does not change.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return None if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        pass
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else str(process.create_time())
    except psutil.Error:
        return None


def is_alive(started: Started) -> bool:
    """Tell whether a process we started still runs."""
    if started.pid in CHILDREN:
        CHILDREN[started.pid].poll()
    return birth_of(started.pid) == started.birth


def start(name: str, command: Sequence[str], *, environment: Mapping[str, str], log: Path, folder: Path) -> Started:
    """Start a process in a session of its own, so that Ctrl-C in this terminal does not reach it.

    Parameters
    ----------
    name : str
        What the process is called in messages and in the state file.
    command : sequence of str
        Program and arguments.
    environment : mapping of str
        The whole environment of the process.
    log : Path
        File that takes its output; an old one above 5 MB is put aside.
    folder : Path
        Its working directory.

    Returns
    -------
    started : Started
        To know it again.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".old.log"))
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        )
    CHILDREN[process.pid] = process
    return Started(name, process.pid, birth_of(process.pid) or "")


def environment_of(process: psutil.Process) -> dict[str, str]:
    """Return the environment of a process; one that has just been started shows none for a moment."""
    found: dict[str, str] = process.environ()
    if not found:
        time.sleep(0.05)
        found = process.environ()
    return found


def left_behind(started: Started, *, variable: str, value: str) -> list[psutil.Process]:
    """Return the processes of a session we started, whether its first process lives or not.

    Its number is given out again once all of them are gone, so each must also carry our environment variable.
    """
    if not is_alive(started) and birth_of(started.pid) is not None:
        return []
    found = []
    for process in psutil.process_iter():
        with suppress(OSError, psutil.Error):
            if os.getsid(process.pid) == started.pid and environment_of(process).get(variable) == value:
                found.append(process)
    return found


def stop(parts: Sequence[Started], *, grace_s: float, variable: str, value: str) -> list[Started]:
    """Ask processes to end, wait, and end by force those that do not, with all they started.

    Parameters
    ----------
    parts : sequence of Started
        What to stop; all at the same time.
    grace_s : float
        Seconds they get between SIGTERM and SIGKILL.
    variable, value : str
        Environment variable that marks our processes, and what it holds.

    Returns
    -------
    forced : list of Started
        Those that had to be ended by force.
    """
    waiting = [part for part in parts if is_alive(part)]
    for part in waiting:
        with suppress(ProcessLookupError):
            os.kill(part.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while any(is_alive(part) for part in waiting) and time.monotonic() < deadline:
        time.sleep(0.05)
    forced = [part for part in waiting if is_alive(part)]
    left = [process for part in parts for process in left_behind(part, variable=variable, value=value)]
    for process in left:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=5)
    return forced


def tail(log: Path, *, n_lines: int = 15) -> str:
    """Return the last lines of a log file."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(lines[-n_lines:])
