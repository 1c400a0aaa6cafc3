"""The report's folders: a Bitmap a patch, tables of every split."""

import os
import shutil
import time
from pathlib import Path
from typing import Any

from benchmarks.child import Clock
from benchmarks.pairs import Pairs
from benchmarks.peaks import Peaks
from benchmarks.row import Limit, Row, faster
from benchmarks.sources import Stage

N_PER_IMAGE = 100
BITMAP_BYTES = 54 + 1024 + 64 * 64


def parameters(stage: Stage) -> dict[str, Any]:
    """Return source and target of both sides."""
    return {"source": str(stage.source), "target": str(stage.work / "export")}


def ours(clock: Clock, source: str, target: str) -> None:
    """Start with an empty lake and end with the report's folders: ingest, patches, folds, export."""
    shutil.rmtree(target, ignore_errors=True)
    os.environ["DEEPDLT_LAKE"] = f"{target}/lake"
    from tasks.export import export_source
    from tasks.ingest import ingest_source
    from tasks.lake_access import open_lake

    open_lake()
    with clock.running():
        ingest_source(Path(source))
        began = time.perf_counter()
        summary = export_source(Path(target, "report"), n_folds=5, patches_per_image=N_PER_IMAGE)
        clock.say(export_s=time.perf_counter() - began)
    clock.say(n_files=summary.n_patches + 2 * summary.n_tables)


def baseline(clock: Clock, source: str, target: str) -> None:
    """Cut the patches of a source into Bitmaps and write the tables of its split and of its label-aware folds."""
    shutil.rmtree(target, ignore_errors=True)
    from benchmarks.reference.prepare import cut_patches, read_sheet, write_folds, write_tables

    with clock.running():
        sheet = read_sheet(Path(source))
        n_patches = cut_patches(Path(source), Path(target, "images"), n_per_image=N_PER_IMAGE)
        write_tables(sheet, Path(target, "images"), Path(target, "tables"))
        n_tables = write_folds(Path(target, "tables"), Path(target, "folds"), n_folds=5)
    clock.say(n_files=n_patches + n_tables + 3)


def file_creations(pairs: Pairs, peaks: Peaks, parameters: dict[str, Any]) -> Limit:
    """Return the time to create as many files of a Bitmap's size, and to decode the images."""
    folder = Path(parameters["target"]).with_name("files")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    content, n_files = bytes(BITMAP_BYTES), int(pairs.ours[0].said["n_files"])
    began = time.perf_counter()
    for number in range(n_files):
        handle = os.open(folder / str(number), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(handle, content)
        os.close(handle)
    taken = time.perf_counter() - began
    shutil.rmtree(folder)
    return Limit(peaks.decoding_s + taken, f"decoding, and creating {n_files} files one after another ({taken:.2f} s)")


ROWS = (
    Row(
        name="export",
        work="source images to the report's BMP and CSV folders",
        ours="benchmarks.rows.export:ours",
        other="benchmarks.rows.export:baseline",
        parameters=parameters,
        judges=(faster(4),),
        limit=file_creations,
    ),
)
