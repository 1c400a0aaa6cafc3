"""A program that kills writes at every step they take, and says what was left.

``python killed_writes.py FOLDER --writes ingest,export --points 2 --seed 7``. Each write is first done undisturbed,
and the lines are counted that it runs in the modules that write: each of them is a point, so statements, flushes and
renames all have one before and one after. Then, in a child for each point, it is done again on a copy of what stood
before, and the child kills itself (SIGKILL) at that point. What stands then must be what stood before, or all that was
to be written; and done once more to its end, the write must leave what the undisturbed one left, key by key.

The children are forked from a process that has imported everything and used nothing: no thread, no lake.
"""

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import polars as pl

from deepdlt import replacing
from deepdlt.synthetic import synth
from lake import bucket, files, lock, shards, store, transaction
from lake.files import TEMPORARY_PREFIX
from lake.location import Location
from lake.store import Lake

State = dict[str, list[str]]
"""By table or file: its rows, or a digest of its content."""

KEPT = ("images", "labels", "sources", "rejected", "warnings", "ingests", "night_runs", "meta")
STAMPS = ("ingested_at", "seen_at", "closed_at", "source", "state_key")


@dataclass(frozen=True)
class Write:
    """Something that is written.

    Attributes
    ----------
    prepare : callable
        Makes what stands before, in a folder.
    run : callable
        The write.
    state : callable
        What stands in the folder now.
    modules : tuple of str
        Files whose lines are points.
    """

    prepare: Callable[[Path], object]
    run: Callable[[Path], object]
    state: Callable[[Path], State]
    modules: tuple[str, ...]


@dataclass
class Report:
    """What came of the rounds of one write."""

    write: str
    points: int = 0
    rounds: int = 0
    kept_old: int = 0
    rows: int = 0
    losses: int = 0
    duplicates: int = 0
    torn: list[int] = field(default_factory=list)
    recovery_s: list[float] = field(default_factory=list)


def file_of(module: Any) -> str:
    """Return the file of a module, as its frames name it."""
    return str(module.__file__)


LAKE_MODULES = tuple(file_of(module) for module in (transaction, store, lock, files))


def tables_of(folder: Path) -> State:
    """Return the rows of a lake's tables, without time stamps and paths of this machine."""
    with Lake.open(folder / "lake") as lake:
        frames = {table: lake.query(f"FROM {table}") for table in KEPT}
        columns = lake.query("DESCRIBE labels")["column_name"].to_list()
    rows = {
        table: sorted(map(str, frame.drop(STAMPS, strict=False).rows()))
        for table, frame in frames.items()
        if table != "meta"
    }
    return rows | {"columns": columns, "meta": sorted(frames["meta"].filter(pl.col("key") == "night")["value"])}


def files_of(folder: Path) -> State:
    """Return the content of every file that is not a temporary one."""
    hidden = (TEMPORARY_PREFIX, ".export.", ".model")
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    shown = [path for path in paths if not any(part.startswith(hidden) for part in path.relative_to(folder).parts)]
    return {path.relative_to(folder).as_posix(): [path.read_bytes().hex()[:4096]] for path in shown}


def prepare_lake(folder: Path) -> None:
    """Make a lake with a night in it."""
    with Lake.open(folder / "lake") as lake:
        write_night(lake, "1")


def write_night(lake: Lake, night: str) -> None:
    """Replace rows of two tables and add a column, in one transaction."""
    runs = pl.DataFrame({"night_id": ["n"] * 3, "run_id": ["1", "2", "3"], "is_reused": [night == "2"] * 3})
    with lake.write(f"night {night}") as done:
        done.replace("night_runs", runs, ("night_id", "run_id"))
        done.execute("DELETE FROM meta WHERE key = 'night'")
        done.execute("INSERT INTO meta VALUES ('night', ?)", [night])
        if night == "2":
            done.ensure_columns("labels", {"angle_deg": "DOUBLE"})


def write_second_night(folder: Path) -> None:
    """Write a night over the one that stands."""
    with Lake.open(folder / "lake") as lake:
        write_night(lake, "2")


def prepare_ingest(folder: Path) -> None:
    """Make a source of which the lake knows all but two images."""
    prepare_lake(folder)
    synth.write_synthetic(folder / "source", n_images=6, height_px=64, width_px=80)
    ingest(folder)
    synth.write_synthetic(folder / "source", n_images=8, height_px=64, width_px=80)


def ingest(folder: Path) -> None:
    """Take a source into the lake."""
    os.environ["DEEPDLT_LAKE"] = str(folder / "lake")
    from tasks.ingest import ingest_source

    ingest_source(folder / "source")


def prepare_shard(folder: Path) -> None:
    """Make an empty folder for shards."""
    folder.mkdir()


def write_shard(folder: Path) -> None:
    """Write a shard."""
    pixels = np.arange(8 * 16 * 16, dtype=np.uint8).reshape(8, 16, 16)
    shards.write_shard(folder, pixels, [str(number) for number in range(8)])


def in_bucket(folder: Path) -> bucket.Bucket:
    """Return the files of a lake in a bucket, below a prefix that this folder alone knows."""
    note = folder / "prefix"
    if not note.exists():
        note.write_text(uuid.uuid4().hex, encoding="utf-8")
    place = f"s3://lab/{note.read_text(encoding='utf-8')}"
    return bucket.Bucket(Location(folder / "cache", "postgres://db/lake", place))


def publish_shard(folder: Path) -> None:
    """Write a shard and put it into a bucket; the store's address is in the environment."""
    pixels = np.arange(8 * 16 * 16, dtype=np.uint8).reshape(8, 16, 16)
    shards.write_shard(in_bucket(folder), pixels, [str(number) for number in range(8)])


def objects_of(folder: Path) -> State:
    """Return the content of what another machine would have from the bucket."""
    place = in_bucket(folder)
    other = bucket.Bucket(Location(folder / "other", place._location.database, place._location.bucket))
    return {found.path: [other.fetch(found.path).read_bytes().hex()] for found in other.listed("")}


def checkpoint(night: int) -> Callable[[Path], object]:
    """Return what writes a checkpoint of one epoch over that of another."""

    def write(folder: Path) -> None:
        import torch

        from deepdlt.training.checkpoints import save_tensors

        torch.set_num_threads(1)
        save_tensors(folder / "model.safetensors", {"weight": torch.full((64,), float(night))}, header=f"epoch {night}")

    return write


def export(night: int) -> Callable[[Path], object]:
    """Return what writes a folder over an earlier one."""

    def write(folder: Path) -> None:
        with replacing.replaced_folder(folder / "export") as partial:
            for name in ("a.csv", "b.csv"):
                (partial / name).write_text(f"night {night}", encoding="utf-8")

    return write


def page(night: int) -> Callable[[Path], object]:
    """Return what writes the page of a night over an earlier one."""

    def write(folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        files.atomic_write(folder / "index.html", f"<h1>Night {night}</h1>".encode() * 1000)

    return write


def checkpoint_module() -> str:
    """Return the file of the module that writes checkpoints."""
    return str(Path(replacing.__file__).parent / "training" / "checkpoints.py")


WRITES = {
    "lake": Write(prepare_lake, write_second_night, tables_of, LAKE_MODULES),
    "ingest": Write(prepare_ingest, ingest, tables_of, LAKE_MODULES),
    "shard": Write(prepare_shard, write_shard, files_of, (file_of(shards), file_of(files))),
    "bucket": Write(prepare_shard, publish_shard, objects_of, (file_of(shards), file_of(files), file_of(bucket))),
    "checkpoint": Write(checkpoint(1), checkpoint(2), files_of, (checkpoint_module(),)),
    "export": Write(export(1), export(2), files_of, (file_of(replacing),)),
    "page": Write(page(1), page(2), files_of, (file_of(files),)),
}


def at_point(modules: tuple[str, ...], point: int, seen: list[int]) -> Callable[[FrameType, str, Any], Any]:
    """Return a tracer that counts lines in some files, and kills this process at one of them."""

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename not in modules:
            return None
        if event == "line":
            seen[0] += 1
            if seen[0] == point:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    return trace


def in_child(work: Callable[[], Any]) -> tuple[int, Any]:
    """Do something in a forked child; return how it ended (0, or the negative signal) and what it returned."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reader)
            with os.fdopen(writer, "w") as out:
                json.dump(work(), out)
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as given:
        text = given.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code, json.loads(text) if text else None


def copied(template: Path, folder: Path) -> Path:
    """Return a fresh copy of what stood before."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    return folder


def undisturbed(write: Write, folder: Path) -> tuple[State, State, int]:
    """Do a write to its end; return what stood before and after it, and the number of its points."""
    seen = [0]
    before = write.state(folder)
    sys.settrace(at_point(write.modules, 0, seen))
    write.run(folder)
    sys.settrace(None)
    return before, write.state(folder), seen[0]


def killed(write: Write, folder: Path, point: int) -> None:
    """Begin a write that ends at a point."""
    sys.settrace(at_point(write.modules, point, [0]))
    write.run(folder)


def recovered(write: Write, folder: Path) -> tuple[State, State, float]:
    """Return what a killed write left, what it leaves when it is done again, and how long that took."""
    left = write.state(folder)
    began = time.monotonic()
    write.run(folder)
    return left, write.state(folder), time.monotonic() - began


def examine(name: str, folder: Path, n_points: int | None, draw: random.Random) -> Report:
    """Kill a write at points, all or some drawn, and report what was left each time."""
    write, report = WRITES[name], Report(name)
    folder.mkdir(parents=True)
    template = folder / "before"
    made = in_child(lambda: write.prepare(template) and None)[0]
    code, done = in_child(lambda: undisturbed(write, copied(template, folder / "trial")))
    if made or code:
        raise SystemExit(f"{name} fails undisturbed")
    before, after, report.points = done
    chosen = range(1, report.points + 1)
    for point in chosen if n_points is None else sorted(draw.sample(chosen, min(n_points, report.points))):
        trial = copied(template, folder / "trial")
        ended, _ = in_child(lambda trial=trial, point=point: killed(write, trial, point))  # type: ignore[misc]
        if ended != -signal.SIGKILL:
            raise SystemExit(f"{name} was not killed at point {point}: it ended with {ended}")
        code, told = in_child(lambda trial=trial: recovered(write, trial))  # type: ignore[misc]
        note(report, point, told if code == 0 else None, before, after)
    return report


def note(report: Report, point: int, told: Any, before: State, after: State) -> None:
    """Add a round to the report."""
    report.rounds += 1
    if told is None:
        report.torn.append(point)
        return
    left, finally_there, seconds = told
    report.recovery_s.append(seconds)
    report.kept_old += left == before
    if left not in (before, after):
        report.torn.append(point)
    for key in after.keys() | finally_there.keys():
        wanted, found = Counter(after.get(key, [])), Counter(finally_there.get(key, []))
        report.rows += wanted.total()
        report.losses += (wanted - found).total()
        report.duplicates += (found - wanted).total()


def import_what_is_slow(writes: str) -> None:
    """Import what the children would each import for seconds."""
    for name, module in (("ingest", "tasks.ingest"), ("ingest", "deepdlt.source.survey"), ("checkpoint", "torch")):
        if name in writes.split(","):
            import_module(module)


def main() -> None:
    """Examine the writes, print a table, and the reports as JSON in the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--writes", default=",".join(WRITES.keys() - {"bucket"}))  # which needs a store
    parser.add_argument("--points", type=int)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    import_what_is_slow(given.writes)
    draw = random.Random(given.seed)  # noqa: S311 - it hides nothing
    print(f"seed {given.seed}")
    reports = [examine(name, given.folder / name, given.points, draw) for name in given.writes.split(",")]
    print("write       points  rounds  kept old  rows compared  losses  duplicates  torn  recovery s (median, worst)")
    for one in reports:
        times = f"{statistics.median(one.recovery_s):.2f}, {max(one.recovery_s):.2f}" if one.recovery_s else "-"
        numbers = (one.points, one.rounds, one.kept_old, one.rows, one.losses, one.duplicates, len(one.torn))
        print(f"{one.write:<12}" + "".join(f"{number:>9}" for number in numbers) + f"   {times}")
    print(json.dumps([asdict(one) for one in reports]))


if __name__ == "__main__":
    main()
