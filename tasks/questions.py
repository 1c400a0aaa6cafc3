"""What was asked of runs and splits, with which labels and which code: asked again only where either has changed."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

import polars as pl

from deepdlt.digest import digest_json
from lake import Lake, Transaction
from lake.statements import load
from tasks.dependence import depends_on_code
from tasks.sheet import sheet_spec

Question = Literal["label_means", "difficulty", "probe", "audit"]

MODULES: dict[Question, tuple[str, ...]] = {
    "label_means": ("deepdlt.quality.summaries",),
    "difficulty": ("deepdlt.analysis.difficulty",),
    "probe": (
        "deepdlt.analysis.probes",
        "deepdlt.analysis.embeddings",
        "deepdlt.analysis.pca",
        "deepdlt.analysis.spectral_features",
        "deepdlt.dataset.image_groups",
    ),
    "audit": ("deepdlt.dataset.audit",),
}
"""What answers each question; its code is part of what an answer stands for."""

WORK: dict[Question, tuple[str, ...]] = {
    "label_means": ("tasks.label_means",),
    "difficulty": ("tasks.difficulty", "tasks.label_means"),
    "probe": ("tasks.probing",),
    "audit": ("tasks.audit",),
}
"""What brings the question before them, and their answer into rows: that too is in what an answer stands for."""

LIBRARIES: dict[Question, tuple[str, ...]] = {
    "label_means": ("numpy", "polars"),
    "difficulty": ("numpy", "polars"),
    "probe": ("numba", "numpy", "polars", "scikit-learn", "scipy", "umap-learn"),
    "audit": ("numpy", "polars"),
}

BOOKKEEPING = ("source", "sheet", "sheet_row", "row_digest")
"""Columns of `labels` that say where a row stood, not what it says."""


def depends_on(question: Question, labels: pl.DataFrame) -> dict[str, str]:
    """Return by name what an answer depends on beside its subject.

    Parameters
    ----------
    question : str
        A key of `MODULES`.
    labels : polars.DataFrame
        Rows of the table `labels`, of one source.

    Returns
    -------
    dict of str to str
        Digests of the labels and of their declaration, then code and libraries; the same for any order of rows and
        columns, and wherever in the sheet they stand.
    """
    said = labels.select(sorted(set(labels.columns) - set(BOOKKEEPING))).sort("image_id")
    declared = {key: label.model_dump(mode="json") for key, label in sheet_spec().labels.items()}
    return {
        "labels": digest_json([said.columns, said.rows()]),
        "declaration": digest_json([declared, list(sheet_spec().setting_columns)]),
    } | depends_on_code(MODULES[question], work=WORK[question], libraries=LIBRARIES[question])


def asked_of(question: Question, labels: pl.DataFrame) -> str:
    """Return the digest of what an answer depends on beside its subject: `depends_on`."""
    return digest_json(depends_on(question, labels))


def unasked(lake: Lake, question: Question, subjects: Iterable[str], of: str) -> list[str]:
    """Return the subjects, in order, that a question has not been put to, or not with these labels and this code.

    Parameters
    ----------
    lake : Lake
    question : str
    subjects : iterable of str
        Ids of runs, groups or splits.
    of : str
        From `asked_of`.

    Returns
    -------
    list of str
    """
    known = set(lake.query(load("asked"), [question, of])["subject"])
    return [subject for subject in dict.fromkeys(subjects) if subject not in known]


def note_asked(transaction: Transaction, question: Question, subject: str, of: str, *, refusal: str = "") -> None:
    """Note that a question was put to a subject, together with its answer or with why there is none.

    Parameters
    ----------
    transaction : Transaction
        The one that writes the answer.
    question, subject, of : str
        As in `unasked`.
    refusal : str
        What could not be asked, and why; '' where all was answered.
    """
    row = {
        "subject": subject,
        "question": question,
        "asked_of": of,
        "refusal": refusal,
        "asked_at": datetime.now(UTC),
    }
    transaction.replace("analyses", pl.DataFrame([row]), key=("subject", "question"))
