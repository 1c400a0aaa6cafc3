"""The answers on top of the page: short, made from numbers, and never beyond them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deepdlt.page.difficulty_words import difficulty_sentences
from deepdlt.page.leakage_words import leakage_sentences
from deepdlt.page.parts import Frames, frame_of
from deepdlt.page.probe_words import probe_sentences
from deepdlt.page.quality_words import NOT_COMPARED, published_sentences, quality_sentences
from deepdlt.page.standing import Standing


@dataclass(frozen=True, slots=True)
class Answer:
    """A question, what the night says to it, and the section with the numbers."""

    question: str
    sentences: Sequence[str]
    section: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A number, what it is, and what belongs to it."""

    name: str
    value: str
    beside: str = ""
    is_mark: bool = False


def answers_of(frames: Frames, *, is_synthetic: bool = False) -> list[Answer]:
    """Return the answers of a night.

    Parameters
    ----------
    frames : mapping of polars.DataFrame
        By name, as `tasks.page` gathers them; one that is missing counts as empty.
    is_synthetic : bool
        Whether the images were drawn by this program: then nothing of theirs stands beside what the report printed.
    """
    summary = frame_of(frames, "fold_summary")
    standing = Standing(summary)
    harder = difficulty_sentences(
        frame_of(frames, "difficulty_tests"), frame_of(frames, "difficulty_answer"), summary, standing
    )
    return [
        Answer("Which label is harder to reconstruct?", harder, "labels"),
        Answer("Does the code of a patch know the laser?", probe_sentences(frame_of(frames, "probe")), "probe"),
        Answer(
            "Do the report’s folds flatter?",
            leakage_sentences(frame_of(frames, "split_audit"), frame_of(frames, "leakage_gap")),
            "leakage",
        ),
        Answer("How good are the models?", quality_sentences(summary, frame_of(frames, "folds"), standing), "quality"),
        Answer(
            "Does the report’s result come out again?",
            [NOT_COMPARED] if is_synthetic else published_sentences(frame_of(frames, "paper")),
            "paper",
        ),
    ]


def facts_of(night: Mapping[str, Any]) -> list[Fact]:
    """Return the few numbers of a night.

    Parameters
    ----------
    night : mapping
        Row of the table `nights`.
    """
    from deepdlt.page.numbers import show_number

    took = (night["finished_at"] - night["started_at"]).total_seconds()
    return [
        Fact("New images", f"{night['n_new_images']:,}", f"{night['n_new_patches']:,} new patches"),
        Fact("Rejected", f"{night['n_rejected']:,}", "files or rows", is_mark=night["n_rejected"] > 0),
        Fact("Trained", f"{night['n_trained']:,}", f"{night['n_reused']:,} reused"),
        Fact("Failed", f"{night['n_failed']:,}", "trainings", is_mark=night["n_failed"] > 0),
        Fact("Took", show_number(took, "seconds"), "to the end of training"),
    ]
