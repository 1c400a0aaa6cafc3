"""Compiled measures are those that torch computes, whatever the batch, its layout and the threads."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from deepdlt.quality import metrics
from deepdlt.quality.kernels import batched_ssim


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Leave torch's threads as they were."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def images(n: int = 70, size_px: int = 16, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Targets on [-1, 1], and outputs of a sigmoid near them."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.rand(n, 1, size_px, size_px, generator=generator) * 2 - 1
    return (target.add(1).div(2) + 0.1 * torch.randn(target.shape, generator=generator)).clamp(0, 1), target


@pytest.mark.parametrize("window_px", [5, 7])
def test_similarity_is_that_of_matrix_products(window_px: int) -> None:
    """What a CPU compiles and what a GPU multiplies is one function, to twelve decimals."""
    one, two = (image.double() for image in images())
    compiled = batched_ssim(one, two, window_px=window_px, constants=metrics.SSIM_CONSTANTS, is_stretched=False)
    np.testing.assert_allclose(compiled, metrics.ssim_by_products(one, two, window_px=window_px), rtol=0, atol=1e-12)


def test_all_measures_at_once_are_those_one_by_one() -> None:
    """On the signed scale, too, where the correct ones are taken after a change of scale."""
    output, target = images()
    found = metrics.all_metrics(output, target, target_range="signed")
    unit = (output.double() + 1) / 2, (target.double() + 1) / 2
    expected = {
        "mse": metrics.mse(output, target),
        "psnr_paper_db": metrics.psnr_paper_db(output, target),
        "ssim_paper": metrics.ssim_paper(output, target),
        "psnr_db": metrics.psnr_db(*unit),
        "ssim": metrics.ssim(*unit),
    }
    for name in metrics.METRICS:
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_numbers_depend_neither_on_threads_nor_on_batches(n_threads: int) -> None:
    """Bit for bit: each patch is summed in one order."""
    output, target = images()
    torch.set_num_threads(1)
    expected = [metrics.all_metrics(output[i : i + 1], target[i : i + 1], target_range="signed") for i in range(70)]
    torch.set_num_threads(n_threads)
    found = metrics.all_metrics(output, target, target_range="signed")
    for name in metrics.METRICS:
        assert torch.equal(found[name], torch.cat([one[name] for one in expected]))


def test_layout_and_kind_of_numbers_do_not_matter() -> None:
    """Every second patch, transposed, in bfloat16: as its float64 copy."""
    output, target = (image.to(torch.bfloat16)[::2].transpose(2, 3) for image in images())
    found = metrics.all_metrics(output, target, target_range="signed")
    copies = (image.double().clone(memory_format=torch.contiguous_format) for image in (output, target))
    expected = metrics.all_metrics(*copies, target_range="signed")
    assert all(torch.equal(found[name], expected[name]) for name in metrics.METRICS)


def test_an_output_that_is_not_a_number_shows() -> None:
    """One pixel spoils its patch and no other."""
    output, target = images(3)
    output[1, 0, 4, 4] = float("nan")
    found = metrics.all_metrics(output, target, target_range="signed")
    for name in metrics.METRICS:
        assert found[name].isnan().tolist() == [False, True, False]
