"""Ten and fifty times as much: time goes with the amount, memory does not."""

import os
import shutil
from pathlib import Path
from typing import Any

from benchmarks.child import Clock
from benchmarks.pairs import Pairs
from benchmarks.row import Finding, Judge, Row
from benchmarks.sources import Stage

EDGE_PX = 72
PATCHES_AN_IMAGE = 10
SIZE_PX = 16
"""Of the patches of long epochs: a sixteenth of the report's pixels, so that a million take minutes."""

N_VAL = 1000
FEW_PATCHES = 20_000
WORKING_SET_MB = 700
"""Early cuts (256 MiB), patches of a commit (105 MB), the libraries' own growth."""


def linear(times: int, *, within: float) -> Judge:
    """Ask that so many times the amount takes at most so many times the time, but for a share."""

    def judge(pairs: Pairs) -> Finding:
        ratio = 1 / pairs.speed_up.median
        return Finding(f"<= {within:g} x {times} times the time", f"{ratio:.1f} times", ratio <= within * times)

    return judge


def flat(most_mb: float) -> Judge:
    """Ask that the larger amount takes at most so much more memory."""

    def judge(pairs: Pairs) -> Finding:
        more = max(one.peak_mb for one in pairs.ours) - min(one.peak_mb for one in pairs.other)
        return Finding(f"at most {most_mb:g} MB more memory", f"{more:.0f} MB more", more <= most_mb)

    return judge


def images(stage: Stage) -> dict[str, Any]:
    """Return two folders of small synthetic images."""
    from deepdlt.synthetic.synth import write_synthetic

    folders = {}
    for n_images in (1_000, 10_000):
        folder = stage.work / f"small-{n_images}"
        if not (folder / ".whole").exists():
            write_synthetic(folder, n_images=n_images, height_px=EDGE_PX, width_px=EDGE_PX)
            (folder / ".whole").touch()
        folders[f"source_{n_images}"] = str(folder)
    return {**folders, "lake": str(stage.work / "scale-lake")}


def many_images(clock: Clock, source_10000: str, lake: str, **others: str) -> None:
    """Ingest 10,000 images and cut their patches."""
    del others
    _ingest(clock, source_10000, lake)


def few_images(clock: Clock, source_1000: str, lake: str, **others: str) -> None:
    """Ingest 1,000 images and cut their patches."""
    del others
    _ingest(clock, source_1000, lake)


def _ingest(clock: Clock, source: str, lake: str) -> None:
    """Bring an empty lake to what stands in a folder, patches included."""
    shutil.rmtree(lake, ignore_errors=True)
    os.environ["DEEPDLT_LAKE"] = lake
    from deepdlt.config import PatchRecipe
    from tasks.ingest import ingest_source
    from tasks.lake_access import open_lake
    from tasks.prepare import cut_missing

    open_lake()
    with clock.running():
        known_as = ingest_source(Path(source))["source"]
        cut = cut_missing(known_as, PatchRecipe(n_per_image=PATCHES_AN_IMAGE))
    clock.say(n_patches=cut["n_patches"])


def patches(stage: Stage) -> dict[str, Any]:
    """Return the folder for files of patches."""
    return {"folder": str(stage.work / "scale-epochs")}


def few_patches(clock: Clock, folder: str) -> None:
    """Train an epoch on 20,000 patches."""
    _epoch(clock, Path(folder), FEW_PATCHES)


def many_patches(clock: Clock, folder: str) -> None:
    """Train an epoch on 200,000 patches."""
    _epoch(clock, Path(folder), 10 * FEW_PATCHES)


def a_million_patches(clock: Clock, folder: str) -> None:
    """Train an epoch on 1,000,000 patches."""
    _epoch(clock, Path(folder), 50 * FEW_PATCHES)


def _epoch(clock: Clock, folder: Path, n_patches: int) -> None:
    """Train an epoch of the report's autoencoder on patches that are read from their file."""
    import numpy as np

    from benchmarks.rows.training import settings_of
    from deepdlt.training.streaming import StreamedPatches
    from deepdlt.training.train import train

    path = folder / f"{n_patches}.bin"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    if not path.exists() or path.stat().st_size != n_patches * SIZE_PX**2:
        with path.open("wb") as file:
            for _ in range(n_patches // FEW_PATCHES):
                file.write(rng.integers(0, 256, (FEW_PATCHES, SIZE_PX, SIZE_PX), dtype=np.uint8).tobytes())
    descriptor = os.open(path, os.O_RDONLY)
    mapped = np.memmap(path, np.uint8, mode="c", shape=(n_patches, SIZE_PX, SIZE_PX))
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    streamed = StreamedPatches.from_file(descriptor, mapped, device="cpu")
    rows = np.arange(n_patches)
    with clock.running():
        train(
            streamed,
            settings_of("ae"),
            train_index=rows[N_VAL:],
            val_index=rows[:N_VAL],
            checkpoint_dir=folder / "checkpoints",
        )
    os.close(descriptor)


ROWS = (
    Row(
        name="scale-ingest",
        work="ingest and patches of 10,000 small images",
        ours="benchmarks.rows.scale:many_images",
        other="benchmarks.rows.scale:few_images",
        other_name="1,000 images",
        parameters=images,
        judges=(linear(10, within=1.25), flat(WORKING_SET_MB)),
        n_pairs=3,
        data=f"synthetic images of {EDGE_PX} px",
    ),
    *(
        Row(
            name=f"scale-epoch-{times * FEW_PATCHES // 1000}k",
            work=f"an epoch on {times * FEW_PATCHES:,} patches of {SIZE_PX} px, read from their file",
            ours=f"benchmarks.rows.scale:{side}",
            other="benchmarks.rows.scale:few_patches",
            other_name=f"{FEW_PATCHES:,} patches",
            parameters=patches,
            judges=(linear(times, within=1.25), flat(WORKING_SET_MB)),
            n_pairs=3,
            data="random patches",
        )
        for times, side in ((10, "many_patches"), (50, "a_million_patches"))
    ),
)
