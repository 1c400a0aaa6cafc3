"""`deepdlt plot`: any picture again, from the lake."""

from pathlib import Path

import pytest
from drawn_night import DrawnNight
from png_pixels import pixels
from typer.testing import CliRunner, Result

from deepdlt.figures.words import read_words
from deployments.cli import app
from tasks.drawing.registry import DRAWINGS
from tasks.drawing.subject import RunFacts, subjects_of_night
from tasks.pictures import pictures_of_night


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to draw in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def runs(drawn_night: DrawnNight) -> list[RunFacts]:
    """The runs of the night."""
    return [subject.run for subject in subjects_of_night(drawn_night.lake, drawn_night.night_id)]


def plot(night: DrawnNight, *arguments: str) -> Result:
    """Run the command on the night's lake."""
    return CliRunner().invoke(app, ["plot", *arguments], env={"DEEPDLT_LAKE": str(night.lake.root)})


def words(file: Path) -> str:
    """Return the title of a picture."""
    return read_words(file.read_bytes()).title


def test_without_a_name_all_are_listed() -> None:
    """Each with what it shows; no lake is needed."""
    done = CliRunner().invoke(app, ["plot"], env={"DEEPDLT_LAKE": "/nowhere"})
    assert done.exit_code == 0
    listed = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert listed == [[drawing.name, drawing.shows] for drawing in DRAWINGS]


@pytest.mark.parametrize("name", ["fold-reconstructions", pytest.param("difficulty", marks=pytest.mark.long)])
def test_a_picture_drawn_again_is_the_night_s(drawn_night: DrawnNight, here: Path, name: str) -> None:
    """Byte for byte, in a file called after it; the command says its title."""
    done = plot(drawn_night, name)
    assert done.exit_code == 0, done.stderr
    found = pictures_of_night(drawn_night.lake, drawn_night.night_id)
    first = next(picture for picture in found if picture.name.startswith(name))
    assert (here / f"{name}.png").read_bytes() == first.file.read_bytes()
    assert done.stdout == f"{first.title}: {name}.png\n"


def test_a_run_is_named_by_the_beginning_of_its_id(drawn_night: DrawnNight, here: Path, runs: list[RunFacts]) -> None:
    """Any run, also one that its night shows no picture of; the file goes where it is told to."""
    fold = next(run for run in runs if run.scheme == "grouped" and run.fold == 2)
    done = plot(drawn_night, "reconstructions", "--run", fold.run_id[:8], "--out", "sub.PNG")
    assert done.exit_code == 0, done.stderr
    assert words(here / "sub.PNG").startswith("matched-label-cv, grouped folds by PP1, fold 2 of 2")


def test_a_night_is_named_by_its_number(drawn_night: DrawnNight, here: Path) -> None:
    """The same as the newest one, which it is."""
    assert plot(drawn_night, "leakage").exit_code == 0
    newest = (here / "leakage.png").read_bytes()
    assert plot(drawn_night, "leakage", "--night", "1").exit_code == 0
    assert (here / "leakage.png").read_bytes() == newest


def test_a_label_is_shown_alone(drawn_night: DrawnNight, here: Path) -> None:
    """One panel in place of four."""
    assert plot(drawn_night, "latents-pca").exit_code == 0
    assert plot(drawn_night, "latents-pca", "--label", "NP", "--out", "np.png").exit_code == 0
    four, one = (pixels((here / name).read_bytes()).shape for name in ("latents-pca.png", "np.png"))
    assert (four[0] > 1.7 * one[0], four[1] == 2 * one[1]) == (True, True)


def test_folds_of_a_label_are_found(drawn_night: DrawnNight, here: Path) -> None:
    """Those drawn by it; of another label there are none in this night."""
    assert plot(drawn_night, "fold-curves", "--label", "PP1").exit_code == 0
    assert "folds by PP1" in words(here / "fold-curves.png")
    done = plot(drawn_night, "fold-curves", "--label", "NP")
    assert done.exit_code == 2
    assert "fits no run of night 1: its folds are not drawn by NP" in done.stderr


def test_shares_can_be_of_any_label(drawn_night: DrawnNight, here: Path, runs: list[RunFacts]) -> None:
    """Also on the 80/10/10 split, which is drawn by none."""
    holdout = next(run for run in runs if run.scheme == "holdout")
    done = plot(drawn_night, "folds", "--run", holdout.run_id, "--label", "EP1")
    assert done.exit_code == 0, done.stderr
    assert words(here / "folds.png") == "80/10/10 split: shares of EP1"


def test_drawing_changes_nothing_in_the_lake(drawn_night: DrawnNight, here: Path) -> None:
    """It is read only."""
    before = drawn_night.lake.snapshot_id()
    assert plot(drawn_night, "images").exit_code == 0
    assert drawn_night.lake.snapshot_id() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["nope"], "no picture is called 'nope'; there are difficulty, leakage", id="unknown name"),
        pytest.param(["curves", "--run", "zz"], "begins with 'zz'", id="unknown run"),
        pytest.param(["curves", "--run", ""], "6 runs have an id that begins with ''", id="several runs"),
        pytest.param(["curves", "--night", "9"], "the lake holds no night 9", id="unknown night"),
        pytest.param(["curves", "--run", "a", "--night", "1"], "exclude each other", id="run and night"),
        pytest.param(["curves", "--label", "NP"], "picture curves takes no label", id="no label"),
        pytest.param(["difficulty", "--label", "XX"], "no label is called 'XX'", id="unknown label"),
        pytest.param(["curves", "--out", "a.jpg"], "does not end with .png", id="another format"),
        pytest.param(["curves", "--out", "no/a.png"], "is no folder", id="no folder"),
        pytest.param(["latents-umap"], "no codes of the run in a plane by umap", id="no data"),
        pytest.param(["--night", "1"], "need the name of a picture", id="no name"),
    ],
)
def test_wrong_use_gives_2_and_a_reason(drawn_night: DrawnNight, here: Path, arguments: list[str], said: str) -> None:
    """One line that says what is wrong; no file is left."""
    done = plot(drawn_night, *arguments)
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(here.iterdir()) == []


def test_a_picture_that_does_not_fit_a_run_is_refused(
    drawn_night: DrawnNight, here: Path, runs: list[RunFacts]
) -> None:
    """A VAE's picture of an autoencoder, folds of a run that has none: the reason is said."""
    holdout = next(run for run in runs if run.scheme == "holdout" and run.model == "ae")
    for name, reason in (("samples", "the run's model is ae"), ("fold-curves", "no run that differs in fold or seed")):
        done = plot(drawn_night, name, "--run", holdout.run_id)
        assert done.exit_code == 2
        assert f"picture {name} does not fit run {holdout.run_id}" in done.stderr
        assert reason in done.stderr


def test_an_empty_lake_has_nothing_to_draw(here: Path) -> None:
    """A lake that is not there is a failure, not a wrong use."""
    done = CliRunner().invoke(app, ["plot", "curves"], env={"DEEPDLT_LAKE": str(here / "lake")})
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: no lake at")
