"""What stands where on the page."""

from datetime import UTC, datetime

import polars as pl
import pytest

from deepdlt.page.parts import Picture, Section
from deepdlt.page.sections import glossary_of, sections_of
from deepdlt.page.tables import Heading, Table

MOMENT = datetime(2026, 11, 25, 2, tzinfo=UTC)
NIGHT = {
    "night_id": "n",
    "sequence": 1,
    "source": "/images",
    "dataset_id": "d",
    "n_new_images": 0,
    "n_rejected": 0,
    "started_at": MOMENT,
    "finished_at": MOMENT,
}


def picture(name: str, group: str = "first") -> Picture:
    """A picture of a name."""
    return Picture(name, "title", "alt", "data:", 1, 1, group)


def sections(*pictures: Picture, n_left_out: int = 0) -> dict[str, Section]:
    """The sections of a night of which nothing is known, by key."""
    return {one.key: one for one in sections_of(NIGHT, {}, pictures, n_left_out=n_left_out)}


@pytest.mark.parametrize(
    ("name", "key"),
    [("difficulty-a", "labels"), ("latents-umap-a", "probe"), ("leakage", "leakage"), ("spectra-a", "pictures")],
)
def test_a_picture_stands_where_its_question_is_answered(name: str, key: str) -> None:
    """By the first word of its name; once."""
    found = [(one.key, one.galleries) for one in sections(picture(name)).values() if one.galleries]
    assert [place for place, _ in found] == [key]
    assert found[0][1][0].pictures == [picture(name)]


def test_pictures_keep_their_order_and_headings() -> None:
    """The first headings are open, one below tables and two among pictures; the others are folded away."""
    names = ["a-1", "b-2", "a-3", "c-4", "difficulty-5", "difficulty-6"]
    shown = sections(*(picture(name, group=name[0] + name[-1] * ("difficulty" in name)) for name in names))
    galleries = shown["pictures"].galleries
    assert [(one.title, len(one.pictures), one.is_folded) for one in galleries] == [
        ("a", 2, False),
        ("b", 1, False),
        ("c", 1, True),
    ]
    assert [one.is_folded for one in shown["labels"].galleries] == [False, True]


def test_what_there_is_no_room_for_is_said() -> None:
    """And where it can be found."""
    assert sections(picture("a"), n_left_out=3)["pictures"].sentences == [
        "3 more pictures in the lake’s folder pictures: the page has no room for them."
    ]
    assert sections()["pictures"].sentences == ["No picture was drawn for this night."]


def test_a_night_of_which_nothing_is_known_says_so_everywhere() -> None:
    """No section is without a word."""
    assert all(one.sentences or one.tables for one in sections().values())


def test_the_glossary_has_each_column_once() -> None:
    """With its meaning, by name; what needs none is left out."""
    headings = [Heading("SSIM", "Window 7"), Heading("PSNR", "dB"), Heading("PP1"), Heading("SSIM", "Window 7")]
    assert glossary_of([Section("a", "A", tables=[Table("t", headings, [])])]) == [("PSNR", "dB"), ("SSIM", "Window 7")]


def test_a_training_that_was_tried_again_is_named_with_what_ended_its_first_try() -> None:
    """One that needed no second try, or is of before there was one, is not."""
    one = {
        **dict.fromkeys(("run_id", "dataset_id", "split_id", "code_digest", "before_run_id"), "x"),
        "preset": "p",
        "scheme": "grouped",
        "label": "NP",
        "seed": 0,
        "settings": "{}",
        "is_reused": True,
        "n_parameters": 1,
        "seconds": 1.0,
        "before_sequence": 1,
    }
    runs = [{**one, "fold": fold, "diverged": text} for fold, text in enumerate(("", "epoch 2: the loss is nan", None))]
    (ran, *_) = sections_of(NIGHT, {"trainings": pl.DataFrame(runs)}, [], n_left_out=0)
    (again,) = [table for table in ran.tables if "tried again" in table.caption]
    assert [[cell.text for cell in row] for row in again.rows] == [
        ["p", "grouped", "NP", "1", "0", "epoch 2: the loss is nan"]
    ]
