"""Means of a run by label value, from its patches; made again where a label was corrected since."""

import polars as pl

from deepdlt.quality.summaries import label_text, summarise_labels
from lake import Lake, Transaction
from lake.statements import load
from tasks.questions import asked_of, note_asked
from tasks.sheet import sheet_spec


def label_columns() -> dict[str, str]:
    """Return the column of each label, by the key that people see."""
    return {key: label.column for key, label in sheet_spec().labels.items()}


def texts_of(labels: pl.DataFrame) -> dict[str, dict[str, str]]:
    """Return the labels of images as people write them: label to image to value; what has no value is left out.

    Parameters
    ----------
    labels : polars.DataFrame
        Rows of the table `labels`, of one source.
    """
    columns = label_columns()
    known = {label: labels.select("image_id", column).drop_nulls() for label, column in columns.items()}
    return {label: {image: label_text(value) for image, value in rows.iter_rows()} for label, rows in known.items()}


def means_by_label(scores: pl.DataFrame, labels: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """Return the rows of `label_metrics` of a run, without ``run_id``; parameters as in `write_label_means`."""
    columns = label_columns()
    values = labels.select("image_id", *dict.fromkeys(columns.values()))
    return summarise_labels(scores.join(values, on="image_id", how="left"), columns, seed=seed)


def write_label_means(
    transaction: Transaction, run_id: str, scores: pl.DataFrame, labels: pl.DataFrame, *, seed: int
) -> None:
    """Write the rows of `label_metrics` of a run: every label of the sheet, whichever the folds were drawn by.

    Parameters
    ----------
    transaction : Transaction
    run_id : str
    scores : polars.DataFrame
        The run's held-out patches, as in the table `patch_metrics`.
    labels : polars.DataFrame
        Rows of the table `labels`, of one source.
    seed : int
        Seed of the run, for the intervals.
    """
    means = means_by_label(scores, labels, seed=seed)
    transaction.replace_where("label_metrics", means.with_columns(run_id=pl.lit(run_id)), run_id=run_id)
    note_asked(transaction, "label_means", run_id, asked_of("label_means", labels))


def renew_label_means(lake: Lake, run_id: str, labels: pl.DataFrame, *, seed: int) -> None:
    """Make the label means of a stored run anew, from the patches that stand in the lake.

    Parameters
    ----------
    lake : Lake
    run_id : str
        A complete run.
    labels, seed : polars.DataFrame, int
        As in `write_label_means`.
    """
    scores = lake.query(load("patch_metrics_of_run"), [run_id])
    with lake.write(f"label means of run {run_id}") as transaction:
        write_label_means(transaction, run_id, scores, labels, seed=seed)
