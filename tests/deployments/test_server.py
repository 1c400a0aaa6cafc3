"""A server has its files for itself, and garbage of its database does not hold up who makes it."""

import gc
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from stacks import DEEPDLT

from deployments import server
from deployments.errors import ServerRuns
from deployments.parts import start_server
from deployments.settings import StackPaths
from deployments.stack_state import StackState, serving_alone

HELD_S = 5.0


@pytest.fixture
def collected_elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A thread that collects garbage, as the server has it, until the test ends."""
    monkeypatch.setattr(server, "YOUNG_S", 0.05)
    is_over = threading.Event()
    collector = threading.Thread(target=server.collect_until, args=(is_over,))
    collector.start()
    yield
    is_over.set()
    collector.join()
    assert gc.isenabled()


def test_what_a_failed_statement_left_holds_up_no_other_thread(tmp_path: Path, collected_elsewhere: None) -> None:
    """While its connection waits for a lock, the thread that holds the lock goes on, and lets go of it."""
    one, other = (
        sqlite3.connect(tmp_path / "held.db", timeout=HELD_S, isolation_level=None, check_same_thread=False)
        for _ in range(2)
    )
    with closing(one), closing(other):
        one.execute("PRAGMA journal_mode = WAL")
        one.execute("CREATE TABLE t (x)")
        other.execute("BEGIN IMMEDIATE")
        one.execute("PRAGMA busy_timeout = 1")
        left: list[Any] = [one.cursor()]
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            left[0].execute("INSERT INTO t VALUES (1)")
        one.execute(f"PRAGMA busy_timeout = {HELD_S * 1000:.0f}")
        left.append(left)
        waiting = threading.Thread(target=one.execute, args=("INSERT INTO t VALUES (2)",))
        waiting.start()
        time.sleep(0.2)
        began = time.monotonic()
        del left
        garbage = [[] for _ in range(10_000)]  # type: ignore[var-annotated] - with the usual collector it would be now
        time.sleep(0.5)
        other.execute("COMMIT")
        assert time.monotonic() - began < HELD_S / 2
        waiting.join()
        assert len(garbage) == 10_000
        assert other.execute("SELECT count(*) FROM t").fetchone() == (1,)


@pytest.mark.parametrize(
    "command", [[*DEEPDLT, "server"], [sys.executable, "-m", "deployments.server"]], ids=["deepdlt server", "its part"]
)
def test_a_second_server_on_the_files_of_one_that_runs_is_refused(tmp_path: Path, command: list[str]) -> None:
    """Whoever starts it, and on whatever port; it says what to do."""
    paths = StackPaths(tmp_path / "stack")
    with serving_alone(paths):
        env = os.environ | {"DEEPDLT_STACK": str(paths.folder)}
        done = subprocess.run(
            [*command, "--port", "4201"], env=env, capture_output=True, text=True, check=False, timeout=60
        )
    assert done.returncode == 1
    assert f"{paths.server_lock} is held" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stack_starts_no_server_beside_one_that_it_did_not_start(tmp_path: Path) -> None:
    """Such as the one of a unit: no other port is taken, and nothing is written."""
    paths = StackPaths(tmp_path / "stack")
    with serving_alone(paths), pytest.raises(ServerRuns, match="PREFECT_API_URL"):
        start_server(paths, StackState(), print)
    assert not paths.state.exists()


HOLDS = """
import subprocess, sys, time
from deployments.settings import stack_paths
from deployments.stack_state import serving_alone
with serving_alone(stack_paths()):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
    print(child.pid, flush=True)
    time.sleep(60)
"""


def test_a_server_that_was_killed_leaves_no_lock_behind(tmp_path: Path) -> None:
    """Neither does a child of its that lives on."""
    paths = StackPaths(tmp_path / "stack")
    env = os.environ | {"DEEPDLT_STACK": str(paths.folder)}
    with subprocess.Popen([sys.executable, "-c", HOLDS], env=env, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        child = int(holder.stdout.readline())
        try:
            with pytest.raises(ServerRuns), serving_alone(paths):
                pass
            holder.kill()
            with serving_alone(paths):
                os.kill(child, 0)
        finally:
            os.kill(child, 9)
