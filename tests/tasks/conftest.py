"""A lake and a source folder of their own for each test."""

import shutil
from pathlib import Path

import polars as pl
import pytest
from sources import Source

from deepdlt.synth import write_synthetic
from lake import Lake
from tasks.lake_access import open_lake


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve small synthetic images with their sheet; copied before it is changed."""
    folder = tmp_path_factory.mktemp("synthetic")
    write_synthetic(folder, n_images=12, height_px=96, width_px=128)
    return folder


@pytest.fixture
def source(synthetic: Path, tmp_path: Path) -> Source:
    """A source folder of this test alone."""
    folder = tmp_path / "source"
    shutil.copytree(synthetic, folder)
    (workbook,) = folder.rglob("*.xlsx")
    sheet = workbook.with_suffix(".csv")
    pl.read_excel(workbook).write_csv(sheet)
    workbook.unlink()
    return Source(folder, sheet)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """An empty lake that the tasks work on."""
    monkeypatch.setenv("DEEPDLT_LAKE", str(tmp_path / "lake"))
    return open_lake()
