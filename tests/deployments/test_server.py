"""Garbage of the server's database does not hold up who makes it."""

import gc
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from deployments import server

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
