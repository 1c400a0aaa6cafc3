"""The pictures of a night: all there, drawn once, and none of them in the way of the others."""

import logging
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from drawn_night import METHODS, DrawnNight
from png_pixels import pixels

from deepdlt.figures.words import read_words
from lake.statements import load
from tasks import pictures
from tasks.drawing.registry import DRAWINGS, find_drawing
from tasks.drawing.subject import standing, subjects_of_night
from tasks.pictures import NightPicture, pictures_and_more, pictures_of_night

ROOT = Path(__file__).parents[2]
UNPLACED = {"latents-umap"} - {f"latents-{method}" for method in METHODS}


@pytest.fixture(scope="module")
def drawn(drawn_night: DrawnNight) -> list[NightPicture]:
    """All pictures of the night."""
    return pictures_of_night(drawn_night.lake, drawn_night.night_id)


def kind(picture: NightPicture) -> str:
    """Return the name of what drew a picture."""
    return picture.file.stem.rsplit("-", 2)[0]


def narrow(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let nights have these pictures alone."""
    monkeypatch.setattr(pictures, "DRAWINGS", tuple(find_drawing(name) for name in names))


def test_a_night_has_every_picture_that_it_has_data_for(drawn: list[NightPicture]) -> None:
    """All but the plane that its codes do not lie in; each is a PNG that shows something."""
    assert {kind(picture) for picture in drawn} == {drawing.name for drawing in DRAWINGS} - UNPLACED
    assert all(pixels(picture.file.read_bytes()).std() > 5 for picture in drawn)


def test_the_most_important_come_first(drawn: list[NightPicture]) -> None:
    """In the order of the registry, safe folds before the report's."""
    order = [drawing.name for drawing in DRAWINGS]
    places = [order.index(kind(picture)) for picture in drawn]
    assert places == sorted(places)
    difficulty = [picture.group for picture in drawn if kind(picture) == "difficulty"]
    assert difficulty[:2] == ["matched-label-cv, grouped folds", "matched-label-cv, paper folds"]


def test_pictures_of_runs_are_those_on_the_holdout_split(drawn: list[NightPicture]) -> None:
    """Folds have theirs together: a night of forty runs has no forty pictures of each kind."""
    assert [picture.group for picture in drawn if kind(picture) == "reconstructions"] == [
        "matched-experiment-1, 80/10/10 split",
        "matched-vae, 80/10/10 split",
    ]
    assert len([picture for picture in drawn if kind(picture) == "fold-reconstructions"]) == 2
    assert {picture.group for picture in drawn if kind(picture) in ("images", "patches")} == {"Data set"}


def test_names_can_be_keys(drawn: list[NightPicture]) -> None:
    """Each name once, in letters that keys in the UI may have."""
    names = [picture.name for picture in drawn]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z0-9-]+", name) for name in names)


def test_titles_and_descriptions_are_of_the_data(drawn: list[NightPicture]) -> None:
    """They stand in the file; a description is a sentence with a number, and no two are alike."""
    for picture in drawn:
        assert read_words(picture.file.read_bytes()) == (picture.title, picture.alt)
        assert re.search(r"\d", picture.alt)
        assert picture.alt.endswith(".")
    assert len({picture.alt for picture in drawn}) == len(drawn)


def test_a_title_says_where_models_are_worse_than_flat(drawn: list[NightPicture], drawn_night: DrawnNight) -> None:
    """As the metrics of their test patches say, of one run and of a row of folds."""
    of_test = "SELECT scheme, label, is_below_flat FROM fold_metrics WHERE split = 'test' AND model = 'ae'"
    scores = drawn_night.lake.query(of_test)
    (alone,) = scores.filter(scheme="holdout")["is_below_flat"]
    folds = scores.filter(scheme="grouped")["is_below_flat"]
    titles = {(kind(picture), picture.group): picture.title for picture in drawn}
    said = titles["reconstructions", "matched-experiment-1, 80/10/10 split"]
    assert (", worse than flat:" in said) == alone
    said = titles["fold-reconstructions", "matched-label-cv, grouped folds"]
    assert ("worse than flat" in said) == folds.any()
    assert ("1 of 2 worse" in said) == (folds.sum() == 1)


def test_standing_counts_the_runs_that_are_worse_than_flat(drawn_night: DrawnNight) -> None:
    """None: nothing is said; all: no number; some: how many of how many."""
    run = subjects_of_night(drawn_night.lake, drawn_night.night_id)[0].run
    good, bad = replace(run, is_below_flat=False), replace(run, is_below_flat=True)
    assert standing([good, good]) == "profile quick"
    assert standing([bad, bad]) == "profile quick, worse than flat"
    assert standing([bad, good, good]) == "profile quick, 1 of 3 worse than flat"


def test_what_is_drawn_is_not_drawn_again(drawn: list[NightPicture], drawn_night: DrawnNight) -> None:
    """The same list, the same files untouched."""
    times = {picture.file: picture.file.stat().st_mtime_ns for picture in drawn}
    assert pictures_of_night(drawn_night.lake, drawn_night.night_id) == drawn
    assert {file: file.stat().st_mtime_ns for file in times} == times


def test_a_night_with_nothing_new_pays_for_no_drawing(drawn: list[NightPicture], drawn_night: DrawnNight) -> None:
    """Neither Matplotlib nor torch nor scikit-learn is imported to list what is there."""
    code = (
        "import sys\n"
        "from lake import Lake\n"
        "from tasks.pictures import pictures_of_night\n"
        f"found = pictures_of_night(Lake.open({str(drawn_night.lake.root)!r}), {drawn_night.night_id!r})\n"
        "print(len(found), *sorted({'torch', 'matplotlib', 'sklearn', 'PIL', 'scipy'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == [str(len(drawn))]


def test_one_that_cannot_be_drawn_is_logged_and_left_out(
    drawn_night: DrawnNight, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A damaged checkpoint costs its own pictures, not the night's."""
    narrow(monkeypatch, "samples", "vae-losses")
    lake = drawn_night.lake
    (vae,) = [one.run.run_id for one in subjects_of_night(lake, drawn_night.night_id) if one.run.model == "vae"]
    checkpoint = lake.root / lake.query(load("best_checkpoint_of_run"), [vae]).item()
    whole = checkpoint.read_bytes()
    for old in (lake.root / "pictures").glob("samples-*"):
        old.unlink()
    from tasks.drawing import stored

    stored._load.cache_clear()
    checkpoint.write_bytes(whole[:-100])
    with caplog.at_level(logging.WARNING):
        found = pictures_of_night(lake, drawn_night.night_id)
    checkpoint.write_bytes(whole)
    assert [kind(picture) for picture in found] == ["vae-losses"]
    assert "picture samples of matched-vae, 80/10/10 split is not drawn" in caplog.text
    assert [kind(picture) for picture in pictures_of_night(lake, drawn_night.night_id)] == ["samples", "vae-losses"]


def test_data_that_cannot_be_drawn_are_not_tried_again(
    drawn_night: DrawnNight, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The reason is logged and noted once; a night with nothing new does not draw to find it again."""
    narrow(monkeypatch, "vae-losses")
    lake = drawn_night.lake
    epochs = lake.query("FROM epochs")
    (standing,) = pictures_of_night(lake, drawn_night.night_id)
    standing.file.unlink()
    with lake.write("forget") as transaction:
        transaction.replace("epochs", epochs.with_columns(val_kl=None), key=("run_id", "epoch"))
    with caplog.at_level(logging.WARNING):
        assert pictures_of_night(lake, drawn_night.night_id) == []
        assert "it is no VAE's" in caplog.text
        caplog.clear()
        assert pictures_of_night(lake, drawn_night.night_id) == []
        assert caplog.text == ""
    with lake.write("back") as transaction:
        transaction.replace("epochs", epochs, key=("run_id", "epoch"))
    standing.file.with_suffix(".txt").unlink()
    assert pictures_of_night(lake, drawn_night.night_id) == [standing]


def test_other_labels_draw_a_picture_anew(drawn_night: DrawnNight, monkeypatch: pytest.MonkeyPatch) -> None:
    """A corrected name stands in the picture's place, and the old file is gone."""
    narrow(monkeypatch, "extremes")
    lake = drawn_night.lake
    before = pictures_of_night(lake, drawn_night.night_id)
    labels = lake.query("FROM labels")
    key = ("source", "image_id")
    with lake.write("rename") as transaction:
        transaction.replace("labels", labels.with_columns(name=pl.lit("renamed/") + pl.col("name")), key=key)
    after = pictures_of_night(lake, drawn_night.night_id)
    with lake.write("back") as transaction:
        transaction.replace("labels", labels, key=key)
    assert all("lies in renamed/" in picture.alt for picture in after)
    assert [picture.name for picture in after] == [picture.name for picture in before]
    assert not any(picture.file.exists() for picture in before)
    assert pictures_of_night(lake, drawn_night.night_id) == before


def test_models_that_were_trained_anew_are_drawn_anew(drawn_night: DrawnNight, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the same name on the page; the old file is gone. What shows no model stays as it is."""
    narrow(monkeypatch, "extremes", "patches")
    lake = drawn_night.lake
    before = pictures_of_night(lake, drawn_night.night_id)
    models = lake.query("FROM models")
    with lake.write("as if trained on another device") as transaction:
        transaction.replace("models", models.with_columns(file_digest=pl.lit("another")), key=("model_id",))
    after = pictures_of_night(lake, drawn_night.night_id)
    with lake.write("back") as transaction:
        transaction.replace("models", models, key=("model_id",))
    assert [picture.name for picture in after] == [picture.name for picture in before]
    stays = [one.file == other.file for one, other in zip(before, after, strict=True)]
    assert stays == [kind(picture) == "patches" for picture in before]
    assert [picture.file.exists() for picture in before] == stays
    assert pictures_of_night(lake, drawn_night.night_id) == before


def test_a_night_has_room_for_so_many(drawn_night: DrawnNight, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ones are kept, the others counted."""
    every = pictures_of_night(drawn_night.lake, drawn_night.night_id)
    monkeypatch.setattr(pictures, "MOST_PICTURES", 3)
    assert pictures_and_more(drawn_night.lake, drawn_night.night_id) == (every[:3], len(every) - 3)


def test_pictures_of_a_night_are_small(drawn: list[NightPicture]) -> None:
    """A page with all of them stays far below what a phone can bear: under 200 kB each on average."""
    assert sum(picture.file.stat().st_size for picture in drawn) < 200_000 * len(drawn)


def test_leakage_says_what_the_view_says(drawn: list[NightPicture], drawn_night: DrawnNight) -> None:
    """The picture's description has the view's gap and its interval."""
    gap = drawn_night.lake.query("FROM leakage_gap").row(0, named=True)
    (picture,) = [picture for picture in drawn if kind(picture) == "leakage"]
    said = f"grouped folds by PP1: {gap['gap']:+.4g} ({gap['ci_low']:+.4g} to {gap['ci_high']:+.4g})"
    assert said in picture.alt


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.name)
def test_every_name_is_a_word_and_says_what_it_shows(drawing: object) -> None:
    """As the command line lists them."""
    found = find_drawing(drawing.name)  # type: ignore[attr-defined]
    assert re.fullmatch("[a-z][a-z-]+", found.name)
    assert 20 < len(found.shows) < 90
