"""A lab that works on while nights run and things break: what it does to its images, and what its nights leave."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import psutil
from killed_nights import ENDED_S, MOST_NIGHTS, VICTIMS, kill
from PIL import Image
from sources import Source, copy_source
from stacks import RunningStack

from deepdlt.synthetic.synth import write_synthetic
from lake import Lake
from lake.files import TEMPORARY_PREFIX

NIGHT: dict[str, Any] = {
    "profile": "quick",
    "preset": "matched-label-cv",
    "labels": ["PP1"],
    "schemes": ["grouped"],
    "folds": 2,
    "models": ["ae"],
    "epochs": 2,
    "seeds": [0],
}
N_FIRST_IMAGES = 24
"""Of so many, a few changes at once are no quarter, which a night would refuse."""
UPKEEP_EVERY = 8
SHARE_KILLED = 0.5

OF_LAST_NIGHT = {
    "nights": "SELECT status, profile, source, dataset_id, n_trained + n_reused AS n_runs, n_failed FROM latest_night",
    "labels": "SELECT labels.* EXCLUDE (sheet) FROM labels JOIN sources USING (source, image_id) WHERE is_present",
    "sources": "SELECT path, file_digest, image_id FROM sources WHERE is_present",
    "rejected_now": "SELECT path, rule, value FROM rejected_now",
    "folds": "SELECT DISTINCT folds.* FROM folds JOIN runs USING (split_id) JOIN night_runs USING (run_id) "
    "JOIN latest_night USING (night_id)",
} | {
    table: f"SELECT {columns} FROM {table} JOIN night_runs USING (run_id) JOIN latest_night USING (night_id)"
    for table, columns in {
        "runs": "run_id, runs.status, seed, n_parameters, n_threads",
        "epochs": "epochs.* EXCLUDE (seconds)",
        "patch_metrics": "patch_metrics.*",
        "label_metrics": "label_metrics.*",
        "fold_metrics": "fold_metrics.*",
        "models": "models.* EXCLUDE (created_at)",
        "latents": "latents.*",
    }.items()
}
"""What the newest night stands on and has found: all that no clock, path or random name is in."""


class BusyLab:
    """A source folder in which something happens before each night.

    Parameters
    ----------
    folder : Path
        Made here.
    draw : random.Random
    n_most : int
        Most images that it will ever have.
    """

    def __init__(self, folder: Path, draw: random.Random, *, n_most: int) -> None:
        write_synthetic(folder / "all", n_images=n_most, height_px=96, width_px=128)
        self._all = copy_source(folder / "all", folder / "made")
        self._rows = pl.read_csv(self._all.sheet, infer_schema=False)
        self._n = N_FIRST_IMAGES
        self._bad: list[int] = []
        self._draw = draw
        source = folder / "images"
        self.source = Source(source, source / self._all.sheet.name)
        source.mkdir()
        for row in range(self._n):
            self._put(row)
        self._write_sheet()

    def change(self) -> str:
        """Do one thing, and say what."""
        things: list[Callable[[], str]] = [self._add, self._add, self._spoil, self._repaint, self._relabel, self._rest]
        if self._bad:
            things.append(self._mend)
        return self._draw.choice(things)()

    def _file(self, row: int) -> Path:
        made = self._all.image(row)
        return self.source.folder / made.relative_to(self._all.sheet.parent)

    def _put(self, row: int, content: bytes | None = None) -> None:
        """Write an image's file: it appears at once, as one that is moved here does."""
        file = self._file(row)
        file.parent.mkdir(parents=True, exist_ok=True)
        hidden = file.with_name(f".{file.name}.part")
        hidden.write_bytes(self._all.image(row).read_bytes() if content is None else content)
        hidden.replace(file)

    def _write_sheet(self) -> None:
        hidden = self.source.sheet.with_name(".sheet.part")
        self._rows.head(self._n).write_csv(hidden)
        hidden.replace(self.source.sheet)

    def _add(self) -> str:
        self._put(self._n)
        self._n += 1
        self._write_sheet()
        return "a new image"

    def _spoil(self) -> str:
        self._add()
        self._put(self._n - 1, self._all.image(self._n - 1).read_bytes()[:500])
        self._bad.append(self._n - 1)
        return "an image that is cut short"

    def _mend(self) -> str:
        self._put(self._bad.pop())
        return "an image that is whole again"

    def _repaint(self) -> str:
        row = self._draw.choice([row for row in range(self._n) if row not in self._bad])
        made = self._all.image(row)
        with Image.open(made) as image:
            image.point(lambda level: 255 - level).save(made)
        self._put(row)
        return "an image with other pixels"

    def _relabel(self) -> str:
        row, other = (self._draw.randrange(self._n) for _ in range(2))
        cells = self._rows["NP"].to_list()
        cells[row] = cells[other]
        self._rows = self._rows.with_columns(NP=pl.Series(cells))
        self._write_sheet()
        return "a corrected label"

    def _rest(self) -> str:
        return "nothing"


@dataclass
class Sizes:
    """How much the parts that run on have in use."""

    rss_mb: dict[str, float]
    open_files: dict[str, int]


def sizes_of(stack: RunningStack) -> Sizes:
    """Look at server and workers."""
    parts = {name: psutil.Process(stack.part(name).pid) for name in ("server", "worker-cpu", "worker-gpu")}
    return Sizes(
        {name: process.memory_info().rss / 1e6 for name, process in parts.items()},
        {name: process.num_fds() for name, process in parts.items()},
    )


@dataclass
class Soak:
    """Nights of one stack, one after the other, some of them disturbed.

    Parameters
    ----------
    stack : RunningStack
    lab : BusyLab
    draw : random.Random
    period_s : float
        From the start of a night to that of the next, at least.
    """

    stack: RunningStack
    lab: BusyLab
    draw: random.Random
    period_s: float
    outcomes: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    sizes: list[Sizes] = field(default_factory=list)
    n_orphans: int = 0

    @property
    def n_nights(self) -> int:
        """Nights that were begun."""
        return self.outcomes.total()

    @property
    def parameters(self) -> dict[str, Any]:
        """Of every night."""
        return NIGHT | {"source": str(self.lab.source.folder)}

    def run(self, seconds: float) -> None:
        """Have nights for so long, then one that nobody disturbs, and upkeep that keeps nothing for later."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            began = time.monotonic()
            self.night()
            if self.n_nights % UPKEEP_EVERY == 0:
                self.keep()
            time.sleep(max(0.0, min(deadline, began + self.period_s) - time.monotonic()))
        complete_night(self.stack, self.parameters)
        self.n_orphans = len(left_behind(self.stack))
        self.keep(keep_days=0, grace_hours=0)

    def night(self) -> None:
        """Let something happen in the lab, begin a night, and perhaps kill something."""
        change = self.lab.change()
        hit = self.stack.start("retrain/nightly", **self.parameters)
        victim = "nobody"
        if self.draw.random() < SHARE_KILLED:
            time.sleep(self.draw.uniform(0.0, self.period_s / 3))
            drawn = self.draw.choice(VICTIMS)
            victim = drawn if kill(self.stack, drawn) else victim
            self.stack.cli("up")
        state = self.stack.wait(hit, limit_s=ENDED_S)["state_name"]
        self.changes[change] += 1
        self.killed[victim] += 1
        self.outcomes[state] += 1
        self.sizes.append(sizes_of(self.stack))
        print(f"night {self.n_nights}: {change}; killed: {victim}; {state}; {self.sizes[-1].rss_mb}", flush=True)

    def keep(self, **parameters: Any) -> None:
        """Do the weekly upkeep."""
        kept = self.stack.run("maintain/weekly", limit_s=ENDED_S, **parameters)
        assert kept["state_name"] == "Completed", kept["state"]["message"]


def complete_night(stack: RunningStack, parameters: dict[str, Any]) -> None:
    """Have nights until one is completed."""
    for _ in range(MOST_NIGHTS):
        ended = stack.run("retrain/nightly", limit_s=ENDED_S, **parameters)
        if ended["state_name"] == "Completed":
            return
    raise AssertionError(f"after {MOST_NIGHTS} nights: {ended['state']}")


def found_by_last_night(stack: RunningStack) -> dict[str, Counter[str]]:
    """Return the rows that the newest night stands on and has found, by table."""
    with Lake.open(stack.env["DEEPDLT_LAKE"], is_read_only=True) as lake:
        return {table: Counter(map(str, lake.query(sql).rows())) for table, sql in OF_LAST_NIGHT.items()}


def left_behind(stack: RunningStack) -> list[str]:
    """Return the files of a lake that no row refers to, and those that only a writer should see."""
    with Lake.open(stack.env["DEEPDLT_LAKE"], is_read_only=True) as lake:
        named = {
            *lake.query("SELECT path FROM models").to_series(),
            *lake.query("SELECT shard FROM patches").to_series(),
        }
        stored = {path.relative_to(lake.root).as_posix() for path in lake.root.rglob("*") if path.is_file()}
    torn = {path for path in stored if Path(path).name.startswith(TEMPORARY_PREFIX)}
    kept = {path for path in stored if path.startswith("models/")}
    return sorted(torn | (kept - named) | {path for path in named if path not in stored})
