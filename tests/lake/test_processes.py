"""Several writers at once, and writers that are killed."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from lake import Lake

WRITE = """
import sys
import polars as pl
from lake import Lake
lake, name = Lake.open(sys.argv[1]), sys.argv[2]
for i in range(4):
    rows = pl.DataFrame({"night_id": [name, "shared"], "run_id": [str(i), str(i)], "is_reused": [False, False]})
    with lake.write(f"{name} {i}") as transaction:
        transaction.replace("night_runs", rows, ("night_id", "run_id"))
"""

STATEMENTS = """
import sys, time
import polars as pl
from lake import Lake
lake, stop = Lake.open(sys.argv[1]), sys.argv[2]
def here(name):
    if name == stop:
        print("here", flush=True)
        time.sleep(60)
runs = pl.DataFrame({"night_id": ["n"], "run_id": ["1"], "is_reused": [True]})
with lake.write("a night") as transaction:
    transaction.replace("night_runs", runs, ("night_id", "run_id"))
    here("one table")
    transaction.ensure_columns("labels", {"angle_deg": "DOUBLE"})
    transaction.execute("INSERT INTO meta VALUES ('night', 'n')")
    here("all written")
here("committed")
"""

COMMITS = """
import sys
import polars as pl
from lake import Lake
lake = Lake.open(sys.argv[1])
for i in range(10_000):
    runs = pl.DataFrame({"night_id": ["n"], "run_id": [str(i)], "is_reused": [True]})
    with lake.write(f"step {i}") as transaction:
        transaction.replace("night_runs", runs, ("night_id", "run_id"))
        transaction.execute("INSERT INTO meta VALUES ('step', ?)", [str(i)])
    print(i, flush=True)
"""


def start(code: str, *arguments: str | Path) -> subprocess.Popen[str]:
    """Start Python code as a process of its own."""
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def setting(lake: Lake) -> int:
    """Read a setting that belongs to one DuckDB."""
    with lake.read() as connection:
        return int((connection.execute("SELECT current_setting('threads')").fetchone() or (0,))[0])


def write_one(lake: Lake) -> None:
    """Write as the next one would."""
    runs = pl.DataFrame({"night_id": ["next"], "run_id": ["1"], "is_reused": [True]})
    with lake.write("next", timeout_s=10) as transaction:
        transaction.replace("night_runs", runs, ("night_id", "run_id"))


def test_a_forked_child_reads_and_writes_on_its_own(lake: Lake) -> None:
    """A child forked with the lake open takes connections of its own; the parent's go on working."""
    write_one(lake)
    with lake.read() as connection:
        connection.execute("SET GLOBAL threads = 3")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with lake.write("child", timeout_s=10) as transaction:
                transaction.execute("INSERT INTO night_runs (night_id, run_id, is_reused) VALUES ('child', '1', true)")
            sees_both = lake.query_rows("SELECT count(*) FROM night_runs").rows == [(2,)]
            code = 0 if sees_both and setting(lake) != 3 else 2
            lake.close()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert lake.query("FROM night_runs").height == 2
    assert setting(lake) == 3, "the mark that tells this process's DuckDB from another"
    lake.close()


def test_four_processes_lose_and_double_nothing(lake: Lake) -> None:
    """Each has its own rows, and all replace the same shared ones: every key stands once."""
    writers = [start(WRITE, str(lake.location), f"writer {i}") for i in range(4)]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * 4
    for writer in writers:
        writer.communicate()
    found = lake.query("SELECT night_id, count(*), count(DISTINCT run_id) FROM night_runs GROUP BY ALL ORDER BY ALL")
    assert found.rows() == [("shared", 4, 4), *((f"writer {i}", 4, 4) for i in range(4))]


@pytest.mark.parametrize("stop", ["one table", "all written", "committed"])
def test_a_writer_killed_between_statements_leaves_all_or_nothing(own_lake: Lake, stop: str) -> None:
    """kill -9 anywhere in a transaction: rows, columns and the other table stand together or not at all."""
    with start(STATEMENTS, str(own_lake.location), stop) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "here\n"
        writer.kill()
    is_there = stop == "committed"
    assert own_lake.query("FROM night_runs").height == is_there
    assert own_lake.query("FROM meta WHERE key = 'night'").height == is_there
    assert ("angle_deg" in own_lake.query("DESCRIBE labels")["column_name"]) == is_there
    write_one(own_lake)
    assert own_lake.query("FROM night_runs").height == is_there + 1


def test_a_writer_killed_while_it_commits_leaves_whole_steps(own_lake: Lake) -> None:
    """kill -9 at three moments of a stream of commits: both tables agree, and what was acknowledged stands."""
    done = 0
    for n_more in (1, 2, 1):
        with start(COMMITS, str(own_lake.location)) as writer:
            assert writer.stdout is not None
            for _ in range(n_more):
                acknowledged = int(writer.stdout.readline())
            writer.kill()
        runs = own_lake.query("SELECT run_id::INTEGER AS i FROM night_runs ORDER BY i")["i"].to_list()
        steps = own_lake.query("SELECT DISTINCT value::INTEGER AS i FROM meta WHERE key = 'step' ORDER BY i")["i"]
        assert runs == list(range(len(runs))) == steps.to_list()
        assert len(runs) > acknowledged
        done += n_more
    n_rows = own_lake.query("SELECT count(*) FROM meta WHERE key = 'step'").item()
    assert n_rows >= done
    write_one(own_lake)
