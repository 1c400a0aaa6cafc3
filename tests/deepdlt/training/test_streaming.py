"""Patches in a file are the patches in memory: same batches, same digest, same training."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from small_patches import stripes

from deepdlt.analysis.fold_baselines import measure_fold
from deepdlt.training import streaming
from deepdlt.training.patchset import PatchSet
from deepdlt.training.settings import TrainingSettings
from deepdlt.training.streaming import AHEAD, PatchRows, StreamedPatches, fits_in_memory
from deepdlt.training.train import train

N = 150


@pytest.fixture
def streamed(tmp_path: Path) -> Iterator[StreamedPatches]:
    """Stripes in a file."""
    pixels = stripes(N)
    pixels.tofile(tmp_path / "patches")
    descriptor = os.open(tmp_path / "patches", os.O_RDONLY)
    mapped = np.memmap(tmp_path / "patches", np.uint8, mode="c", shape=pixels.shape)
    yield StreamedPatches.from_file(descriptor, mapped, device="cpu")
    os.close(descriptor)


@pytest.fixture
def held() -> PatchSet:
    """The same stripes in memory."""
    return PatchSet.from_array(stripes(N), device="cpu")


@pytest.mark.parametrize("target_range", ["signed", "unit"])
def test_batches_are_those_of_patches_in_memory(streamed: StreamedPatches, held: PatchSet, target_range: str) -> None:
    """Bit for bit and in the order asked for: neighbours, repeats and jumps, many batches or one."""
    order = torch.cat([torch.randperm(N, generator=torch.Generator().manual_seed(0)), torch.tensor([3, 3, 4, 5, 0])])
    parts = torch.split(order, 7)
    for one, two in zip(
        streamed.batches(parts, target_range=target_range),
        held.batches(parts, target_range=target_range),
        strict=True,
    ):
        assert torch.equal(one, two)
    assert torch.equal(streamed.batch(order, target_range=target_range), held.batch(order, target_range=target_range))


def test_they_have_the_digest_of_the_same_patches_in_memory(
    streamed: StreamedPatches, held: PatchSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read in blocks that end anywhere: a training that was cut off goes on with either."""
    monkeypatch.setattr(streaming, "BLOCK_BYTES", 1000)
    assert streamed.digest == held.digest


@pytest.mark.parametrize("model", ["ae", "vae"])
def test_a_training_has_the_same_numbers(streamed: StreamedPatches, held: PatchSet, tmp_path: Path, model: str) -> None:
    """Every weight and every loss, bit for bit."""
    settings = TrainingSettings(model=model, epochs=2, batch_size=16, is_turned=True)  # type: ignore[arg-type]
    given = {"train_index": range(120), "val_index": range(120, N)}
    results = [
        train(patches, settings, checkpoint_dir=tmp_path / name, **given)  # type: ignore[arg-type]
        for name, patches in (("streamed", streamed), ("held", held))
    ]
    for one, two in zip(*(result.model.state_dict().values() for result in results), strict=True):
        assert torch.equal(one, two)
    losses = [[(epoch.train_loss, epoch.val_loss, epoch.val_ssim) for epoch in result.history] for result in results]
    assert losses[0] == losses[1]


def test_only_a_few_batches_are_read_ahead(streamed: StreamedPatches, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held does not grow with the number of patches."""
    read: list[int] = []
    plain = StreamedPatches._read

    def noted(self: StreamedPatches, rows: list[int]) -> torch.Tensor:
        read.append(len(rows))
        return plain(self, rows)

    monkeypatch.setattr(StreamedPatches, "_read", noted)
    batches = streamed.batches(torch.split(torch.arange(N), 1), target_range="unit")
    for number in range(1, 4):
        next(batches)
        assert len(read) <= number + AHEAD
    batches.close()  # type: ignore[attr-defined]


def test_a_file_that_ends_too_early_is_refused(tmp_path: Path) -> None:
    """Before a training begins with it."""
    (tmp_path / "patches").write_bytes(bytes(100))
    descriptor = os.open(tmp_path / "patches", os.O_RDONLY)
    with pytest.raises(ValueError, match="100 bytes"):
        StreamedPatches.from_file(descriptor, stripes(3), device="cpu")
    os.close(descriptor)


def test_memory_decides() -> None:
    """Half of what is free may go to patches."""
    assert fits_in_memory(50, 100)
    assert not fits_in_memory(51, 100)


def test_baselines_are_measured_slice_by_slice() -> None:
    """Rows of a mapped file in the place of arrays give the same numbers, to the last bit."""
    pixels, rows = stripes(N), np.random.default_rng(0).permutation(N)
    parts = {"train": rows[:120], "val": rows[120:135], "test": rows[135:]}
    lazy = {name: cast("NDArray[np.uint8]", PatchRows(pixels, part)) for name, part in parts.items()}
    found = measure_fold(lazy.pop("train"), lazy)
    expected = measure_fold(pixels[parts["train"]], {name: pixels[parts[name]] for name in ("val", "test")})
    assert found.equals(expected)
