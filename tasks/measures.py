"""What a training leaves beside its losses: the baselines of its fold, the codes of its patches.

Imports torch: only workers that train come here.
"""

from typing import cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepdlt.analysis.fold_baselines import measure_fold
from deepdlt.analysis.latents import encode_patches
from deepdlt.night import HOLDOUT, RunPlan
from deepdlt.provenance import code_digest
from deepdlt.training.checkpoints import Checkpoint
from deepdlt.training.patchset import PatchSet
from deepdlt.training.streaming import PatchRows
from lake import Lake
from lake.statements import load

HELD_OUT = ("val", "test")


def measure_baselines(lake: Lake, plan: RunPlan, patches: PatchSet, fold: pl.DataFrame) -> pl.DataFrame | None:
    """Measure what could be had without a model, unless the lake knows: it belongs to the fold, not to the run.

    What other code measured does not count as known.

    Parameters
    ----------
    lake : Lake
    plan : RunPlan
    patches : PatchSet
        All patches of the data set.
    fold : polars.DataFrame
        The fold's patches: ``row`` in the set, ``split``.

    Returns
    -------
    polars.DataFrame or None
        Rows of the table `baselines`; None where they stand, or where pixels are not what is reconstructed.
    """
    code = code_digest("deepdlt.analysis.fold_baselines")
    if plan.settings.view != "pixels" or lake.query(load("baselines_of_fold"), [plan.split_id, plan.fold, code]).height:
        return None
    pixels = patches.pixels[:, 0].cpu().numpy()  # (N, 1, S, S) -> (N, S, S)
    rows = {split: fold.filter(pl.col("split") == split)["row"].to_numpy() for split in ("train", *HELD_OUT)}
    train, *held_out = (cast("NDArray[np.uint8]", PatchRows(pixels, rows[split])) for split in ("train", *HELD_OUT))
    measured = measure_fold(train, dict(zip(HELD_OUT, held_out, strict=True)))
    named = {"split_id": pl.lit(plan.split_id), "fold": pl.lit(plan.fold, pl.Int32), "code_digest": pl.lit(code)}
    return measured.with_columns(**named)


def encode_fold(best: Checkpoint, patches: PatchSet, fold: pl.DataFrame, plan: RunPlan) -> pl.DataFrame:
    """Return the codes of a run: of all patches on the 80/10/10 split, of a fold's test patches.

    Parameters
    ----------
    best : Checkpoint
        On the patches' device.
    patches : PatchSet
        All patches of the data set.
    fold : polars.DataFrame
        The fold's patches: ``row`` in the set, ``patch_id``, ``image_id``, ``split``.
    plan : RunPlan

    Returns
    -------
    polars.DataFrame
        Rows of the table `latents`, without ``run_id``.
    """
    part = fold if plan.scheme == HOLDOUT else fold.filter(pl.col("split") == "test")
    codes, kind = encode_patches(
        best.model,
        patches,
        part["row"].to_numpy(),
        target_range=plan.settings.target_range,
        view=plan.settings.view,
        threshold=plan.settings.threshold,
    )
    named = part.select("patch_id", "image_id", "split")
    return named.with_columns(code_kind=pl.lit(kind), code=pl.Series(list(codes), dtype=pl.List(pl.Float32)))
