"""What a night's runs say: which label is harder, and does the code of a patch know the laser."""

import logging
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from deepdlt.digest import digest_json
from deepdlt.errors import DeepdltError
from deepdlt.night import HOLDOUT
from lake import Lake
from lake.statements import load
from tasks.lake_access import open_lake
from tasks.ledger import StepRecord, note_step
from tasks.questions import Question, depends_on, note_asked, unasked

logger = logging.getLogger(__name__)

GROUPED_BY = ("profile", "preset", "scheme", "dataset_id")
Subject = dict[str, Any]
Answer = Callable[[Lake, Subject, pl.DataFrame], None]


@task(name="analyse night", cache_policy=NO_CACHE, retries=1, retry_delay_seconds=2, timeout_seconds=3600)
def analyse_night(night_id: str, again: bool = False) -> None:
    """Answer the report's question from the night's runs, where the lake has no answer yet, or all of it `again`.

    An answer stands until the labels or the code behind it change. What cannot be asked of so few
    images is noted (view `unanswered`); it does not fail the night.
    """
    lake = open_lake()
    runs = lake.query(load("runs_to_analyse"), [night_id])
    groups = groups_of(runs)
    if again:
        _take_back(lake, runs, groups)
    asked = list(_questions(lake, runs, groups))
    inputs = {"runs": digest_json(runs["run_id"].to_list())}
    for one in asked:
        inputs |= one.depends_on
    is_hit = not any(one.subjects for one in asked)
    store_groups(
        lake, night_id, groups, StepRecord(step="analyse night", is_hit=is_hit, is_asked_for=again, inputs=inputs)
    )
    for one in asked:
        _put(lake, one)


ANSWERS: dict[Question, tuple[str, ...]] = {
    "label_means": (),
    "difficulty": (
        "difficulty_values",
        "difficulty_pairs",
        "difficulty_tests",
        "difficulty_sentences",
        "fold_averages",
    ),
    "probe": ("probes", "embeddings"),
}
"""Tables that hold the answer to each question, by the subject's key; means by label are a training's own."""


class Asked(NamedTuple):
    """A question, and the subjects that it is still to be put to."""

    question: Question
    key: str
    subjects: list[Subject]
    labels: pl.DataFrame
    depends_on: dict[str, str]
    answer: Answer


def _questions(lake: Lake, runs: pl.DataFrame, groups: list[Subject]) -> Iterator[Asked]:
    """Return what is to be asked of a night."""
    for (dataset_id,), part in runs.group_by("dataset_id", maintain_order=True):
        labels = lake.query(load("labels_of_dataset"), [dataset_id])
        rows = part.to_dicts()
        yield _open(lake, "label_means", "run_id", rows, labels, _renew_label_means)
        of_dataset = [group for group in groups if group["dataset_id"] == dataset_id]
        yield _open(lake, "difficulty", "group_id", of_dataset, labels, _store_difficulty)
        holdout = [row for row in rows if row["scheme"] == HOLDOUT and row["has_codes"]]
        yield _open(lake, "probe", "run_id", holdout, labels, _store_probes)


def groups_of(runs: pl.DataFrame) -> list[Subject]:
    """Put the runs of a night into groups that differ in label, fold and seed alone.

    Parameters
    ----------
    runs : polars.DataFrame
        ``run_id``, ``profile``, ``preset``, ``scheme``, ``dataset_id``.

    Returns
    -------
    list of dict
        ``group_id``, ``profile``, ``preset``, ``scheme``, ``dataset_id``, ``n_runs``, ``run_ids``.
    """
    found = []
    for key, part in runs.sort("run_id").group_by(*GROUPED_BY, maintain_order=True):
        run_ids = part["run_id"].to_list()
        named = dict(zip(GROUPED_BY, key, strict=True))
        found.append({"group_id": digest_json(run_ids), **named, "n_runs": len(run_ids), "run_ids": run_ids})
    return found


def store_groups(lake: Lake, night_id: str, groups: list[Subject], step: StepRecord | None = None) -> None:
    """Note which groups belong to a night; done twice, it stands once.

    Parameters
    ----------
    lake : Lake
    night_id : str
    groups : list of dict
        From `groups_of`.
    step : StepRecord, optional
        What the ledger notes of the analysis.
    """
    if not groups:
        return
    rows = pl.DataFrame(groups).select("group_id", "profile", "preset", "scheme", "n_runs")
    with lake.write(f"groups of night {night_id}") as transaction:
        transaction.replace("groups", rows, key=("group_id",))
        transaction.replace_where("night_groups", rows.select("group_id"), night_id=night_id)
        if step is not None:
            note_step(transaction, step, night_id=night_id)


def _take_back(lake: Lake, runs: pl.DataFrame, groups: list[Subject]) -> None:
    """Have all be asked again of a night's runs, groups and splits."""
    subjects = [*runs["run_id"], *runs["split_id"].unique(), *(group["group_id"] for group in groups)]
    with lake.write("questions to be asked again") as transaction:
        transaction.execute(load("take_answers_back"), [subjects])


def _open(
    lake: Lake, question: Question, key: str, subjects: list[Subject], labels: pl.DataFrame, answer: Answer
) -> Asked:
    """Return a question with the subjects that it was not put to."""
    of = depends_on(question, labels)
    wanted = set(unasked(lake, question, (subject[key] for subject in subjects), digest_json(of)))
    logger.info("%s: asked of %d, %d stand", question, len(wanted), len(subjects) - len(wanted))
    return Asked(question, key, [one for one in subjects if one[key] in wanted], labels, of, answer)


def _put(lake: Lake, asked: Asked) -> None:
    """Put a question to its subjects; note what cannot be asked, of which an older answer goes."""
    question, key, subjects, labels, of, answer = asked
    for subject in subjects:
        try:
            answer(lake, subject, labels)
        except (DeepdltError, ValueError) as error:
            logger.warning("%s of %s, %s cannot be told: %s", question, subject["preset"], subject["scheme"], error)
            with lake.write(f"{question} of {subject[key]}: refused") as transaction:
                for table in ANSWERS[question]:  # of other labels or code, or of numbers of before
                    transaction.execute(f"DELETE FROM {table} WHERE {key} = ?", [subject[key]])  # noqa: S608 - ours
                note_asked(transaction, question, subject[key], digest_json(of), refusal=str(error))


def _renew_label_means(lake: Lake, run: Subject, labels: pl.DataFrame) -> None:
    """Make the means by label value anew where a label was corrected since the training."""
    from tasks.label_means import renew_label_means

    renew_label_means(lake, run["run_id"], labels, seed=run["seed"])


def _store_difficulty(lake: Lake, group: Subject, labels: pl.DataFrame) -> None:
    """Answer which label is harder; scipy is imported only where there is work."""
    from tasks.difficulty import store_difficulty

    store_difficulty(lake, group, labels)


def _store_probes(lake: Lake, run: Subject, labels: pl.DataFrame) -> None:
    """Answer whether the code knows the laser; scikit-learn and UMAP are imported only where there is work."""
    from tasks.probing import store_probes

    store_probes(lake, run, labels)
