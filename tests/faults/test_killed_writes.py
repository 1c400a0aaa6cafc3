"""kill -9 at the steps of a write: old or new, never half; done again, nothing is lost, doubled or torn."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stacks import SUPPORT
from stores import running_store

QUICK = ("shard", "export", "page", "lake")
EVERY = ("shard", "export", "page", "checkpoint", "lake", "ingest")
DRAWN = ("lake", "ingest")
"""Writes to a lake have hundreds of points and take seconds: some are drawn, all with `DEEPDLT_FAULT_ROUNDS=1000`."""
N_DRAWN = int(os.environ.get("DEEPDLT_FAULT_ROUNDS", "40"))


def rounds(folder: Path, tell: Callable[[str], None], *arguments: str) -> list[dict[str, Any]]:
    """Run rounds in a program of their own, tell its table, and return its reports."""
    command = [sys.executable, str(SUPPORT / "killed_writes.py"), str(folder / "rounds"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    table, _, reports = done.stdout.strip().rpartition("\n")
    tell(table)
    assert done.returncode == 0, done.stdout + done.stderr
    return list(json.loads(reports))


def found(report: dict[str, Any]) -> dict[str, Any]:
    """Return what must be zero."""
    return {name: report[name] for name in ("losses", "duplicates", "torn")}


NOTHING: dict[str, Any] = {"losses": 0, "duplicates": 0, "torn": []}


def test_writes_killed_at_points_drawn_by_chance_leave_old_or_new(tmp_path: Path, tell: Callable[[str], None]) -> None:
    """A handful of rounds, with another seed each time; the seed is printed."""
    seed = random.SystemRandom().randrange(10**6)
    reports = rounds(tmp_path, tell, "--writes", ",".join(QUICK), "--points", "2", "--seed", str(seed))
    assert {one["write"]: found(one) for one in reports} == dict.fromkeys(QUICK, NOTHING), f"seed {seed}"
    assert sum(one["rounds"] for one in reports) == 2 * len(QUICK)


@pytest.mark.long
def test_a_file_killed_on_its_way_into_a_bucket_is_there_whole_or_not_at_all(
    tmp_path: Path, tell: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At lines of the modules that write and publish; done again, it is there once."""
    seed = str(random.SystemRandom().randrange(10**6))
    with running_store() as server:
        for name, value in server.variables.items():
            monkeypatch.setenv(name, value)
        (report,) = rounds(tmp_path, tell, "--writes", "bucket", "--points", str(N_DRAWN), "--seed", seed)
    assert found(report) == NOTHING, f"seed {seed}"
    assert report["rounds"] == min(N_DRAWN, report["points"])
    assert report["rows"] > 0


@pytest.mark.long
@pytest.mark.parametrize("write", EVERY)
def test_a_write_killed_at_every_point_leaves_old_or_new(
    write: str, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    """Every line of the modules that write is a point: before and after each statement, flush and rename."""
    seed = str(random.SystemRandom().randrange(10**6))
    some = ("--points", str(N_DRAWN), "--seed", seed) if write in DRAWN else ()
    (report,) = rounds(tmp_path, tell, "--writes", write, *some)
    assert found(report) == NOTHING, f"seed {seed}"
    assert report["rounds"] == (min(N_DRAWN, report["points"]) if write in DRAWN else report["points"])
    assert report["rows"] > 0
