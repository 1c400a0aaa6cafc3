"""Patches and models as the lake stores them, for pictures. Imports torch."""

import functools
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepdlt.figures.examples import choose_examples
from deepdlt.models.reconstruction import reconstruct
from deepdlt.training.checkpoints import Checkpoint, load_checkpoint
from deepdlt.training.patchset import PatchSet
from lake import Lake
from lake.statements import load
from tasks.drawing.errors import TooFewPatches
from tasks.drawing.pixels import pixels_of
from tasks.drawing.subject import RunFacts

Array = NDArray[np.float32]


@dataclass(frozen=True)
class GivenBack:
    """Patches as a model saw them, and as it gave them back; (n, 1, S, S) on the run's target range."""

    originals: Array
    reconstructions: Array


def best_model(lake: Lake, run: RunFacts) -> Checkpoint:
    """Return a run's best model by validation loss, on the CPU.

    Parameters
    ----------
    lake : Lake
    run : RunFacts

    Raises
    ------
    CheckpointUnreadable
        If its file is missing or damaged.
    """
    return _load(lake, run.run_id)


@functools.lru_cache(maxsize=2)
def _load(lake: Lake, run_id: str) -> Checkpoint:
    """Read a checkpoint once for all pictures of its run."""
    path = lake.query(load("best_checkpoint_of_run"), [run_id]).item()
    return load_checkpoint(lake.files.fetch(path), device="cpu")


def patch_set(lake: Lake, run: RunFacts, patches: pl.DataFrame) -> PatchSet:
    """Return the pixels of some patches.

    Parameters
    ----------
    lake : Lake
    run : RunFacts
    patches : polars.DataFrame
        ``patch_id`` of patches of the run's data set; the set is in their order.
    """
    return PatchSet.from_array(pixels_of(lake, run, patches["patch_id"].to_list()), device="cpu")


def give_back(lake: Lake, run: RunFacts, patches: pl.DataFrame) -> GivenBack:
    """Reconstruct some patches with a run's best model.

    Parameters
    ----------
    lake : Lake
    run : RunFacts
    patches : polars.DataFrame
        ``patch_id``, at least one.
    """
    held = patch_set(lake, run, patches)
    targets, outputs = reconstruct(
        best_model(lake, run).model,
        held,
        np.arange(len(held)),
        target_range=run.choices["target_range"],
        seed=run.seed,
        view=run.choices["view"],
        threshold=run.choices["threshold"],
    )
    return GivenBack(targets.numpy(), outputs.numpy())


def choose(rows: pl.DataFrame, n: int, run: RunFacts, *, by: str | None = None) -> pl.DataFrame:
    """Choose examples by the run's seed, see `deepdlt.figures.examples.choose_examples`.

    Parameters
    ----------
    rows : polars.DataFrame
        ``patch_id``, ``image_id`` and what else is wanted back.
    n : int
        Patches wanted.
    run : RunFacts
    by : str, optional
        Column whose values take turns.

    Raises
    ------
    TooFewPatches
        If there is none.
    """
    chosen = choose_examples(rows, n, seed=run.seed, by=by)
    if chosen.is_empty():
        raise TooFewPatches(run.run_id, run.name, "no patch to show")
    return chosen
