"""The baseline does the report's work: same numbers as the program, in the published way."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_patches import stripes
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks.reference.transforms import normalize, to_tensor
from benchmarks.rows.training import epoch_order, reference_epoch, settings_of
from deepdlt.training.patchset import PatchSet
from deepdlt.training.train import train

N_TRAIN, N_VAL = 96, 40


def loader(patches: PatchSet, rows: Sequence[int]) -> DataLoader[tuple[Tensor, int]]:
    """Batches of 32 on [-1, 1], as the baseline's own loader gives them."""
    batch = patches.batch(torch.tensor(rows), target_range="signed")
    return DataLoader([(patch, 0) for patch in batch], batch_size=32)  # type: ignore[arg-type]


@pytest.mark.parametrize("model", ["ae", "vae"])
def test_an_epoch_of_the_baseline_reaches_the_losses_of_the_program(model: str, tmp_path: Path) -> None:
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
    val_rows = range(N_TRAIN, N_TRAIN + N_VAL)
    reached = reference_epoch(model, loader(patches, epoch_order(N_TRAIN)), loader(patches, val_rows), tmp_path)
    assert {"train_loss", "val_loss"} <= set(reached)
    for name, value in reached.items():
        assert getattr(result.history[0], name) == pytest.approx(value, rel=1e-3, abs=1e-3)


def test_its_transforms_are_those_of_torchvision() -> None:
    """A grey level g becomes g / 255, then (x - 0.5) / 0.5, as one channel of float32."""
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    found = normalize(to_tensor(Image.fromarray(grey)), [0.5], [0.5])
    assert found.shape == (1, 16, 16)
    assert np.allclose(found.numpy()[0], grey / 127.5 - 1, atol=1e-6)
