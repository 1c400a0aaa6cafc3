"""The baseline does the report's work: same numbers as the program, in the published way."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from small_patches import stripes

from benchmarks.reference.prepare import cut_patches, read_sheet, write_folds, write_tables
from benchmarks.reference.transforms import normalize, to_tensor
from benchmarks.rows.training import _reference_epoch, settings_of
from deepdlt.patchset import PatchSet
from deepdlt.synth import write_synthetic
from deepdlt.training import train

N_TRAIN, N_VAL = 96, 40


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """Stripes of 64 px as Bitmaps, with a table of training and one of validation patches."""
    paths = [str(tmp_path / f"{row}.bmp") for row in range(N_TRAIN + N_VAL)]
    for path, patch in zip(paths, stripes(N_TRAIN + N_VAL, size_px=64), strict=True):
        Image.fromarray(patch).save(path)
    table = pl.DataFrame({"image_path": paths}).with_columns(angle=5.5, PP1=pl.lit("V"), NP=10, EP1=46)
    table.head(N_TRAIN).write_csv(tmp_path / "train.csv")
    table.tail(N_VAL).write_csv(tmp_path / "val.csv")
    return tmp_path


@pytest.mark.parametrize("model", ["ae", "vae"])
def test_an_epoch_of_the_baseline_reaches_the_losses_of_the_program(model: str, tables: Path, tmp_path: Path) -> None:
    """From equal weights, order and draws: the program's faster forms are the same function."""
    patches = PatchSet.from_array(stripes(N_TRAIN + N_VAL, size_px=64), device="cpu")
    rows = np.arange(N_TRAIN + N_VAL)
    result = train(
        patches,
        settings_of(model),
        train_index=rows[:N_TRAIN],
        val_index=rows[N_TRAIN:],
        checkpoint_dir=tmp_path / "ours",
    )
    reached = _reference_epoch(model, N_TRAIN, tables, tmp_path)
    assert {"train_loss", "val_loss"} <= set(reached)
    for name, value in reached.items():
        assert getattr(result.history[0], name) == pytest.approx(value, rel=1e-3, abs=1e-3)


def test_its_transforms_are_those_of_torchvision() -> None:
    """A grey level g becomes g / 255, then (x - 0.5) / 0.5, as one channel of float32."""
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    found = normalize(to_tensor(Image.fromarray(grey)), [0.5], [0.5])
    assert found.shape == (1, 16, 16)
    assert np.allclose(found.numpy()[0], grey / 127.5 - 1, atol=1e-6)


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve small synthetic images with their sheet."""
    folder = tmp_path_factory.mktemp("synthetic")
    write_synthetic(folder, n_images=12, height_px=96, width_px=128)
    return folder


def test_it_writes_the_patches_and_tables_of_the_report(synthetic: Path, tmp_path: Path) -> None:
    """A Bitmap of 64 px a patch, one row each over the three tables, twelve fold tables a label and four folds."""
    n_patches = cut_patches(synthetic, tmp_path / "images", n_per_image=8)
    assert n_patches == 12 * 8
    for path in (tmp_path / "images").rglob("*.bmp"):
        with Image.open(path) as patch:
            assert (patch.format, patch.mode, patch.size) == ("BMP", "L", (64, 64))
    assert write_tables(read_sheet(synthetic), tmp_path / "images", tmp_path / "tables") == n_patches
    assert write_folds(tmp_path / "tables", tmp_path / "folds", n_folds=4) == 4 * 4 * 3
