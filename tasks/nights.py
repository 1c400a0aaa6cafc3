"""Note a night in the lake: what belonged to it, what was new, how it ended."""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import polars as pl

from deepdlt.errors import DeepdltError
from deepdlt.night import RunPlan
from deepdlt.refresh import Refresh
from lake.errors import LakeError
from lake.maintenance import merge_small_files
from lake.statements import load
from tasks.completed import completed_runs
from tasks.fan_out import BatchOutcome
from tasks.lake_access import open_lake
from tasks.ledger import StepRecord, note_steps, training_steps
from tasks.records import IngestRecord
from tasks.still_there import snapshot_of_dataset

logger = logging.getLogger(__name__)

NOTHING = Refresh()


class NightIncomplete(DeepdltError):
    """Some trainings of a night did not come to a complete run."""

    def __init__(self, missing: Sequence[str], outcomes: Sequence[BatchOutcome]) -> None:
        self.missing = tuple(missing)
        self.outcomes = tuple(outcomes)
        lines = [f"{len(missing)} trainings of this night are not in the lake (the others are, and stay):", *missing]
        lines += [f"child run {one.name!r} ended {one.state}: {one.message}" for one in outcomes]
        lines.append("run the night again: it trains only what is missing")
        super().__init__("\n".join(lines))


def missing_plans(plans: Sequence[RunPlan]) -> list[RunPlan]:
    """Return the plans whose run does not stand complete in the lake, each run once."""
    done = completed_runs([plan.run_id for plan in plans])
    distinct = {plan.run_id: plan for plan in plans}
    return [plan for run_id, plan in distinct.items() if run_id not in done]


def record_night(
    night_id: str,
    plans: Sequence[RunPlan],
    missing: Sequence[RunPlan],
    *,
    ingested: IngestRecord,
    n_new_images: int,
    n_new_patches: int,
    started_at: datetime,
    finished_at: datetime,
    steps: Sequence[StepRecord] = (),
    refresh: Refresh = NOTHING,
) -> dict[str, Any]:
    """Write the night's row and the runs that belong to it.

    Parameters
    ----------
    night_id : str
        Id of the flow run.
    plans : sequence of RunPlan
        Everything that the night consists of.
    missing : sequence of RunPlan
        What it had to train.
    ingested : IngestRecord
        What stands in the source.
    n_new_images, n_new_patches : int
        What this night added.
    started_at, finished_at : datetime
        With a time zone.
    steps : sequence of StepRecord
        What came before the trainings, for the ledger.
    refresh : Refresh
        What the night was asked to do again.

    Returns
    -------
    dict
        The night's row, as table `nights` has it.

    Raises
    ------
    DatasetForgotten
        If its data set was taken out of the lake meanwhile.
    """
    lake = open_lake()
    sent = {plan.run_id for plan in missing}
    done = {plan.run_id for plan in plans} - sent | completed_runs(list(sent))
    failed = sent - done
    row: dict[str, Any] = {
        "night_id": night_id,
        "profile": plans[0].profile,
        "source": ingested["source"],
        "dataset_id": plans[0].dataset_id,
        "status": "failed" if failed else "complete",
        "n_new_images": n_new_images,
        "n_rejected": ingested["n_rejected"],
        "n_new_patches": n_new_patches,
        "n_trained": len(sent - failed),
        "n_failed": len(failed),
        "n_reused": len({plan.run_id for plan in plans} - sent),
        "started_at": started_at,
        "finished_at": finished_at,
        "refresh": " ".join(refresh.names),
    }
    belongs = pl.DataFrame(
        [(one.run_id, one.run_id not in sent, refresh.asks_for_training(one)) for one in plans if one.run_id in done],
        schema={"run_id": pl.String, "is_reused": pl.Boolean, "is_asked_for": pl.Boolean},
        orient="row",
    ).unique("run_id", maintain_order=True)
    distinct = {plan.run_id: (plan.preset, plan.scheme) for plan in plans}
    planned = pl.DataFrame(
        [(*named, n_runs) for named, n_runs in Counter(distinct.values()).items()],
        schema={"preset": pl.String, "scheme": pl.String, "n_runs": pl.Int32},
        orient="row",
    )
    with lake.write(f"night {night_id}") as transaction:
        snapshot_of_dataset(transaction, row["dataset_id"])
        row["sequence"] = transaction.query(load("next_night_sequence"), [night_id]).item()
        transaction.replace("nights", pl.DataFrame([row]), key=("night_id",))
        transaction.replace_where(
            "night_runs", belongs.with_columns(pl.lit(night_id).alias("night_id")), night_id=night_id
        )
        transaction.replace_where("night_plans", planned, night_id=night_id)
        ledger = [*steps, *training_steps([plan for plan in plans if plan.run_id in done], sent, refresh)]
        note_steps(transaction, ledger, night_id=night_id, source=row["source"], sequence=row["sequence"])
    return row


def merge_files() -> None:
    """Merge the small files that trainings leave, one each a table: pages and questions read them from here on.

    A night does not fail by it; the log says what it was.
    """
    try:
        done = merge_small_files(open_lake())
    except LakeError as error:
        logger.warning("small files were not merged, the next night tries again: %s", error)
    else:
        logger.info("tables of which small files were merged: %d", len(done))


def refuse_gaps(plans: Sequence[RunPlan], outcomes: Sequence[BatchOutcome]) -> None:
    """Raise where a night is not whole.

    Raises
    ------
    NightIncomplete
        With a line for each training that is missing, why it failed where that is known, and how each child run ended.
    """
    gaps = missing_plans(plans)
    if not gaps:
        return
    reasons = dict(open_lake().query(load("failed_runs")).iter_rows())
    lines = [f"{plan.title}: {reasons.get(plan.run_id, 'never came to an end')}" for plan in gaps]
    raise NightIncomplete(lines, outcomes)
