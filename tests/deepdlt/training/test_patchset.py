"""Patches in memory."""

import numpy as np
import pytest
import small_patches
import torch

from deepdlt.training.devices import DeviceMissing, available_devices, pick_device
from deepdlt.training.patchset import PatchSet


def test_signed_patches_are_the_reports() -> None:
    """Every grey level goes where ToTensor and Normalize(0.5, 0.5) put it."""
    patches = PatchSet.from_array(np.arange(256, dtype=np.uint8).reshape(1, 16, 16), device="cpu")
    batch = patches.batch(torch.tensor([0]), target_range="signed")
    expected = ((torch.arange(256) / 255 - 0.5) / 0.5).reshape(1, 1, 16, 16)
    torch.testing.assert_close(batch, expected, rtol=0, atol=2e-7)
    assert (batch.min(), batch.max()) == (-1, 1)


def test_unit_patches_go_from_zero_to_one() -> None:
    """Black is 0 and white is 1."""
    patches = PatchSet.from_array(np.arange(256, dtype=np.uint8).reshape(1, 16, 16), device="cpu")
    expected = (torch.arange(256) / 255).reshape(1, 1, 16, 16)
    torch.testing.assert_close(patches.batch(torch.tensor([0]), target_range="unit"), expected)


def test_a_batch_leaves_the_pixels_alone() -> None:
    """Normalising works on a copy."""
    patches = small_patches.patch_set(3)
    before = patches.pixels.clone()
    patches.batch(torch.tensor([0, 1, 2]), target_range="signed")
    assert torch.equal(patches.pixels, before)


def test_a_read_only_array_is_taken() -> None:
    """Arrow and memory maps hand out arrays that may not be written to."""
    pixels = small_patches.stripes(2)
    pixels.flags.writeable = False
    assert len(PatchSet.from_array(pixels, device="cpu")) == 2


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((2, 8, 9), np.uint8), np.zeros((2, 8, 8), np.float32), np.zeros((8, 8), np.uint8)],
    ids=["not-square", "not-bytes", "one-image"],
)
def test_what_is_no_stack_of_patches_is_refused(pixels: np.ndarray) -> None:
    """Shape and type are checked where pixels enter."""
    with pytest.raises(ValueError, match="patches must"):
        PatchSet.from_array(pixels, device="cpu")


@pytest.mark.parametrize("rows", [[], [-1], [3], [[0, 1]]], ids=["none", "negative", "beyond", "square"])
def test_rows_outside_the_set_are_refused(rows: list[int]) -> None:
    """A negative row does not count from the end."""
    with pytest.raises(ValueError, match=r"rows -?\d|an index must"):
        small_patches.patch_set(3).index(rows)


def test_the_digest_sees_one_pixel() -> None:
    """One grey level more is another set; the same pixels are the same one."""
    pixels = small_patches.stripes(2)
    changed = pixels.copy()
    changed[1, 5, 5] ^= 1
    digests = [PatchSet.from_array(array, device="cpu").digest for array in (pixels, pixels.copy(), changed)]
    assert digests[0] == digests[1] != digests[2]


def test_auto_picks_a_device_that_is_here() -> None:
    """The CPU is always one of them."""
    assert pick_device("auto").type == available_devices()[0]
    assert "cpu" in available_devices()


def test_a_missing_device_is_named_with_those_there_are() -> None:
    """Nobody trains on a CPU by mistake after asking for something else."""
    with pytest.raises(DeviceMissing, match=r"'tpu' is not here; this machine has .*cpu"):
        pick_device("tpu")
