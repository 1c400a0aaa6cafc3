"""What stands where on the page."""

from datetime import UTC, datetime

import polars as pl
import pytest

from deepdlt.page.columns import COLUMNS
from deepdlt.page.parts import Picture, Section
from deepdlt.page.sections import glossary_of, sections_of
from deepdlt.page.tables import Heading, Table
from deepdlt.sheets.meanings import meanings_of
from deepdlt.sheets.spec import load_spec

MOMENT = datetime(2026, 11, 25, 2, tzinfo=UTC)
NIGHT = {
    "night_id": "n",
    "sequence": 1,
    "source": "/images",
    "dataset_id": "d",
    "n_new_images": 0,
    "n_rejected": 0,
    "n_failed": 0,
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
    """And what draws it."""
    assert sections(picture("a"), n_left_out=3)["pictures"].sentences == [
        "There could be 3 more pictures: the page has no room for them; the command deepdlt plot draws them."
    ]
    assert sections()["pictures"].sentences == ["No picture was drawn for this night."]


def test_a_night_of_which_nothing_is_known_says_so_everywhere() -> None:
    """No section is without a word."""
    assert all(one.sentences or one.tables for one in sections().values())


def test_the_glossary_has_each_column_once() -> None:
    """With its meaning, by name; what needs none is left out."""
    headings = [Heading("SSIM", "Window 7"), Heading("PSNR", "dB"), Heading("PP1"), Heading("SSIM", "Window 7")]
    assert glossary_of([Section("a", "A", tables=[Table("t", headings, [])])]) == [("PSNR", "dB"), ("SSIM", "Window 7")]


def test_no_two_columns_have_one_name() -> None:
    """The glossary is read by the name alone."""
    names = [column.text for column in COLUMNS.values()]
    assert [name for name in set(names) if names.count(name) > 1] == []


def test_the_glossary_says_of_a_name_what_every_table_means_by_it() -> None:
    """Headings that are made in place are those of the columns, too."""
    found = pl.DataFrame(
        {"label": ["NP"], "features": ["latent"], "preset": ["vae"], "probe": ["ridge"], "unit": ["image"]}
        | {"metric": ["r2"], "score": [0.5], "null_mean": [0.1], "null_sd": [0.1], "p_value": [0.01]}
        | {"n_permutations": [99], "n_images": [9], "n_values": [3], "mark": ["worse than flat"]}
    )
    probe = {one.key: one for one in sections_of(NIGHT, {"probe": found}, [], n_left_out=0)}["probe"]
    for table in probe.tables:
        for heading in table.headings:
            known = [column.hint for column in COLUMNS.values() if column.text == heading.text]
            assert heading.hint in (known or [""]), heading.text
    (everything,) = [table for table in probe.tables if table.caption == "Every probe"]
    assert (everything.rows[0][0].text, everything.rows[0][0].mark) == ("latent", "worse than flat")


def test_label_values_are_printed_with_their_units_and_labels_with_what_they_are() -> None:
    """As the sheet's declaration has them."""
    named = {"preset": ["p"] * 2, "scheme": ["grouped"] * 2, "label": ["EP1", "NP"]}
    frames = {
        "label_difficulty": pl.DataFrame(named | {"label_value": ["20", "500"], "mean_loss": [0.1, 0.2]}),
        "difficulty_tests": pl.DataFrame(named | {"p_label": [0.5] * 2, "n_claimed": [0] * 2}),
    }
    found = sections_of(NIGHT, frames, [], n_left_out=0, labels=meanings_of(load_spec()))
    asked, values = {one.key: one for one in found}["labels"].tables
    assert [[cell.text for cell in row][:2] for row in values.rows] == [["EP1", "20 µJ"], ["NP", "500"]]
    assert asked.headings[-2].hint == "energy of pulse 1, in microjoules; column EP1 [μJ] of the sheet"


def test_why_nothing_could_be_probed_is_told_where_probes_would_stand() -> None:
    """Unfolded; what could not be asked of losses stands with the labels."""
    refused = pl.DataFrame(
        {"question": ["probe", "difficulty"], "preset": ["", "p"], "scheme": ["holdout", "grouped"]}
        | {"seed": [None, None], "reason": ["NP is not probed: two images", "one value"]}
    )
    found = {one.key: one for one in sections_of(NIGHT, {"unanswered": refused}, [], n_left_out=0)}
    reasons = {key: [row[-1].text for table in found[key].tables for row in table.rows] for key in ("probe", "labels")}
    assert reasons == {"probe": ["NP is not probed: two images"], "labels": ["one value"]}
    assert not found["probe"].tables[0].is_folded
    assert found["probe"].sentences == ["Nothing was probed this night."]


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
