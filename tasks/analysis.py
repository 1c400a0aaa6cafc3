"""What a night's runs say: which label is harder, and does the code of a patch know the laser."""

import logging
from collections.abc import Callable
from typing import Any

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from deepdlt.digest import digest_json
from deepdlt.errors import DeepdltError
from deepdlt.night import HOLDOUT
from lake import Lake
from lake.statements import load
from tasks.lake_access import open_lake

logger = logging.getLogger(__name__)

GROUPED_BY = ("profile", "preset", "scheme")


@task(name="analyse night", cache_policy=NO_CACHE, retries=1, retry_delay_seconds=2, timeout_seconds=3600)
def analyse_night(night_id: str) -> None:
    """Answer the report's question from the night's runs, where the lake has no answer yet.

    What cannot be asked of so few images is said in the log; it does not fail the night.
    """
    lake = open_lake()
    runs = lake.query(load("runs_to_analyse"), [night_id])
    groups = groups_of(runs)
    _store_groups(lake, night_id, groups)
    done = set(lake.query("SELECT DISTINCT group_id FROM difficulty_tests")["group_id"])
    for group in groups:
        if group["group_id"] not in done:
            from tasks.difficulty import store_difficulty  # scipy and all that, only where there is work

            logger.info("which label is harder: %(preset)s, %(scheme)s, %(n_runs)d runs", group)
            _tolerate(store_difficulty, lake, group)
    unread = set(lake.query(load("runs_with_unread_codes"))["run_id"])
    for run in runs.filter(pl.col("scheme") == HOLDOUT).iter_rows(named=True):
        if run["run_id"] in unread:
            from tasks.probing import store_probes

            logger.info("does the code know the laser: %(preset)s, seed %(seed)d", run)
            _tolerate(store_probes, lake, run)


def groups_of(runs: pl.DataFrame) -> list[dict[str, Any]]:
    """Put the runs of a night into groups that differ in label, fold and seed alone.

    Parameters
    ----------
    runs : polars.DataFrame
        ``run_id``, ``profile``, ``preset``, ``scheme``, ``dataset_id``.

    Returns
    -------
    list of dict
        ``group_id``, ``profile``, ``preset``, ``scheme``, ``n_runs``, ``run_ids``, ``dataset_id``.
    """
    found = []
    for key, part in runs.sort("run_id").group_by(*GROUPED_BY, "dataset_id", maintain_order=True):
        run_ids = part["run_id"].to_list()
        named = dict(zip((*GROUPED_BY, "dataset_id"), key, strict=True))
        found.append({"group_id": digest_json(run_ids), **named, "n_runs": len(run_ids), "run_ids": run_ids})
    return found


def _store_groups(lake: Lake, night_id: str, groups: list[dict[str, Any]]) -> None:
    """Note which groups belong to a night."""
    if not groups:
        return
    rows = pl.DataFrame(groups).select("group_id", *GROUPED_BY, "n_runs")
    with lake.write(f"groups of night {night_id}") as transaction:
        transaction.replace("groups", rows, key=("group_id",))
        transaction.replace_where("night_groups", rows.select("group_id"), night_id=night_id)


def _tolerate(store: Callable[[Lake, dict[str, Any]], None], lake: Lake, subject: dict[str, Any]) -> None:
    """Do one analysis; what cannot be asked of these images is logged."""
    try:
        store(lake, subject)
    except (DeepdltError, ValueError) as error:
        logger.warning("%s, %s: not analysed: %s", subject["preset"], subject["scheme"], error)
