"""Write a source's patches and manifests in the layout of the report's published code."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from deepdlt.config import FoldScheme, PatchRecipe
from deepdlt.dataset.layout import ExportSummary, export_report_layout
from deepdlt.errors import DeepdltError
from deepdlt.night import HOLDOUT, SplitRecord
from lake import Lake
from lake.shards import read_patches
from lake.statements import load
from tasks.lake_access import open_lake
from tasks.prepare import assign_missing, cut_missing, freeze
from tasks.sheet import find_label, sheet_spec


class NothingIngested(DeepdltError):
    """The lake knows no source, or not the one asked for."""

    def __init__(self, source: str | None, known: Sequence[str]) -> None:
        self.source = source
        asked = f"{source} has not been ingested" if source else "nothing has been ingested"
        there = f"; the lake knows {', '.join(known)}" if known else ""
        super().__init__(f"{asked}{there}: run `deepdlt ingest SOURCE` first")


def export_source(
    target: Path,
    *,
    source: Path | None = None,
    scheme: FoldScheme = "paper",
    labels: Sequence[str] | None = None,
    n_folds: int = 5,
    patches_per_image: int = 100,
    seed: int = 0,
) -> ExportSummary:
    """Export a source: patches as BMP files, the 80/10/10 split and the label-aware folds as CSV and Parquet.

    What the lake lacks for it (patches, folds) is made first.

    Parameters
    ----------
    target : Path
        Folder to write; a former export is replaced as a whole.
    source : Path, optional
        An ingested source folder; without it, the one ingested last.
    scheme : {"paper", "grouped"}
        How the folds are drawn.
    labels : sequence of str, optional
        People's keys; without them, every label of the sheet's declaration.
    n_folds, patches_per_image, seed
        As in a night.

    Returns
    -------
    ExportSummary

    Raises
    ------
    NothingIngested
        If the source is not in the lake.
    """
    lake = open_lake()
    folder = _ingested(lake, source)
    keys = list(labels) if labels is not None else list(sheet_spec().labels)
    recipe = PatchRecipe()
    cut_missing(folder, recipe)
    dataset = freeze(folder, recipe, patches_per_image=patches_per_image)
    splits = assign_missing(
        folder,
        dataset,
        patches_per_image=patches_per_image,
        labels=keys,
        schemes=[scheme],
        n_folds=n_folds,
        seed=seed,
    )
    folds = {split.label: _folds(lake, split) for split in splits if split.scheme != HOLDOUT}
    holdout = next(_folds(lake, split) for split in splits if split.scheme == HOLDOUT)
    patches = lake.query(load("manifest_of_recipe"), [dataset["recipe_id"]])
    note = {"target": str(target.resolve()), "source": folder, "begun_at": datetime.now(UTC)}
    _note(lake, note | {"finished_at": None})  # before: one that is killed leaves a folder to be found by it
    summary = export_report_layout(
        target,
        patches=patches.join(holdout, on="patch_id", how="semi"),
        labels=lake.query(load("labels_of_source"), [folder]),
        label_columns={key: find_label(key).column for key in keys},
        holdout=holdout,
        folds=folds,
        read=lambda rows: read_patches(lake.files, rows, size_px=recipe.size_px),
        size_px=recipe.size_px,
        storage_order=("shard", "shard_row"),
    )
    _note(lake, note | {"finished_at": datetime.now(UTC)})
    return summary


def _note(lake: Lake, export: dict[str, Any]) -> None:
    """Write where an export goes."""
    row = pl.DataFrame([export], schema_overrides={"finished_at": pl.Datetime("us", "UTC")})
    with lake.write(f"export to {export['target']}") as transaction:
        transaction.replace("exports", row, key=("target",))


def _ingested(lake: Lake, source: Path | None) -> str:
    """Return the source asked for, or the one ingested last, as the lake knows it."""
    known = lake.query("SELECT source FROM ingests ORDER BY ingested_at DESC")["source"].to_list()
    wanted = str(source.resolve()) if source else next(iter(known), None)
    if wanted is None or wanted not in known:
        raise NothingIngested(wanted, known)
    return wanted


def _folds(lake: Lake, split: SplitRecord) -> pl.DataFrame:
    """Return the folds of one split."""
    return lake.query(load("folds_of_split"), [split.split_id])
