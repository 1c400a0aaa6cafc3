"""A run as it stands in the lake: what was trained, on what, and the data and labels of then."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from deepdlt.config import TrainingSettings
from deepdlt.dataset.patches import dataset_id_of
from deepdlt.errors import DeepdltError
from deepdlt.night import RunPlan
from lake import Lake
from lake.statements import load
from tasks.agreement import KEYS
from tasks.questions import asked_of

WHERE = ("code_digest", "versions", "device", "hardware", "n_threads", "n_together", "started_at", "snapshot_id")
"""Columns of a run that say what it ran on."""


class RunUnknown(DeepdltError):
    """No complete run, or more than one, has an id that begins so."""

    def __init__(self, prefix: str, found: Sequence[str]) -> None:
        self.prefix = prefix
        self.found = tuple(found)
        many = f"{len(found)} runs begin so: {', '.join(found[:5])}"
        none = 'no complete run begins so: `deepdlt sql "SELECT run_id, preset, label, fold FROM runs"` lists them'
        super().__init__(f"run {prefix!r} cannot be told: {many if found else none}")


class DataGone(DeepdltError):
    """The patches of a run stand neither in the lake nor in its snapshot."""

    def __init__(self, run_id: str, dataset_id: str, snapshot_id: int) -> None:
        super().__init__(
            f"run {run_id} cannot be done again: data set {dataset_id} stands whole neither in the lake nor in its "
            f"snapshot {snapshot_id}; `deepdlt restore` of an older backup brings it back"
        )


@dataclass(frozen=True)
class StoredRun:
    """A complete run.

    Attributes
    ----------
    plan : RunPlan
        What was trained.
    where : dict
        What it ran on: the columns in `WHERE`.
    recipe_id : str
        Of its patches.
    """

    plan: RunPlan
    where: dict[str, Any]
    recipe_id: str

    @property
    def snapshot_id(self) -> int:
        """A snapshot in which its patches, folds and labels stand."""
        return int(self.where["snapshot_id"])

    @property
    def began(self) -> datetime:
        """When it was trained."""
        found: datetime = self.where["started_at"]
        return found


def find_run(lake: Lake, prefix: str) -> StoredRun:
    """Return the complete run whose id begins with some letters.

    Raises
    ------
    RunUnknown
        If there is none, or more than one.
    """
    found = lake.query(load("runs_by_prefix"), [prefix])["run_id"].to_list()
    if len(found) != 1 or not prefix:
        raise RunUnknown(prefix, found)
    row = lake.query(load("run_to_reproduce"), [found[0]]).row(0, named=True)
    where = {name: row.pop(name) for name in WHERE}
    recipe_id = row.pop("recipe_id")
    settings = TrainingSettings.model_validate_json(row.pop("settings"))
    software = {"code_digest": where["code_digest"], "versions": json.loads(where["versions"])}
    return StoredRun(RunPlan(**row, settings=settings, **software), where, recipe_id)


def lake_of(lake: Lake, run: StoredRun) -> Lake:
    """Return the lake as it is where it still has the run's data to the letter, else as it was then.

    Raises
    ------
    DataGone
        If neither has.
    SnapshotMissing
        If the snapshot is gone, too.
    """
    if _has_data(lake, run):
        return lake
    then = lake.at(run.snapshot_id)
    if not _has_data(then, run):
        raise DataGone(run.plan.run_id, run.plan.dataset_id, run.snapshot_id)
    return then


def _has_data(lake: Lake, run: StoredRun) -> bool:
    """Tell whether the patches of the run's fold are those that its data set is named by."""
    fold = lake.query(load("patches_of_fold"), [run.plan.split_id, run.plan.fold])
    return dataset_id_of(run.recipe_id, fold["patch_id"].to_list()) == run.plan.dataset_id


def labels_of(lake: Lake, run: StoredRun) -> tuple[pl.DataFrame, bool]:
    """Return the labels that the run's means by label value were made of, and whether they are surely those.

    Means are made anew where a label was corrected: so it is the labels of now, or those of then.
    """
    noted = set(lake.query(load("label_means_asked_of"), [run.plan.run_id])["asked_of"])
    now = lake.query(load("labels_of_dataset"), [run.plan.dataset_id])
    if asked_of("label_means", now) in noted:
        return now, True
    then = lake.at(run.snapshot_id).query(load("labels_of_dataset"), [run.plan.dataset_id])
    return then, asked_of("label_means", then) in noted


def rows_of(lake: Lake, run_id: str) -> dict[str, pl.DataFrame]:
    """Return the numbers of a run by table, as they stand."""
    return {table: lake.query(load(f"rows_of_run_{table}"), [run_id]) for table in KEYS}
