"""Rounds of nights on a real stack, each with one victim killed at a moment drawn by chance.

Nights come in blocks: before each, the source grows by one image, and every night of a block trains with a seed of its
own. So the first of a block may be hit in ingest, cutting and folds, and all of them in training, scoring, answers and
pictures. An undisturbed stack runs one night a block with the same seeds; its rows are what must stand in the end.

All of it runs on one core: then every training has one thread, and equal rows are equal to the last bit.
"""

import os
import random
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import stacks
from stacks import RunningStack

from deepdlt.synthetic.synth import write_synthetic
from deployments.processes import environment_of
from deployments.stack import MARK
from lake import Lake

VICTIMS = ("training", "night", "batch", "cpu worker", "gpu worker", "server", "everything")
NIGHT: dict[str, Any] = {
    "profile": "quick",
    "preset": "matched-label-cv",
    "labels": ["PP1"],
    "schemes": ["grouped"],
    "folds": 2,
    "models": ["ae"],
    "epochs": 3,
}
N_FIRST_IMAGES = 12
ENDED_S = 400.0
"""A run whose process is gone is found within three heartbeats; this leaves room for a busy machine."""
MOST_NIGHTS = 4

KEPT = {
    "images": "image_id, width_px, height_px",
    "patches": "patch_id, image_id",
    "folds": "split_id, fold, patch_id, split",
    "runs": "run_id, status, seed, n_parameters, n_threads",
    "epochs": "* EXCLUDE (seconds)",
    "patch_metrics": "*",
    "label_metrics": "*",
    "fold_metrics": "*",
    "models": "* EXCLUDE (created_at)",
    "baselines": "*",
    "latents": "*",
}
"""What is compared of each table: all that no clock, path or random name is in."""


@dataclass
class Report:
    """What came of the rounds."""

    rounds: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    doubled: Counter[str] = field(default_factory=Counter)
    left_behind: list[str] = field(default_factory=list)
    recovery_s: list[float] = field(default_factory=list)
    nights: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        """A table to print."""
        victims = ", ".join(f"{name} {n}" for name, n in sorted(self.killed.items()))
        times = f"{statistics.median(self.recovery_s):.0f} s, {max(self.recovery_s):.0f} s"
        return (
            f"rounds {self.rounds} ({victims}); rows compared {self.rows}; "
            f"losses {self.lost.total()}, duplicates {self.doubled.total()}, torn {len(self.left_behind)}; "
            f"nights until all stood: at most {max(self.nights)}; "
            f"from the kill to the end of the night that completed it, median and worst: {times}"
        )


def seeds_of(block: int, per_block: int) -> list[int]:
    """Return the seeds of the nights of a block."""
    return list(range(block * per_block + 1, (block + 1) * per_block + 1))


def grow(folder: Path, block: int) -> None:
    """Give the source as many images as a block has; those that were there stay as they are."""
    write_synthetic(folder, n_images=N_FIRST_IMAGES + block, height_px=96, width_px=128)


def marked(stack: RunningStack) -> Iterator[psutil.Process]:
    """Yield every process of a stack, whoever started it."""
    for process in psutil.process_iter():
        with suppress(OSError, psutil.Error):
            if environment_of(process).get(MARK) == str(stack.paths.folder):
                yield process


def is_training(process: psutil.Process) -> bool:
    """Tell whether a process trains."""
    return list(process.cmdline()[-2:]) == ["-m", "tasks.trainer"]


def processes_of(stack: RunningStack, victim: str) -> list[psutil.Process]:
    """Return the processes that are to be killed; none where there is none of that kind just now."""
    if victim in {"server", "cpu worker", "gpu worker"}:
        name = victim if victim == "server" else f"worker-{victim[:3]}"
        return [psutil.Process(stack.part(name).pid)]
    there = list(marked(stack))
    if victim == "everything":
        return there
    if victim == "training":
        return [one for one in there if is_training(one)]
    flows = [one for one in there if "PREFECT__FLOW_RUN_ID" in one.environ() and not is_training(one)]
    names = {one.pid: stack.api.run(one.environ()["PREFECT__FLOW_RUN_ID"])["name"] for one in flows}
    return [one for one in flows if names[one.pid].startswith("train ") == (victim == "batch")]


def kill(stack: RunningStack, victim: str) -> bool:
    """Kill a victim; tell whether there was one."""
    is_hit = False
    with suppress(psutil.Error):
        for process in processes_of(stack, victim):
            process.kill()
            is_hit = True
    return is_hit


def _lake_of(stack: RunningStack) -> Lake:
    """Open the lake of a stack, to be read."""
    return Lake.open(stack.env["DEEPDLT_LAKE"], is_read_only=True)


def rows_of(lake: Lake) -> dict[str, Counter[str]]:
    """Return what is compared, by table."""
    return {
        table: Counter(map(str, lake.query(f"SELECT {columns} FROM {table}").rows())) for table, columns in KEPT.items()
    }


@contextmanager
def on_one_core() -> Iterator[None]:
    """Keep this process, and all that it starts, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def a_stack(port: int, lake: str | None = None) -> Iterator[RunningStack]:
    """A stack of its own, with the project's deployments; its lake is in its folder, unless told otherwise."""
    folder = stacks.make_folder()
    elsewhere = {"DEEPDLT_LAKE": lake, "DEEPDLT_CACHE": str(folder / "cache")} if lake else {}
    running = stacks.start_stack(folder, stacks.environment_of(folder, port) | elsewhere)
    try:
        running.cli("deploy")
        yield running
    finally:
        stacks.stop_stack(running)


def undisturbed(folder: Path, *, n_blocks: int, per_block: int) -> tuple[dict[str, Counter[str]], float]:
    """Return the rows that nights leave which nobody touches, and how long one took."""
    with a_stack(stacks.free_port()) as stack:
        for block in range(n_blocks):
            grow(folder, block)
            began = time.monotonic()
            run = stack.run(
                "retrain/nightly", limit_s=3600, source=str(folder), seeds=seeds_of(block, per_block), **NIGHT
            )
            assert run["state_name"] == "Completed", run["state"]["message"]
        seconds = (time.monotonic() - began) / per_block
        with _lake_of(stack) as left:
            return rows_of(left), seconds


class Rounds:
    """Nights of one stack, disturbed.

    Parameters
    ----------
    stack : RunningStack
    folder : Path
        The source.
    draw : random.Random
    longest_s : float
        Kills come up to so long after a night was asked for.
    """

    def __init__(self, stack: RunningStack, folder: Path, draw: random.Random, *, longest_s: float) -> None:
        self.stack = stack
        self.folder = folder
        self.draw = draw
        self.longest_s = longest_s
        self.report = Report()

    def run(self, seed: int) -> None:
        """Begin a night, kill a victim, start again what died, and have nights until all of it stands."""
        parameters = NIGHT | {"source": str(self.folder), "seeds": [seed]}
        victim, delay_s = self.draw.choice(VICTIMS), self.draw.uniform(0.0, self.longest_s)
        hit = self.stack.start("retrain/nightly", **parameters)
        time.sleep(delay_s)
        if not kill(self.stack, victim):
            victim = "nobody"
        killed_at = time.monotonic()
        self.stack.cli("up")
        print(f"seed {seed}: {victim} killed after {delay_s:.1f} s")
        ended = self.stack.wait(hit, limit_s=ENDED_S)
        n_nights = 1
        while ended["state_name"] != "Completed":
            assert n_nights < MOST_NIGHTS, f"{victim}: night {n_nights} of seed {seed} is {ended['state']}"
            ended = self.stack.run("retrain/nightly", limit_s=ENDED_S, **parameters)
            n_nights += 1
        self.report.rounds += 1
        self.report.killed[victim] += 1
        self.report.nights.append(n_nights)
        self.report.recovery_s.append(time.monotonic() - killed_at)
        print(f"seed {seed}: {n_nights} nights, {self.report.recovery_s[-1]:.0f} s")

    def compare(self, wanted: dict[str, Counter[str]]) -> Report:
        """Tidy up as the weekly upkeep does, and compare what stands with what should."""
        kept = self.stack.run("maintain/weekly", limit_s=ENDED_S)
        assert kept["state_name"] == "Completed", kept["state"]["message"]
        with _lake_of(self.stack) as lake:
            found = rows_of(lake)
            named = set(lake.query("SELECT path FROM models").to_series())
            stored = {file.path for file in lake.files.listed("models/")}
        self.report.rows = sum(rows.total() for rows in wanted.values())
        for table, rows in wanted.items():
            self.report.lost[table] += (rows - found[table]).total()
            self.report.doubled[table] += (found[table] - rows).total()
        self.report.left_behind = sorted(stored ^ named)
        return self.report


def disturbed(
    wanted: dict[str, Counter[str]],
    folder: Path,
    *,
    n_blocks: int,
    per_block: int,
    seed: int,
    longest_s: float,
    lake: str | None = None,
) -> Report:
    """Run the rounds, and compare what they leave with the rows that should be there."""
    with a_stack(stacks.free_port(), lake) as stack:
        draw = random.Random(seed)  # noqa: S311 - it hides nothing
        rounds = Rounds(stack, folder, draw, longest_s=longest_s)
        for block in range(n_blocks):
            grow(folder, block)
            for night in seeds_of(block, per_block):
                rounds.run(night)
        return rounds.compare(wanted)
