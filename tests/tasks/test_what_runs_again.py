"""What a night does again after a change: exactly the steps that the table of docs/caching.md says, and no other.

Two nights of the project's own composition, with its own keys and confirmations; only Prefect's storage of results is
replaced, see `remembered`. Changes of code are made in a copy of the packages, whose digests the keys then hold.
Trainings, analyses and pictures are not done: whether they would be is told by the names that they would go by.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import remembered
from PIL import Image
from remembered import without_a_server
from sources import Source

from deepdlt import provenance
from deepdlt.config import PatchRecipe, TrainingChoices
from deepdlt.night import SplitRecord, plan_runs, presets_of_night
from deepdlt.refresh import STEPS, Refresh
from flows.ingest import take_in
from flows.prepare import make_ready
from lake.statements import load
from tasks import dependence
from tasks.lake_access import open_lake
from tasks.pictures import version_of
from tasks.questions import Question, asked_of

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "caching.md").read_text()
NAMES = {
    "ingest images": "ingest",
    "cut patches": "cut",
    "freeze data set": "freeze",
    "assign folds": "assign",
    "audit splits": "audit",
}
ANALYSES: tuple[Question, ...] = ("label_means", "difficulty", "probe")
MARK = "x"


@dataclass
class Night:
    """How a night is asked for; a change of it is a change of parameters."""

    accept_changes: bool = False
    labels: list[str] = field(default_factory=lambda: ["PP1"])
    n_folds: int = 2
    seed: int = 0
    patches_per_image: int = 3
    recipe: PatchRecipe = field(default_factory=lambda: PatchRecipe(n_per_image=4))
    epochs: int = 1
    choices: TrainingChoices | None = None

    def run(self, source: Path) -> tuple[set[str], dict[str, Any]]:
        """Do what comes before the trainings; return which steps ran, and the names of what would come after."""
        nothing = Refresh()
        with without_a_server():
            ingested, taken = take_in(str(source), None, self.accept_changes, nothing)
            how = (self.patches_per_image, self.labels, ["grouped"], self.n_folds, self.seed, nothing)
            ready = make_ready(ingested["source"], self.recipe, *how)  # type: ignore[arg-type]
        splits = [SplitRecord.model_validate(split) for split in ready["splits"]]
        presets = presets_of_night("label-cv", ["ae"], self.choices)
        plans = plan_runs(splits, presets, profile="quick", epochs=self.epochs, seeds=[0])
        runs = frozenset(plan.run_id for plan in plans)
        labels = open_lake().query(load("labels_of_source"), [ingested["source"]])
        names = {
            "train": runs,
            "analyse": {(runs, asked_of(question, labels)) for question in ANALYSES},
            "pictures": {(runs, version_of(open_lake(), ingested["source"]))},
        }
        return {NAMES[step["step"]] for step in [taken, *ready["steps"]] if not step["is_hit"]}, names


@dataclass
class Bench:
    """A source and a lake in which a night was done, to be changed."""

    source: Source
    night: Night
    code: Path
    """Folder of the copied packages."""
    names: dict[str, Any]
    edited: dict[Path, str] = field(default_factory=dict)

    def edit(self, module: str, old: str = "", new: str = "\nANOTHER_LINE = 1\n") -> None:
        """Change the copy of a module: add a line, or put one text in the place of another."""
        file = self.code.joinpath(*module.split(".")).with_suffix(".py")
        text = file.read_text()
        assert old in text
        self.edited[file] = text
        file.write_text(text.replace(old, new, 1) if old else text + new)

    def steps(self) -> set[str]:
        """Do a night and return which steps ran or would run."""
        ran, names = self.night.run(self.source.folder)
        return ran | {step for step in names if names[step] - self.names[step]}


@pytest.fixture(scope="module")
def made(synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], dict[str, str]]:
    """A folder with a source, a lake in which a night was done, a copy of the code; names and results of the night."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(synthetic, folder / "source")
    (workbook,) = (folder / "source").rglob("*.xlsx")
    pl.read_excel(workbook).write_csv(workbook.with_suffix(".csv"))
    workbook.unlink()
    for package in ("deepdlt", "tasks"):
        shutil.copytree(ROOT / package, folder / "code" / package, ignore=shutil.ignore_patterns("__pycache__"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remembered, "INDEX", {})
        _look_at(patch, folder)
        ran, names = Night().run(folder / "source")
        assert ran == set(NAMES.values())
        for name in ("source", "lake"):
            shutil.copytree(folder / name, folder / "kept" / name)
        return folder, names, dict(remembered.INDEX)


def _look_at(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Work on the lake of a folder, and digest the code that lies there."""
    patch.setenv("DEEPDLT_LAKE", str(folder / "lake"))
    patch.setattr(provenance, "PACKAGE_FOLDER", folder / "code" / "deepdlt")
    patch.setattr(dependence, "ROOT", folder / "code")


@pytest.fixture
def bench(made: tuple[Path, dict[str, Any], dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """All as it was after that night."""
    folder, names, index = made
    open_lake.__globals__["_opened"].cache_clear()
    for name in ("source", "lake"):
        shutil.rmtree(folder / name)
        shutil.copytree(folder / "kept" / name, folder / name)
    monkeypatch.setattr(remembered, "INDEX", dict(index))
    _look_at(monkeypatch, folder)
    (sheet,) = (folder / "source").rglob("*.csv")
    bench = Bench(Source(folder / "source", sheet), Night(), folder / "code", names)
    yield bench
    for file, text in bench.edited.items():
        file.write_text(text)


def nothing(bench: Bench) -> None:
    """Change nothing."""


def one_pixel(bench: Bench) -> None:
    """Make one pixel of an image another."""
    file = bench.source.image(0)
    pixels = np.array(Image.open(file))
    pixels[0, 0] ^= 1
    Image.fromarray(pixels).save(file)


def cell(header: str, value: object) -> Callable[[Bench], None]:
    """Write another value into a cell."""
    return lambda bench: bench.source.set_cell(0, header, value)


def other_pattern(bench: Bench) -> None:
    """Give the first image another pattern."""
    now = pl.read_csv(bench.source.sheet, infer_schema=False)["PP1"][0]
    bench.source.set_cell(0, "PP1", "H" if now == "V" else "V")


def other_row_order(bench: Bench) -> None:
    """Turn the rows of the sheet round."""
    pl.read_csv(bench.source.sheet, infer_schema=False).reverse().write_csv(bench.source.sheet)


def files_written_in_another_order(bench: Bench) -> None:
    """Write every file anew, the last one first."""
    files = sorted((path for path in bench.source.folder.rglob("*") if path.is_file()), reverse=True)
    contents = [(path, path.read_bytes()) for path in files]
    for path, _ in contents:
        path.unlink()
    for path, content in contents:
        path.write_bytes(content)


def other_times(bench: Bench) -> None:
    """Make every file a day older."""
    for path in bench.source.folder.rglob("*"):
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 86_400))


def other_suffix(bench: Bench) -> None:
    """Call an image by a suffix in capitals; its row stays."""
    bench.source.image(0).rename(bench.source.image(0).with_suffix(".PNG"))


def other_name(bench: Bench) -> None:
    """Give an image, and its row, another name."""
    file = bench.source.image(0)
    name = pl.read_csv(bench.source.sheet, infer_schema=False)["Names"][0]
    file.rename(file.with_stem("renamed"))
    bench.source.set_cell(0, "Names", Path(name).with_stem("renamed").as_posix())


def bad_file(bench: Bench) -> None:
    """Put a file there that is no image."""
    (bench.source.folder / "broken.png").write_bytes(b"no image")


def parameter(**changed: Any) -> Callable[[Bench], None]:
    """Ask for the night otherwise."""

    def change(bench: Bench) -> None:
        for name, value in changed.items():
            setattr(bench.night, name, value)

    return change


def line(module: str) -> Callable[[Bench], None]:
    """Add a line that can run to a module."""
    return lambda bench: bench.edit(module)


def comment(bench: Bench) -> None:
    """Add a comment to a module that every step runs."""
    bench.edit("deepdlt.digest", new="\n# a comment\n")


def docstring(bench: Bench) -> None:
    """Say it otherwise in a module that every step runs."""
    bench.edit("deepdlt.digest", '"""Digests that name content', '"""Names that digest content')


CHANGES: dict[str, Callable[[Bench], None]] = {
    "nothing": nothing,
    "one pixel of an image": one_pixel,
    "a cell of a label that folds are drawn by (PP1)": other_pattern,
    "a cell of a label that they are not drawn by (NP)": cell("NP", 77),
    "a cell of a setting that is no label (delay)": cell("Δτ [ps]", 3.5),
    "the order of the sheet's rows": other_row_order,
    "the order in which files were written": files_written_in_another_order,
    "the times of all files": other_times,
    "the suffix of an image's name": other_suffix,
    "the name of an image, in the sheet, too": other_name,
    "one more file, which is bad": bad_file,
    "parameter `accept_changes`": parameter(accept_changes=True),
    "parameter `folds`": parameter(n_folds=3),
    "parameter `seed`": parameter(seed=1),
    "parameter `labels`, one more": parameter(labels=["PP1", "NP"]),
    "parameter `epochs`": parameter(epochs=2),
    "patches an image, of those that are cut": parameter(patches_per_image=4),
    "recipe, another gain": parameter(recipe=PatchRecipe(n_per_image=4, gain_high=1.1)),
    "setting `dropout`": parameter(choices=TrainingChoices(dropout=0.25)),
    "setting `beta`, which an autoencoder does not use": parameter(choices=TrainingChoices(beta=3.0)),
    "a line of `deepdlt.source.survey`": line("deepdlt.source.survey"),
    "a line of `deepdlt.dataset.patches`": line("deepdlt.dataset.patches"),
    "a line of `tasks.cutting`": line("tasks.cutting"),
    "a line of `deepdlt.dataset.folds`": line("deepdlt.dataset.folds"),
    "a line of `deepdlt.dataset.audit`": line("deepdlt.dataset.audit"),
    "a line of `deepdlt.loss.losses`": line("deepdlt.loss.losses"),
    "a line of `deepdlt.analysis.probes`": line("deepdlt.analysis.probes"),
    "a line of `tasks.probing`": line("tasks.probing"),
    "a line of `deepdlt.analysis.latents`": line("deepdlt.analysis.latents"),
    "a line of `deepdlt.figures.curves`": line("deepdlt.figures.curves"),
    "a line of `deepdlt.sharing`, which no step's result depends on": line("deepdlt.sharing"),
    "a comment in `deepdlt.digest`, which all run": comment,
    "a docstring in `deepdlt.digest`": docstring,
    "a line of `deepdlt.digest`": line("deepdlt.digest"),
}


IN_EVERY_TEST_RUN = (
    "one pixel of an image",
    "a cell of a label that folds are drawn by (PP1)",
    "a cell of a label that they are not drawn by (NP)",
    "the times of all files",
    "the suffix of an image's name",
    "one more file, which is bad",
    "a line of `deepdlt.loss.losses`",
    "a line of `tasks.probing`",
    "a line of `deepdlt.sharing`, which no step's result depends on",
    "a comment in `deepdlt.digest`, which all run",
)
"""The others are marked long."""


def documented() -> dict[str, set[str]]:
    """Return the table of the document: what changed, and which steps it says run again."""
    head = f"| changed | {' | '.join(STEPS)} |"
    table = DOCUMENT.partition(head)[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", table, re.M)]
    return {
        change: {step for step, mark in zip(STEPS, marks, strict=True) if mark == MARK} for change, *marks in rows[1:]
    }


def test_the_document_lists_every_change() -> None:
    """And none that is not tried."""
    assert list(documented()) == list(CHANGES)


@pytest.mark.parametrize(
    "change",
    [pytest.param(change, marks=() if change in IN_EVERY_TEST_RUN else pytest.mark.long) for change in CHANGES],
)
def test_a_change_has_the_steps_done_again_that_the_document_says(change: str, bench: Bench) -> None:
    """Those, and no other."""
    CHANGES[change](bench)
    assert bench.steps() == documented()[change]


@pytest.mark.long
def test_the_night_after_a_change_does_nothing(bench: Bench) -> None:
    """What was done for it stands."""
    one_pixel(bench)
    bench.steps()
    assert bench.night.run(bench.source.folder)[0] == set()
