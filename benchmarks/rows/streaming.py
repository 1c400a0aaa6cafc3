"""Patches read from a disk as they are needed, against the same patches in memory."""

import os
import shutil
from pathlib import Path
from typing import Any

from benchmarks.child import Clock
from benchmarks.pairs import Pairs
from benchmarks.row import Finding, Row, share_of_speed
from benchmarks.sources import Stage

N_PER_IMAGE = 20


def parameters(stage: Stage) -> dict[str, Any]:
    """Return a lake with some patches, and where their file is made."""
    return {"lake": str(stage.lake(N_PER_IMAGE)), "folder": str(stage.work / "streaming")}


def streamed(clock: Clock, lake: str, folder: str) -> None:
    """Train an epoch on patches in a file that the system does not hold in memory."""
    import numpy as np

    from benchmarks.rows.training import load_training
    from deepdlt.training.streaming import StreamedPatches

    shutil.rmtree(folder, ignore_errors=True)
    Path(folder).mkdir(parents=True)
    held, parts = load_training(lake)
    path = Path(folder, "patches.bin")
    pixels = held.pixels[:, 0].numpy()
    pixels.tofile(path)
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    mapped = np.memmap(path, np.uint8, mode="c", shape=pixels.shape)
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    patches = StreamedPatches.from_file(descriptor, mapped, device="cpu")
    _train(clock, patches, parts, Path(folder))
    os.close(descriptor)


def in_memory(clock: Clock, lake: str, folder: str) -> None:
    """Train an epoch on patches in memory."""
    from benchmarks.rows.training import load_training

    shutil.rmtree(folder, ignore_errors=True)
    patches, parts = load_training(lake)
    _train(clock, patches, parts, Path(folder))


def _train(clock: Clock, patches: Any, parts: Any, folder: Path) -> None:
    """Train an epoch and say what it reached."""
    from benchmarks.rows.training import settings_of
    from deepdlt.training.train import train

    with clock.running():
        result = train(
            patches,
            settings_of("ae"),
            train_index=parts["train"].to_numpy(),
            val_index=parts["val"].to_numpy(),
            checkpoint_dir=folder / "checkpoints",
        )
    clock.say(losses=[result.history[0].train_loss, result.history[0].val_loss])


def same_losses(pairs: Pairs) -> Finding:
    """Ask that both sides reach the same losses, to the last bit."""
    found = {tuple(one.said["losses"]) for one in (*pairs.ours, *pairs.other)}
    return Finding("equal losses, bit for bit", "yes" if len(found) == 1 else "no", len(found) == 1)


ROWS = (
    Row(
        name="streaming",
        work="an epoch on patches read from the disk as they are needed",
        ours="benchmarks.rows.streaming:streamed",
        other="benchmarks.rows.streaming:in_memory",
        other_name="in memory",
        parameters=parameters,
        judges=(share_of_speed(0.8, of="the speed in memory"), same_losses),
    ),
)
