"""The lake gets smaller, and nothing that a row refers to goes."""

import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lake_rows import fill

from lake import Lake, maintain
from lake.errors import LakeLocked, StatementFailed
from lake.maintenance import _CLEANERS, merge_small_files
from lake.maintenance import _tidy_tables as tidy_tables
from lake.shards import write_shard

NIGHTS = ("night_id", "run_id")
TEMPORARIES = ("shards/.last.safetensors-k2_f8x0a", "shards/.tmp-x")
"""Files of a process that died while it wrote, a checkpoint's among them."""
SHARD = 7
"""Place of the shard in a row of `patches`."""


def shard_of(lake: Lake, number: int) -> str:
    """Write a shard of one small patch."""
    return write_shard(lake.root, np.full((1, 4, 4), number, np.uint8), [f"p{number}"])


def patch(number: int, shard: str) -> pl.DataFrame:
    """A manifest row that refers to a shard."""
    texts = {"patch_id": f"p{number}", "image_id": "i", "recipe_id": "r", "shard": shard, "gain": 1.0}
    return pl.DataFrame(texts | dict.fromkeys(["patch_index", "origin_row", "origin_col", "shard_row"], 0))


def dataset(number: int, snapshot_id: int) -> pl.DataFrame:
    """A row that pins a snapshot."""
    fields = {"dataset_id": f"d{number}", "recipe_id": "r", "patches_per_image": 1, "n_images": 1, "n_patches": 1}
    stamp = pl.lit(0).cast(pl.Datetime("us", "UTC"))
    return pl.DataFrame(fields | {"source": "s", "snapshot_id": snapshot_id}).with_columns(created_at=stamp)


def night(number: int, *, is_reused: bool = False) -> pl.DataFrame:
    """Three rows of the smallest table."""
    return pl.DataFrame({"night_id": [f"n{number}"] * 3, "run_id": ["a", "b", "c"], "is_reused": [is_reused] * 3})


def files(root: Path) -> dict[str, int]:
    """Every data file below the lake with its size."""
    return {
        path.relative_to(root).as_posix(): path.stat().st_size
        for folder in ("tables", "shards")
        for path in (root / folder).rglob("*")
        if path.is_file()
    }


def contents(lake: Lake, snapshot_id: int | None = None) -> list[list[tuple[object, ...]]]:
    """What the tables of these tests held at a snapshot."""
    at = "" if snapshot_id is None else f" AT (VERSION => {snapshot_id})"
    return [lake.query_rows(f"FROM {table}{at} ORDER BY ALL").rows for table in ("night_runs", "patches")]


PINS = {"pin": ("datasets", "dataset_id"), "crown": ("champions", "run_id")}
"""Tables whose rows pin a snapshot, and a column that tells rows apart."""

STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["night", "patch", "forget patch", "loose shard"]), st.integers(0, 2)),
        st.tuples(st.sampled_from(sorted(PINS)), st.integers(0, 9)),
    ),
    min_size=3,
    max_size=6,
)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(before=STEPS, after=STEPS)
def test_what_a_row_refers_to_stays(lake: Lake, before: list[tuple[str, int]], after: list[tuple[str, int]]) -> None:
    """After any writes, pins and upkeep at no grace: pinned snapshots read as before, all their shards are there."""
    pinned: dict[int, list[list[tuple[object, ...]]]] = {}
    with lake.write("start anew") as transaction:
        for table in ("night_runs", "patches", "datasets", "champions"):
            transaction.execute(f"DELETE FROM {table}")
    for i, (step, number) in enumerate([*before, ("maintain", 0), *after, ("maintain", 0)]):
        if step == "maintain":
            maintain(lake, keep_days=0, grace_hours=0)
        elif step == "loose shard":
            shard_of(lake, 100 + number)
        elif step in PINS:
            now = lake.snapshot_id()
            pinned[now] = contents(lake)
            table, key = PINS[step]
            fill(lake, **{table: [{key: str(i), "snapshot_id": now}]})
        else:
            with lake.write(step) as transaction:
                if step == "night":
                    transaction.replace("night_runs", night(number, is_reused=i % 2 == 0), NIGHTS)
                elif step == "patch":
                    transaction.replace("patches", patch(number, shard_of(lake, number)), ("patch_id",))
                else:
                    transaction.execute("DELETE FROM patches WHERE patch_id = ?", [f"p{number}"])
    kept = set(lake.query("SELECT snapshot_id FROM datasets UNION SELECT snapshot_id FROM champions")["snapshot_id"])
    for snapshot_id in kept:
        assert contents(lake, snapshot_id) == pinned[snapshot_id]
        for row in pinned[snapshot_id][1]:
            assert (lake.root / str(row[SHARD])).is_file()
    referred = {str(row[SHARD]) for held in [*(pinned[each] for each in kept), contents(lake)] for row in held[1]}
    maintain(lake, keep_days=0, grace_hours=0)  # sets free what the one before it expired
    # A deleted row may keep its shard until the table's file, which still holds it, is written anew.
    assert referred <= set(files(lake.root))


def test_a_shard_that_only_a_pinned_snapshot_refers_to_stays(lake: Lake) -> None:
    """A patch deleted since is still part of the data set that was pinned; it goes with the pin."""
    with lake.write("cut") as transaction:
        transaction.replace("patches", patch(1, shard_of(lake, 1)), ("patch_id",))
    then = lake.snapshot_id()
    with lake.write("pin and forget") as transaction:
        transaction.replace("datasets", dataset(1, then), ("dataset_id",))
        transaction.execute("DELETE FROM patches")
    for _ in range(2):
        maintain(lake, keep_days=0, grace_hours=0)
    (shard,) = lake.query(f"FROM patches AT (VERSION => {then})")["shard"]
    assert files(lake.root).keys() >= {shard}
    with lake.write("unpin") as transaction:
        transaction.execute("DELETE FROM datasets")
    for _ in range(2):
        maintain(lake, keep_days=0, grace_hours=0)
    assert shard not in files(lake.root)


def test_a_dry_run_says_what_a_run_removes_and_changes_nothing(own_lake: Lake) -> None:
    """The same actions with the same bytes; the files afterwards are smaller by just these."""
    lake = own_lake
    snapshots = []
    for number in (1, 1, 2):
        with lake.write("test") as transaction:
            transaction.replace("night_runs", night(number), NIGHTS)
        snapshots.append(lake.snapshot_id())
    loose = shard_of(lake, 1)
    orphan = lake.location.tables / "main" / "night_runs" / "orphan.parquet"
    orphan.write_bytes(b"left by a killed writer")
    for name in TEMPORARIES:
        (lake.root / name).write_bytes(b"half")
    before, snapshot, told = files(lake.root), lake.snapshot_id(), contents(lake)
    dry = maintain(lake, keep_days=0, grace_hours=0, dry_run=True)
    assert (files(lake.root), lake.snapshot_id()) == (before, snapshot)
    assert lake.query(f"FROM night_runs AT (VERSION => {snapshots[0]})").height == 3
    real = maintain(lake, keep_days=0, grace_hours=0)
    merges = [action for action in real.actions if action.step == "merge files"]
    assert [*dry.actions, *merges] == list(real.actions)
    assert merges
    removed = {action.what: action.n_bytes for action in real.actions if action.step.startswith("remove")}
    assert {loose, orphan.relative_to(lake.root).as_posix(), *TEMPORARIES} < removed.keys()
    assert removed == {name: size for name, size in before.items() if name not in files(lake.root)}
    assert real.n_bytes == sum(removed.values()) == real.frame()["n_bytes"].sum()
    assert contents(lake) == told


def test_young_files_and_snapshots_stay(lake: Lake) -> None:
    """A shard whose rows are not committed yet, and yesterday's snapshot, outlive upkeep with its defaults."""
    with lake.write("test") as transaction:
        transaction.replace("night_runs", night(1), NIGHTS)
    then = lake.snapshot_id()
    young, touched, old = (shard_of(lake, number) for number in (50, 51, 52))
    long_ago = time.time() - 30 * 3600
    for shard in (touched, old):
        os.utime(lake.root / shard, (long_ago, long_ago))
    assert shard_of(lake, 51) == touched, "an ingest that finds its shard there renews it"
    report = maintain(lake)
    assert [action.what for action in report.actions if action.step == "remove shard"] == [old]
    assert (lake.root / young).is_file()
    assert (lake.root / touched).is_file()
    assert lake.query(f"FROM night_runs AT (VERSION => {then})").height == 3


def test_a_shard_that_is_written_anew_while_upkeep_tidies_stays(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was old and loose when upkeep began; the row that refers to it comes when upkeep has ended."""
    shard, gone = shard_of(lake, 61), shard_of(lake, 62)
    for path in (shard, gone):
        os.utime(lake.root / path, (0, 0))

    def tidy_meanwhile(*given: Any, **options: Any) -> Any:
        shard_of(lake, 61)
        return tidy_tables(*given, **options)

    monkeypatch.setattr("lake.maintenance._tidy_tables", tidy_meanwhile)
    assert [action.what for action in maintain(lake).actions if action.step == "remove shard"] == [gone]
    assert (lake.root / shard).is_file()


def test_a_file_that_was_changed_since_it_was_listed_stays(lake: Lake) -> None:
    """What is removed is looked at once more."""
    now = time.time()
    young, old = (shard_of(lake, number) for number in (63, 64))
    os.utime(lake.root / old, (0, 0))
    lake.files.remove([young, old, "shards/00/none.parquet"], changed_by=now - 3600)
    assert [(lake.root / path).exists() for path in (young, old)] == [True, False]


def test_what_queries_left_that_outgrew_memory_goes_and_that_of_the_living_stays(lake: Lake) -> None:
    """A killed process leaves its folder; one that lives on this host may still need its own."""
    host = socket.gethostname()
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    left = [f"{host}-{int(ended.stdout)}-0a", "elsewhere-1-0b", "duckdb_temp_storage-0.tmp"]
    for name in (*left, f"{host}-{os.getpid()}-0c"):
        path = lake.location.spill / name
        file = path if path.suffix else path / "block"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"pages")
        for each in (file, path):
            os.utime(each, (0, 0))
    (lake.location.spill / "elsewhere-1-0d").mkdir()
    done = [action for action in maintain(lake).actions if action.what.startswith("tmp/")]
    assert {(action.what, action.n_bytes) for action in done} == {(f"tmp/{name}", 5) for name in left}
    assert not any((lake.root / action.what).exists() for action in done)
    assert (lake.location.spill / f"{host}-{os.getpid()}-0c" / "block").exists()
    assert (lake.location.spill / "elsewhere-1-0d").exists()


def test_small_files_are_merged(lake: Lake) -> None:
    """Many commits leave many files; afterwards a table has one, with the same rows."""
    for number in range(4):
        with lake.write("test") as transaction:
            transaction.replace("night_runs", night(number), NIGHTS)
    told = contents(lake)
    maintain(lake, keep_days=0, grace_hours=0)
    info = "SELECT file_count FROM ducklake_table_info('lake') WHERE table_name = 'night_runs'"
    assert lake.query(info).item() == 1
    assert contents(lake) == told


def test_upkeep_waits_for_the_writer(lake: Lake) -> None:
    """It holds the same lock as any write."""
    with lake.write("train"), ThreadPoolExecutor(1) as pool, pytest.raises(LakeLocked, match="cannot maintain"):
        pool.submit(maintain, lake, timeout_s=0.05).result()


def test_what_ducklake_cannot_do_is_an_error_of_ours(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what was being done."""
    monkeypatch.setitem(_CLEANERS, "ducklake_that_is_not_there", "remove nothing")
    with pytest.raises(StatementFailed, match=r"^maintain the lake: .*ducklake_that_is_not_there"):
        maintain(lake)


def test_ages_cannot_be_negative(lake: Lake) -> None:
    """A negative age would remove what is written in this moment."""
    with pytest.raises(ValueError, match="negative"):
        maintain(lake, keep_days=-1)
    with pytest.raises(ValueError, match="negative"):
        maintain(lake, grace_hours=-1)


def test_a_night_merges_many_small_files_and_changes_no_snapshot(tmp_path: Path) -> None:
    """A table of many files becomes one file, one of few stays; every snapshot says what it said, and files stay."""
    with Lake.open(tmp_path / "lake") as lake:
        before = []
        for number in range(4):
            with lake.write("a night") as transaction:
                transaction.replace("night_runs", night(number), key=NIGHTS)
            before.append((lake.snapshot_id(), contents(lake)))
        stored = files(tmp_path / "lake")
        merged = merge_small_files(lake, at_least=5)
        assert not any(action.what.startswith("night_runs") for action in merged)
        merged = merge_small_files(lake, at_least=4)
        assert [action.what for action in merged] == ["night_runs: 4 into 1"]
        assert contents(lake) == before[-1][1]
        assert [contents(lake, number) for number, _ in before] == [rows for _, rows in before]
        assert stored.items() <= files(tmp_path / "lake").items()
        assert merge_small_files(lake, at_least=4) == ()


@pytest.mark.parametrize("at_least", [0, -1])
def test_fewer_files_than_one_are_no_bound(tmp_path: Path, at_least: int) -> None:
    """Nothing is merged by a bound that means nothing."""
    with Lake.open(tmp_path / "lake") as lake, pytest.raises(ValueError, match=f"at_least={at_least}"):
        merge_small_files(lake, at_least=at_least)
