"""New images are looked at once, by the champion that was trained without them, in a process of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from lake_rows import fill
from nights import run_night
from PIL import Image
from sources import Source, copy_source

from deepdlt.config import PatchRecipe
from deepdlt.digest import digest_json
from lake import Lake
from lake.statements import load
from tasks import drift
from tasks.analysis import groups_of, store_groups
from tasks.drift import DriftFailed, look_at_new_images
from tasks.drift_scoring import look
from tasks.ingest import ingest_source
from tasks.lake_access import open_lake
from tasks.page import gather
from tasks.prepare import assign_missing, cut_missing, freeze

ROOT = Path(__file__).parents[2]
PATCHES_AN_IMAGE = 4
NEW = {
    "alike": "known",
    "unseen level": "new condition",
    "other pixel size": "microscope changed",
    "noise": "bad image",
    "blank": "bad image",
}
"""New images and how each is to look."""


@dataclass(frozen=True)
class Looked:
    """A lake with a champion, a source with new images, and the night that brought them."""

    lake: Lake
    source: Source
    night_id: str = "second"


def add_images(source: Source) -> None:
    """Add what the champion has not seen; all but the blank and the noise are the first image, mirrored."""
    known = np.asarray(Image.open(source.image(0)))
    rng = np.random.default_rng(0)
    pixels = {
        "alike": known[:, ::-1],
        "unseen level": known[::-1],
        "other pixel size": known[::-1, ::-1],
        "noise": rng.integers(0, 256, known.shape, dtype=np.uint8),
        "blank": 120 + rng.integers(0, 2, known.shape, dtype=np.uint8),
    }
    for name, grey in pixels.items():
        Image.fromarray(grey.astype(np.uint8)).save(source.sheet.parent / f"{name}.png")
        source.append_row(0, f"{name}.bmp")
        row = pl.read_csv(source.sheet, infer_schema=False).height - 1
        if name == "unseen level":
            source.set_cell(row, "NP", 777)
        if name == "other pixel size":
            for side in "XY":
                size_um = float(pl.read_csv(source.sheet, infer_schema=False)[f"Dim{side} [μm]"][row])
                source.set_cell(row, f"Dim{side} [μm]", 2 * size_um)


def take_in(source: Source, night_id: str) -> None:
    """Put a night into the lake that ingests and prepares as nights do, and trains nothing."""
    ingested = ingest_source(source.folder)
    recipe = PatchRecipe(n_per_image=PATCHES_AN_IMAGE)
    cut_missing(ingested["source"], recipe)
    dataset = freeze(ingested["source"], recipe, patches_per_image=PATCHES_AN_IMAGE)
    kept: dict[str, Any] = {"patches_per_image": PATCHES_AN_IMAGE, "labels": [], "schemes": [], "n_folds": 2, "seed": 0}
    assign_missing(ingested["source"], dataset, **kept)
    row = {"night_id": night_id, "sequence": 2, "source": ingested["source"], "dataset_id": dataset["dataset_id"]}
    fill(open_lake(), nights=[row])


def store_groups_of_night(night_id: str, again: bool) -> None:
    """Do of an analysis what champions stand on."""
    runs = open_lake().query(load("runs_to_analyse"), [night_id])
    store_groups(open_lake(), night_id, groups_of(runs))


def crown(lake: Lake, night: dict[str, Any]) -> None:
    """Make the night's only training champion, whatever its worth."""
    (run_id,) = lake.query("SELECT run_id FROM night_runs")["run_id"]
    named = {"source": night["source"], "preset": "residual-128", "run_id": run_id, "group_id": digest_json([run_id])}
    fill(lake, champions=[named | {"sequence": 1, "night_sequence": 1, "how": "promoted"}])


@pytest.fixture(scope="module")
def looked(synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Looked]:
    """A champion of twelve images and five that came after; it has looked at them.

    Its code has 128 numbers: one with as many as a patch has pixels gives back even noise.
    """
    folder = tmp_path_factory.mktemp("drift")
    source = copy_source(synthetic, folder / "source")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPDLT_LAKE", str(folder / "lake"))
        patch.setenv("DEEPDLT_DEVICE", "cpu")
        patch.setattr("nights.analyse_night", SimpleNamespace(fn=store_groups_of_night))
        night = run_night(source.folder, preset="residual-128", models=("residual",), epochs=60)
        crown(open_lake(), night)
        add_images(source)
        take_in(source, "second")
        look_at_new_images.fn("second")
        yield Looked(open_lake(), source)


def test_each_new_image_has_its_verdict(looked: Looked) -> None:
    """Alike, of an unseen label level, of another pixel size, noise, and blank; no known image is looked at."""
    frame = gather(looked.lake, looked.night_id)["drift"]
    found = {name.removesuffix(".bmp"): verdict for name, verdict in frame.select("image", "verdict").iter_rows()}
    assert found == NEW, frame.rows()
    reasons = dict(frame.select("image", "decision").iter_rows())
    assert "NP=777" in reasons["unseen level.bmp"]
    assert "pixel size" in reasons["other pixel size.bmp"]
    assert "noise" in reasons["noise.bmp"]
    assert "little to see" in reasons["blank.bmp"]


def test_the_numbers_behind_a_verdict_stand_in_the_table(looked: Looked) -> None:
    """Percentiles within 0 and 100, noise beyond all; the pixel size is the sheet's, doubled for one image."""
    frame = looked.lake.query("SELECT drift.*, name FROM drift JOIN labels USING (source, image_id)")
    rows = {row["name"].removesuffix(".bmp"): row for row in frame.iter_rows(named=True)}
    assert rows["noise"]["loss_percentile"] == 100 > rows["alike"]["loss_percentile"]
    assert rows["other pixel size"]["pixel_size_nm"] == pytest.approx(2 * rows["alike"]["pixel_size_nm"])
    assert {row["n_patches"] for row in rows.values()} == {PATCHES_AN_IMAGE}
    assert {row["run_id"] for row in rows.values()} == set(looked.lake.query("FROM champion")["run_id"])


def test_what_was_looked_at_is_not_looked_at_again(looked: Looked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the same night nor in the next: no process is started, the lake is as it was."""

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refused)
    fill(
        looked.lake,
        nights=[{**looked.lake.query("FROM latest_night").row(0, named=True), "night_id": "3", "sequence": 3}],
    )
    before = looked.lake.snapshot_id()
    for night_id in (looked.night_id, "3"):
        look_at_new_images.fn(night_id)
    assert looked.lake.snapshot_id() == before


def test_without_a_champion_nothing_is_looked_at(
    looked: Looked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is torch imported by the process that asks."""
    shutil.copytree(looked.lake.root, tmp_path / "lake")
    monkeypatch.setenv("DEEPDLT_LAKE", str(tmp_path / "lake"))
    with open_lake().write("dethrone") as transaction:
        for table in ("champions", "drift"):
            transaction.execute(f"DELETE FROM {table}")
    program = "import sys; from tasks.drift import look_at_new_images as look; look.fn('second');"
    program += "print('torch' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, env=os.environ)
    assert told.stdout.split()[-1:] == ["False"], told.stderr
    assert open_lake().query("SELECT count(*) FROM drift").item() == 0


def test_a_champion_whose_trainings_do_not_stand_looks_at_nothing(
    looked: Looked, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is held against new images is not there; the log says what to do."""
    shutil.copytree(looked.lake.root, tmp_path / "lake")
    lake = Lake.open(tmp_path / "lake")
    with lake.write("failed") as transaction:
        transaction.execute("DELETE FROM drift")
        transaction.execute("UPDATE runs SET status = 'failed'")
    assert look(lake, "second") == 0
    assert "do not stand complete; train them again, or `deepdlt rollback`" in caplog.text
    assert lake.query("SELECT count(*) FROM drift").item() == 0


@pytest.mark.long
def test_a_champion_that_cannot_be_read_is_said(
    looked: Looked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The images stay unjudged; the next night asks again."""
    shutil.copytree(looked.lake.root, tmp_path / "lake")
    monkeypatch.setenv("DEEPDLT_LAKE", str(tmp_path / "lake"))
    with open_lake().write("forget") as transaction:
        transaction.execute("DELETE FROM drift")
    path = (
        open_lake()
        .query(load("best_checkpoint_of_run"), open_lake().query("SELECT run_id FROM champion").row(0))
        .item()
    )
    (open_lake().root / path).write_bytes(b"torn")
    with pytest.raises(DriftFailed, match="cannot be read as a checkpoint"):
        drift.look_at_new_images.fn("second")
    assert open_lake().query("SELECT count(*) FROM drift").item() == 0
