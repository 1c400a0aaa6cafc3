"""Pooling in one pass with what comes before it is torch's layers one after the other, in value and in gradient."""

import copy
from collections.abc import Callable

import pytest
import small_patches  # noqa: F401  # one thread
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from deepdlt.models.blocks import EncoderStage
from deepdlt.models.pooling import is_for_loops, pooled_convolution, pooled_norm, pooled_scale

SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(1, 5), st.integers(1, 5))
"""Patches, maps, and half of the edges."""


def seeded(seed: int) -> torch.Generator:
    """Return a CPU generator."""
    return torch.Generator().manual_seed(seed)


def norm_of(n_maps: int, seed: int) -> nn.BatchNorm2d:
    """Return a batch norm with weights of both signs."""
    norm = nn.BatchNorm2d(n_maps)
    for parameter in norm.parameters():
        nn.init.normal_(parameter, generator=seeded(seed))
    return norm


def gradients(output: Tensor, weights: Tensor, *of: Tensor) -> tuple[Tensor, ...]:
    """Return the gradients of a weighted sum of an output."""
    return torch.autograd.grad((output * weights).sum(), of)


def assert_close(found: tuple[Tensor, ...], expected: tuple[Tensor, ...]) -> None:
    """Ask for equality up to the rounding of the largest."""
    for one, other in zip(found, expected, strict=True):
        scale = max(1.0, float(other.detach().abs().max()))
        torch.testing.assert_close(one / scale, other / scale, rtol=1e-4, atol=1e-5)


@given(SHAPES, st.sampled_from([3, 5]), st.integers(0, 2**31))
@settings(max_examples=20)
def test_a_pooled_convolution_is_torchs_two_layers(shape: tuple[int, ...], width_px: int, seed: int) -> None:
    """Any number of patches and kernels, either edge of a kernel."""
    n, n_maps, half, _ = shape
    x = torch.rand(n, 1, 2 * half, 2 * half, generator=seeded(seed))
    weight = torch.randn(n_maps, 1, width_px, width_px, generator=seeded(seed + 1), requires_grad=True)
    bias = torch.randn(n_maps, generator=seeded(seed + 2), requires_grad=True)
    found = pooled_convolution(x, weight, bias)
    expected = nn.functional.max_pool2d(nn.functional.conv2d(x, weight, bias, padding=width_px // 2), 2)
    assert_close((found,), (expected,))
    weights = torch.randn(found.shape, generator=seeded(seed + 3))
    assert_close(gradients(found, weights, weight, bias), gradients(expected, weights, weight, bias))


@given(SHAPES, st.integers(0, 2**31), st.floats(-10, 10))
@settings(max_examples=20)
def test_a_pooled_norm_is_torchs_two_layers(shape: tuple[int, ...], seed: int, background: float) -> None:
    """Weights of both signs, maps far from zero, in the layout of torch or with channels last."""
    n, n_maps, *halves = shape
    x = background + torch.randn(n, n_maps, *(2 * half for half in halves), generator=seeded(seed))
    x = (x.contiguous(memory_format=torch.channels_last) if seed % 2 else x).requires_grad_()
    norm = norm_of(n_maps, seed + 1)
    found, mean, variance = pooled_norm(x, norm)
    expected = nn.functional.max_pool2d(norm(x), 2)
    assert_close((found, mean, variance), (expected, x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)))
    weights = torch.randn(found.shape, generator=seeded(seed + 2))
    of = (x, norm.weight, norm.bias)
    assert_close(gradients(found, weights, *of), gradients(expected, weights, *of))


def stages(seed: int = 0) -> tuple[EncoderStage, nn.Sequential]:
    """Return a stage, and torch's own layers with the same weights."""
    stage = EncoderStage(3, 6, kernel_size_px=3, activation="elu", dropout=0.0)
    for parameter in stage.parameters():
        nn.init.normal_(parameter, generator=seeded(seed))
    return stage, nn.Sequential(*copy.deepcopy(stage).children())


@pytest.mark.parametrize("mode", ["training", "evaluation", "evaluation with gradient"])
def test_a_stage_is_torchs_layers_in_every_mode(mode: str) -> None:
    """In training it also moves the running statistics, by which it evaluates."""
    stage, plain = stages()
    for seed in range(3):
        x = torch.rand(4, 3, 8, 8, generator=seeded(seed))
        stage(x), plain(x)
    assert_close(tuple(value.float() for value in stage.state_dict().values()), tuple(plain.state_dict().values()))
    for one in (stage, plain):
        one.train(mode == "training")
    x = torch.rand(4, 3, 8, 8, generator=seeded(9)).requires_grad_()
    with torch.set_grad_enabled(mode != "evaluation"):
        found, expected = stage(x), plain(x)
    assert_close((found,), (expected,))
    if mode != "evaluation":
        assert_close(gradients(found, found.detach(), x), gradients(expected, expected.detach(), x))


def test_half_precision_is_normalised_in_single() -> None:
    """Under autocast the convolution is in bfloat16; what a stage makes of it is nearer to float32 than torch's."""
    stage, plain = stages()
    x = torch.rand(8, 3, 8, 8, generator=seeded(1))
    exact = plain(x)
    with torch.autocast("cpu", torch.bfloat16):
        found, half = stage(x), plain(x)
    assert found.dtype == torch.float32
    assert torch.dist(found, exact).item() <= torch.dist(half.float(), exact).item()


@pytest.mark.parametrize("kind", ["convolution", "norm"])
def test_the_number_of_threads_changes_no_bit(kind: str) -> None:
    """Sums are of each patch for itself, and added in one order."""
    x = torch.rand(64, 1, 8, 8, generator=seeded(0))
    weight = torch.randn(4, 1, 3, 3, generator=seeded(1), requires_grad=True)
    maps = torch.rand(64, 4, 8, 8, generator=seeded(2)).requires_grad_()
    norm = norm_of(4, 3)
    todo: dict[str, Callable[[], tuple[Tensor, ...]]] = {
        "convolution": lambda: (pooled_convolution(x, weight, weight.sum((1, 2, 3))), weight),
        "norm": lambda: (pooled_norm(maps, norm)[0], maps),
    }

    def results(n_threads: int) -> list[Tensor]:
        before = torch.get_num_threads()
        torch.set_num_threads(n_threads)
        try:
            output, of = todo[kind]()
            return [output.detach(), *torch.autograd.grad(output.square().sum() / 7, of)]
        finally:
            torch.set_num_threads(before)

    for one, other in zip(results(1), results(3), strict=True):
        assert torch.equal(one, other)


def test_nothing_flows_through_what_evaluates() -> None:
    """Maxima of scaled maps are for evaluation alone."""
    x = torch.rand(2, 3, 4, 4, generator=seeded(0)).requires_grad_()
    found = pooled_scale(x, torch.full((3,), -2.0), torch.ones(3))
    torch.testing.assert_close(found, 1 - 2 * -nn.functional.max_pool2d(-x, 2))
    assert not found.requires_grad


def test_an_odd_edge_is_left_to_torch() -> None:
    """Its last row belongs to no window; so do maps elsewhere than in memory."""
    assert not is_for_loops(torch.rand(1, 1, 4, 5))
    assert not is_for_loops(torch.rand(1, 1, 4, 4, device="meta"))
    stage, plain = stages()
    x = torch.rand(2, 3, 6, 5, generator=seeded(0))
    assert_close((stage(x),), (plain(x),))
