"""What rows work on: a source folder, lakes made of it, and the same patches as the baseline wants them."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.child import Clock
from benchmarks.pairs import run_side

if TYPE_CHECKING:
    import polars as pl

    from lake import Lake

N_SYNTHETIC = 208
"""Images of the report's data set; as many are painted where no source is given."""


@dataclass(frozen=True)
class Stage:
    """Folders that rows share; each is made when it is first asked for, and kept until the source changes.

    Parameters
    ----------
    work : Path
        Folder of the benchmarks; what lies there can be made again.
    given : Path, optional
        Source folder with images and one label sheet; synthetic images without.
    """

    work: Path
    given: Path | None = None

    @property
    def source(self) -> Path:
        """The source folder."""
        if self.given is not None:
            return self.given.resolve()
        folder = self.work / f"synthetic-{N_SYNTHETIC}"
        if not (folder / ".whole").exists():
            from deepdlt.synthetic.synth import write_synthetic

            write_synthetic(folder, n_images=N_SYNTHETIC)
            (folder / ".whole").touch()
        return folder

    @property
    def what(self) -> str:
        """The source in words, without its place."""
        n_images = sum(1 for _ in self.source.rglob("*.png"))
        return f"{n_images} {'given' if self.given else 'synthetic'} images"

    def lake(self, n_per_image: int = 100) -> Path:
        """Return a lake with the source's patches and its 80/10/10 split."""
        return self._made(f"lake-{n_per_image}", "prepare_lake", n_per_image=n_per_image)

    def training(self, n_per_image: int = 100) -> Path:
        """Return a folder with the patches of that lake as the baseline reads them: Bitmaps, and a table a split."""
        lake = self.lake(n_per_image)
        return self._made(f"training-{n_per_image}", "write_training_files", lake=str(lake))

    def fresh(self, name: str) -> Path:
        """Return the path of a folder that does not exist."""
        folder = self.work / name
        shutil.rmtree(folder, ignore_errors=True)
        self.work.mkdir(parents=True, exist_ok=True)
        return folder

    def _made(self, name: str, maker: str, **parameters: object) -> Path:
        """Return a folder that a function of this module makes in a process of its own."""
        folder = self.work / name
        stamp = folder / "made-of.json"
        made_of = json.dumps({"source": str(self.source), **parameters})
        if not stamp.exists() or stamp.read_text() != made_of:
            self.fresh(name)
            run_side(f"benchmarks.sources:{maker}", {"folder": str(folder), "source": str(self.source), **parameters})
            stamp.write_text(made_of)
        return folder


def prepare_lake(clock: Clock, folder: str, source: str, n_per_image: int) -> None:
    """Make a lake of a source, with its patches and the 80/10/10 split."""
    os.environ["DEEPDLT_LAKE"] = folder
    from deepdlt.config import PatchRecipe
    from tasks.ingest import ingest_source
    from tasks.prepare import assign_missing, cut_missing, freeze

    with clock.running():
        recipe = PatchRecipe(n_per_image=n_per_image)
        known_as = ingest_source(Path(source))["source"]
        cut_missing(known_as, recipe)
        dataset = freeze(known_as, recipe, patches_per_image=n_per_image)
        assign_missing(known_as, dataset, patches_per_image=n_per_image, labels=[], schemes=[], n_folds=2, seed=0)


def write_training_files(clock: Clock, folder: str, source: str, lake: str) -> None:
    """Write every patch of a lake's split as a Bitmap, and the tables of its three parts, in the program's order."""
    del source  # it only says what the lake was made of
    import numpy as np
    import polars as pl
    from PIL import Image

    from lake import Lake
    from lake.shards import read_patches

    target = Path(folder)
    with clock.running(), Lake.open(lake, is_read_only=True) as opened:
        manifest = held_out_patches(opened)
        labels = opened.query("SELECT image_id, angle_deg, pattern, n_pulses, pulse_energy_1_uj FROM labels")
        pixels = read_patches(opened.root, manifest, size_px=64)
        (target / "patches").mkdir(parents=True)
        paths = [str(target / "patches" / f"{row}.bmp") for row in range(len(pixels))]
        for path, patch in zip(paths, pixels, strict=True):
            Image.fromarray(np.ascontiguousarray(patch)).save(path)
        table = manifest.with_columns(image_path=pl.Series(paths)).join(
            labels, on="image_id", how="left", maintain_order="left"
        )
        names = {"angle_deg": "angle", "pattern": "PP1", "n_pulses": "NP", "pulse_energy_1_uj": "EP1"}
        for split in ("train", "val", "test"):
            part = table.filter(pl.col("split") == split).select("image_path", *names).rename(names)
            part.write_csv(target / f"{split}.csv")


def held_out_patches(lake: "Lake") -> "pl.DataFrame":
    """Return the patches of a lake's 80/10/10 split: patch_id, image_id, split, shard, shard_row."""
    from lake.statements import load

    split_id = lake.query_rows("SELECT split_id FROM splits WHERE scheme = 'holdout'").rows[0][0]
    return lake.query(load("patches_of_fold"), [split_id, 1])
