"""A lake and a source folder of their own for each test."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from planted import PlantedLake, plant
from sources import Source, copy_source

from deepdlt.synthetic.synth import write_synthetic
from lake import Lake
from tasks.lake_access import open_lake
from tasks.page import write_page


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve small synthetic images with their sheet; copied before it is changed."""
    folder = tmp_path_factory.mktemp("synthetic")
    write_synthetic(folder, n_images=12, height_px=96, width_px=128)
    return folder


@pytest.fixture
def source(synthetic: Path, tmp_path: Path) -> Source:
    """A source folder of this test alone."""
    return copy_source(synthetic, tmp_path / "source")


def rename_first(source: Source, name: str) -> None:
    """Give the first image, and its row, another name; slashes make folders."""
    target = source.sheet.parent / f"{name}.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    source.image(0).rename(target)
    source.set_cell(0, "Names", f"{name}.bmp")


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """An empty lake that the tasks work on."""
    monkeypatch.setenv("DEEPDLT_LAKE", str(tmp_path / "lake"))
    return open_lake()


@dataclass(frozen=True)
class Paged:
    """Two nights with their pages: the first trained, the second had nothing to do."""

    lake: Lake
    nights: list[dict[str, Any]]
    pages: list[Path]


HOSTILE = "<script>alert(1)</script>"
QUOTES = "\"'><img src=x onerror=alert(2)>"


@pytest.fixture(scope="session")
def paged(synthetic: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paged]:
    """Nights on images of which one, and one row without an image, have names that would like to be markup."""
    from nights import run_night

    folder = tmp_path_factory.mktemp("paged")
    source = copy_source(synthetic, folder / "lake" / "synthetic")
    rename_first(source, f"{HOSTILE}{QUOTES}")
    source.append_row(1, f"no file/{HOSTILE}{QUOTES}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPDLT_LAKE", str(folder / "lake"))
        patch.setattr("tasks.probing.METHODS", ("pca",))  # pictures in the plane take a minute and stand on no page
        patch.setattr("tasks.probing.N_PERMUTATIONS", 19)
        nights = [run_night(source.folder, models=("ae",)), run_night(source.folder, models=("ae",))]
        pages = [write_page(night["sequence"]) for night in nights]
        yield Paged(open_lake(), nights, pages)


@pytest.fixture(scope="session")
def planted_once(tmp_path_factory: pytest.TempPathFactory) -> PlantedLake:
    """Thirty small synthetic images, four patches of each, folds by angle and PP1 of two schemes; never written to."""
    folder = tmp_path_factory.mktemp("planted")
    write_synthetic(folder / "images", n_images=30, height_px=96, width_px=128)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPDLT_LAKE", str(folder / "lake"))
        return plant(open_lake(), folder / "images", schemes=["paper", "grouped"], labels=["angle", "PP1"])


@pytest.fixture
def planted(planted_once: PlantedLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlantedLake:
    """A copy of that lake for one test, and the one that tasks open."""
    shutil.copytree(planted_once.lake.root, tmp_path / "lake")
    monkeypatch.setenv("DEEPDLT_LAKE", str(tmp_path / "lake"))
    return replace(planted_once, lake=open_lake())
