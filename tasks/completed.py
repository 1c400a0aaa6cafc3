"""Which trainings stand complete in the lake: rows and checkpoint files."""

from collections.abc import Sequence

import polars as pl

from lake.objects import Files
from lake.statements import load
from tasks.lake_access import open_lake


def completed_runs(run_ids: Sequence[str]) -> set[str]:
    """Return those of the runs that are complete, with every checkpoint on disk at its full size.

    One that is to be done again (`tasks.aside`) is not among them until that is done.

    Parameters
    ----------
    run_ids : sequence of str
        Runs to look for.

    Returns
    -------
    set of str
    """
    if not run_ids:
        return set()
    lake = open_lake()
    return whole_runs(lake.files, lake.query(load("models_of_complete_runs")), run_ids)


def whole_runs(files: Files, models: pl.DataFrame, run_ids: Sequence[str]) -> set[str]:
    """Return those of the runs that have checkpoints, each in its file at full size.

    Parameters
    ----------
    files : Files
        Of the lake.
    models : polars.DataFrame
        Rows of the statement ``models_of_complete_runs``.
    run_ids : sequence of str
    """
    models = models.filter(pl.col("run_id").is_in(list(run_ids)))
    there = files.sizes(models["path"])
    broken = {run_id for run_id, path, n_bytes in models.iter_rows() if there.get(path) != n_bytes}
    return set(models["run_id"]) - broken
