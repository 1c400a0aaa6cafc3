"""From source images to patches and their manifest."""

import os
import shutil
from pathlib import Path
from typing import Any

from benchmarks.child import Clock
from benchmarks.pairs import Pairs
from benchmarks.peaks import Peaks
from benchmarks.row import Limit, Row, faster
from benchmarks.sources import Stage

N_PER_IMAGE = 100


def parameters(stage: Stage) -> dict[str, Any]:
    """Return source and target of both sides."""
    return {"source": str(stage.source), "target": str(stage.work / "prepare")}


def ours(clock: Clock, source: str, target: str) -> None:
    """Ingest a source into an empty lake, cut its patches, freeze the data set, split it by image."""
    shutil.rmtree(target, ignore_errors=True)
    os.environ["DEEPDLT_LAKE"] = target
    from deepdlt.config import PatchRecipe
    from tasks.ingest import ingest_source
    from tasks.lake_access import open_lake
    from tasks.prepare import assign_missing, cut_missing, freeze

    open_lake()
    with clock.running():
        recipe = PatchRecipe(n_per_image=N_PER_IMAGE)
        known_as = ingest_source(Path(source))["source"]
        cut = cut_missing(known_as, recipe)
        dataset = freeze(known_as, recipe, patches_per_image=N_PER_IMAGE)
        assign_missing(known_as, dataset, patches_per_image=N_PER_IMAGE, labels=[], schemes=[], n_folds=2, seed=0)
    clock.say(n_images=cut["n_images"], n_patches=dataset["n_patches"])


def baseline(clock: Clock, source: str, target: str) -> None:
    """Cut the patches of a source into Bitmaps and write the tables of its 80/10/10 split."""
    shutil.rmtree(target, ignore_errors=True)
    from benchmarks.reference.prepare import cut_patches, read_sheet, write_tables

    with clock.running():
        sheet = read_sheet(Path(source))
        n_patches = cut_patches(Path(source), Path(target, "images"), n_per_image=N_PER_IMAGE)
        write_tables(sheet, Path(target, "images"), Path(target, "tables"))
    clock.say(n_patches=n_patches)


def decoding(pairs: Pairs, peaks: Peaks, parameters: dict[str, Any]) -> Limit:
    """Return the time that decoding alone takes."""
    del pairs, parameters
    return Limit(peaks.decoding_s, "every image decoded once by Pillow on all cores, from memory")


ROWS = (
    Row(
        name="prepare",
        work="source images to patches and manifest in the lake",
        ours="benchmarks.rows.prepare:ours",
        other="benchmarks.rows.prepare:baseline",
        parameters=parameters,
        judges=(faster(15),),
        limit=decoding,
    ),
)
