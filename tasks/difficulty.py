"""Which label is harder to reconstruct, from all runs of a group."""

from typing import Any

import polars as pl

from deepdlt.analysis.difficulty import Difficulty, FoldAverages, fold_averages, label_difficulty
from deepdlt.night import HOLDOUT
from lake import Lake
from lake.statements import load
from tasks.label_means import label_columns
from tasks.questions import asked_of, note_asked
from tasks.sheet import sheet_spec

SENTENCE_OF_FOLDS = "folds"
"""Stands where a label's key would: the report's own way of asking is about all labels at once."""


def store_difficulty(lake: Lake, group: dict[str, Any], labels: pl.DataFrame) -> None:
    """Compare the values of every label, and the labels as the report does; write what was found.

    A patch's loss is its mean error over the group's runs that were tested on it: over labels that
    folds were drawn by, and over seeds. Done twice, it stands once.

    Parameters
    ----------
    lake : Lake
    group : dict
        From `tasks.analysis.groups_of`.
    labels : polars.DataFrame
        Rows of the table `labels`, of the source that the runs' patches were cut from.

    Raises
    ------
    ValueError
        If there is nothing to compare.
    """
    group_id, run_ids = group["group_id"], group["run_ids"]
    settings = sheet_spec().setting_columns
    found = label_difficulty(
        lake.query(load("test_errors_of_runs"), [run_ids]), labels, label_columns(), settings=settings
    )
    folds = lake.query(load("test_losses_of_folds"), [run_ids])
    averages = None if group["scheme"] == HOLDOUT else fold_averages(folds)
    frames = {
        "difficulty_values": found.values,
        "difficulty_pairs": found.differences,
        "difficulty_tests": found.tests,
        "difficulty_sentences": _sentences(found, averages),
    }
    if averages is not None:
        frames["fold_averages"] = averages.averages
    with lake.write(f"difficulty of group {group_id}") as transaction:
        for table, frame in frames.items():
            rows = frame.select(~pl.selectors.starts_with("n_conditions")).with_columns(group_id=pl.lit(group_id))
            transaction.replace_where(table, rows, group_id=group_id)
        note_asked(transaction, "difficulty", group_id, asked_of("difficulty", labels))


def _sentences(found: Difficulty, averages: FoldAverages | None) -> pl.DataFrame:
    """Return all sentences, numbered within their label."""
    said = found.sentences.select("label", "sentence")
    if averages is not None:
        asked = pl.DataFrame({"label": [SENTENCE_OF_FOLDS], "sentence": [averages.sentence]})
        said = pl.concat([said, asked])
    return said.with_columns(place=pl.int_range(pl.len(), dtype=pl.Int32).over("label"))
