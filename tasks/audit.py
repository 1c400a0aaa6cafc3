"""Note in the lake what each split separates: images, conditions, spots, pixels, labels."""

import logging
from typing import Any

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from deepdlt.dataset.audit import SplitAudit, audit_split
from deepdlt.digest import digest_json
from deepdlt.night import HOLDOUT, SplitRecord
from lake import Lake
from lake.statements import load
from tasks.lake_access import open_lake
from tasks.ledger import StepRecord
from tasks.questions import asked_of, depends_on, note_asked, unasked
from tasks.sheet import find_label, sheet_spec

logger = logging.getLogger(__name__)


def splits_without_audit(source: str, splits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the splits that the lake holds no audit of, or one with other labels or by other code."""
    lake = open_lake()
    of = asked_of("audit", lake.query(load("labels_of_source"), [source]))
    wanted = set(unasked(lake, "audit", (split["split_id"] for split in splits), of))
    return [split for split in splits if split["split_id"] in wanted]


def audit_missing(source: str, splits: list[dict[str, Any]], *, again: bool) -> StepRecord:
    """Audit the splits that need it, or all of them, and return the ledger's record of that."""
    unaudited = splits if again else splits_without_audit(source, splits)
    if unaudited:
        audit_splits(source, unaudited)
    ids = digest_json([split["split_id"] for split in splits])
    of = depends_on("audit", open_lake().query(load("labels_of_source"), [source]))
    return StepRecord(step="audit splits", is_hit=not unaudited, is_asked_for=again, inputs={"splits": ids, **of})


@task(name="audit splits", cache_policy=NO_CACHE, retries=1, retry_delay_seconds=2, timeout_seconds=1800)
def audit_splits(source: str, splits: list[dict[str, Any]]) -> None:
    """Audit splits, each in a short transaction of its own."""
    lake = open_lake()
    for split in splits:
        store_audit(lake, source, SplitRecord.model_validate(split))
    logger.info("%d splits audited", len(splits))


def store_audit(lake: Lake, source: str, split: SplitRecord) -> SplitAudit:
    """Audit one split and write what was found; done twice, it stands once.

    Parameters
    ----------
    lake : Lake
    source : str
        Source folder, for the labels.
    split : SplitRecord
        Its folds stand in the lake.

    Returns
    -------
    SplitAudit
    """
    spec = sheet_spec()
    labels = lake.query(load("labels_of_source"), [source])
    audit = audit_split(
        lake.query(load("folds_of_split"), [split.split_id]),
        lake.query(load("placed_patches_of_split"), [split.split_id]),
        labels,
        setting_columns=spec.setting_columns,
        label_columns={key: label.column for key, label in spec.labels.items()},
        stratified_by=None if split.scheme == HOLDOUT else find_label(split.label).column,
    )
    frames = {
        "split_sides": audit.sides,
        "split_strata": audit.strata,
        "split_label_shares": audit.label_shares,
    }
    with lake.write(f"audit of split {split.split_id}") as transaction:
        for table, frame in frames.items():
            named = frame.with_columns(pl.lit(split.split_id).alias("split_id"))
            transaction.replace_where(table, named, split_id=split.split_id)
        note_asked(transaction, "audit", split.split_id, asked_of("audit", labels))
    return audit
