"""A lake of real patches with made-up results: runs, errors and codes in which a test hides what is to be found."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from lake_rows import fill

from deepdlt.config import PatchRecipe
from deepdlt.night import SplitRecord
from lake import Lake
from lake.statements import load
from tasks.ingest import ingest_source
from tasks.prepare import assign_missing, cut_missing, freeze

PATCHES_AN_IMAGE = 4


@dataclass(frozen=True)
class PlantedLake:
    """A lake whose patches, labels and splits are real, and whose runs are not.

    Attributes
    ----------
    lake : Lake
    folder : str
        Source folder, as the lake names it.
    dataset_id : str
    splits : list of SplitRecord
        The 80/10/10 split first.
    """

    lake: Lake
    folder: str
    dataset_id: str
    splits: list[SplitRecord]

    @property
    def holdout(self) -> SplitRecord:
        """The 80/10/10 split."""
        return self.splits[0]

    @property
    def labels(self) -> pl.DataFrame:
        """Label rows, one per image."""
        return self.lake.query(load("labels_of_dataset"), [self.dataset_id])

    def split(self, scheme: str, label: str) -> SplitRecord:
        """Return the split of a scheme and label."""
        (found,) = [split for split in self.splits if (split.scheme, split.label) == (scheme, label)]
        return found

    def run(self, run_id: str, split: SplitRecord, *, fold: int = 1, **columns: Any) -> dict[str, Any]:
        """Return the row of a complete run; `night` puts it into the lake."""
        named = {"scheme": split.scheme, "label": split.label, "fold": fold, "n_folds": split.n_folds, "seed": 0}
        ids = {"run_id": run_id, "split_id": split.split_id, "dataset_id": self.dataset_id}
        settings = json.dumps({"target_range": "unit", "epochs": 1})
        kind = {"preset": "planted", "profile": "quick", "model": "ae", "status": "complete", "settings": settings}
        return ids | named | kind | {"asked_again_at": None} | columns

    def runs(self, scheme: str, labels: Sequence[str]) -> list[dict[str, Any]]:
        """Return a run on every fold of a scheme and of labels."""
        splits = [self.split(scheme, label) for label in labels]
        folds = [(split, fold) for split in splits for fold in range(1, split.n_folds + 1)]
        return [self.run(f"{scheme} {split.label} {fold}", split, fold=fold) for split, fold in folds]

    def night(
        self,
        runs: Sequence[Mapping[str, Any]],
        *,
        errors: Mapping[str, Mapping[str, float]] | None = None,
        codes: Mapping[str, Mapping[str, Any]] | None = None,
        night_id: str = "night",
        flat: float = 1.0,
    ) -> None:
        """Put a night into the lake.

        Parameters
        ----------
        runs : sequence of dict
            What it consists of.
        errors, codes : mapping of str to mapping of str to number or numbers
            By run and image: the error of its test patches, and the code of all patches, a little more or less each.
        night_id : str
        flat : float
            What a flat patch gets.
        """
        tables: dict[str, list[dict[str, Any]]] = {"patch_metrics": [], "fold_metrics": []}
        for run in runs:
            manifest = self.lake.query(load("patches_of_fold"), [run["split_id"], run["fold"]])
            if run["run_id"] in (errors or {}):
                self._errors(tables, run, manifest.filter(split="test"), (errors or {})[run["run_id"]], flat)
            if run["run_id"] in (codes or {}):
                self._write_codes(run["run_id"], manifest, (codes or {})[run["run_id"]])
        sequence = self.lake.query(load("next_night_sequence"), [night_id]).item()
        fill(
            self.lake,
            runs=[dict(run) for run in runs],
            nights=[{"night_id": night_id, "sequence": sequence, "dataset_id": self.dataset_id}],
            night_runs=[{"night_id": night_id, "run_id": run["run_id"]} for run in runs],
            **{table: rows for table, rows in tables.items() if rows},
        )

    def _errors(
        self,
        tables: dict[str, list[dict[str, Any]]],
        run: Mapping[str, Any],
        test: pl.DataFrame,
        error_of_image: Mapping[str, float],
        flat: float,
    ) -> None:
        """Add the rows of a run's test patches and of their mean."""
        noise = np.random.default_rng(0).normal(1, 0.01, test.height)
        errors = [error_of_image[image] * each for image, each in zip(test["image_id"], noise, strict=True)]
        beside = {"floor_mse": 0.0, "flat_mse": flat}
        for patch, mse in zip(test.select("patch_id", "image_id", "split").to_dicts(), errors, strict=True):
            tables["patch_metrics"].append({"run_id": run["run_id"]} | patch | beside | {"mse": mse})
        names = ("run_id", "profile", "preset", "model", "scheme", "label", "fold", "seed")
        mean = float(np.mean(errors))
        score = {"split": "test", "loss": mean, "mse": mean, "is_below_flat": mean > flat}
        tables["fold_metrics"].append({name: run[name] for name in names} | beside | score)

    def _write_codes(self, run_id: str, manifest: pl.DataFrame, code_of_image: Mapping[str, Any]) -> None:
        """Give patches of the images that have a code that code, a little more or less each."""
        rng = np.random.default_rng(0)
        coded = manifest.filter(pl.col("image_id").is_in(list(code_of_image)))
        centres = [np.asarray(code_of_image[image]) for image in coded["image_id"]]
        codes = [(centre + rng.normal(0, 0.1, centre.shape)).tolist() for centre in centres]
        rows = coded.select("patch_id", "image_id", "split").with_columns(
            code_kind=pl.lit("bottleneck"), code=pl.Series(codes, dtype=pl.List(pl.Float32))
        )
        with self.lake.write("codes") as transaction:
            transaction.replace_where("latents", rows, run_id=run_id)


def plant(lake: Lake, folder: Path, *, schemes: Sequence[Any], labels: Sequence[str]) -> PlantedLake:
    """Take a source into a lake, cut four patches an image and assign folds, as a night does."""
    ingested = ingest_source(folder)["source"]
    recipe = PatchRecipe(n_per_image=PATCHES_AN_IMAGE)
    cut_missing(ingested, recipe)
    dataset = freeze(ingested, recipe, patches_per_image=PATCHES_AN_IMAGE)
    splits = assign_missing(
        ingested, dataset, patches_per_image=PATCHES_AN_IMAGE, labels=labels, schemes=schemes, n_folds=3, seed=0
    )
    return PlantedLake(lake, ingested, dataset["dataset_id"], splits)
