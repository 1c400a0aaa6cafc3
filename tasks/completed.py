"""Which trainings stand complete in the lake: rows and checkpoint files."""

from collections.abc import Sequence

import polars as pl

from lake.statements import load
from tasks.lake_access import open_lake


def completed_runs(run_ids: Sequence[str]) -> set[str]:
    """Return those of the runs that are complete, with every checkpoint on disk at its full size.

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
    models = lake.query(load("models_of_complete_runs")).filter(pl.col("run_id").is_in(list(run_ids)))
    there = lake.files.sizes(models["path"])
    broken = {run_id for run_id, path, n_bytes in models.iter_rows() if there.get(path) != n_bytes}
    return set(models["run_id"]) - broken
