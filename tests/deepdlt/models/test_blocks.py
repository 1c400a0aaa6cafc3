"""The fast forms of encoder and decoder are the published layers, in value and in gradient."""

import pytest
import small_patches  # noqa: F401  # one thread
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from deepdlt.models.blocks import ACTIVATIONS, CHANNELS, Decoder, EncoderStage, FirstStage, kernel_moments, set_noise
from deepdlt.models.blocks import build_activation as activation_of


def seeded(seed: int) -> torch.Generator:
    """Return a CPU generator."""
    return torch.Generator().manual_seed(seed)


def twins(kernel_size_px: int, activation: str) -> tuple[FirstStage, nn.Sequential]:
    """Return the first stage and torch's own layers with the same weights, signs of all kinds among them."""
    fast = FirstStage(6, kernel_size_px=kernel_size_px, activation=activation, dropout=0.3)
    generator = seeded(3)
    for parameter in fast.parameters():
        nn.init.normal_(parameter, generator=generator)
    plain = EncoderStage(1, 6, kernel_size_px=kernel_size_px, activation=activation, dropout=0.3)
    plain.load_state_dict(fast.state_dict())
    return fast, nn.Sequential(*plain.children())


def run(stage: nn.Module, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Return output and gradients of a stage whose noise is seeded."""
    set_noise(stage, seeded(1))
    output = stage(x)
    torch.autograd.backward(output.square().sum())
    return output, {name: value.grad for name, value in stage.named_parameters() if value.grad is not None}


@pytest.mark.parametrize("kernel_size_px", [3, 5])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_first_stage_trains_like_the_plain_one(activation: str, kernel_size_px: int) -> None:
    """Folding batch norm into the first convolution changes output and gradients by rounding alone."""
    fast, plain = twins(kernel_size_px, activation)
    x = 0.4 + 0.05 * torch.randn(8, 1, 16, 16, generator=seeded(0))
    (found, gradients), (expected, plain_gradients) = run(fast, x), run(plain, x)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    scale = max(float(value.abs().max()) for value in plain_gradients.values())
    for name, gradient in plain_gradients.items():
        torch.testing.assert_close(gradients[name] / scale, gradient / scale, rtol=1e-3, atol=1e-5)


def test_first_stage_keeps_the_running_statistics_of_batch_norm() -> None:
    """After the same batches, both forms evaluate alike and hold the same statistics."""
    fast, plain = twins(3, "relu")
    for seed in range(3):
        x = torch.rand(4, 1, 16, 16, generator=seeded(seed))
        fast(x), plain(x)
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(fast.state_dict()[name], value, rtol=1e-4, atol=1e-5)
    x = torch.rand(4, 1, 16, 16, generator=seeded(9))
    torch.testing.assert_close(fast.eval()(x), plain.eval()(x), rtol=1e-4, atol=1e-4)


def test_first_stage_passes_gradients_to_patches_that_ask_for_them() -> None:
    """A patch that is itself optimised gets its whole gradient, through the batch's statistics too."""
    fast, plain = twins(3, "elu")
    x = torch.rand(4, 1, 16, 16, generator=seeded(0))
    inputs = [x.clone().requires_grad_() for _ in range(2)]
    for stage, patches in zip((fast, plain), inputs, strict=True):
        run(stage, patches)
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad)


@given(seed=st.integers(0, 2**31), background=st.floats(-100, 100))
@settings(max_examples=25, deadline=None)
def test_moments_do_not_drown_in_a_bright_background(seed: int, background: float) -> None:
    """The variance of a kernel that sees differences alone is right, however bright the patches are."""
    x = background + 1e-3 * torch.randn(2, 1, 12, 12, generator=seeded(seed))
    mean, covariance, n_places = kernel_moments(x, kernel_size_px=3)
    kernel = torch.randn(9, generator=seeded(seed + 1), dtype=torch.float64)
    kernel -= kernel.mean()
    maps = nn.functional.conv2d(x.double(), kernel.view(1, 1, 3, 3), padding=1)
    assert n_places == maps.numel()
    torch.testing.assert_close(kernel @ mean, maps.mean(), rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(kernel @ covariance @ kernel, maps.var(correction=0), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize("edge_px", [1, 2, 8])
def test_decoder_is_the_published_chain_of_transposed_convolutions(edge_px: int, training: bool) -> None:
    """Matrix products over places, put in order at the end, are torch's own layers one after another."""
    decoder = Decoder(activation="relu").train(training)
    layers: list[nn.Module] = []
    for n_in, n_out in zip(CHANNELS[:0:-1], CHANNELS[-2::-1], strict=True):
        layers += [nn.ConvTranspose2d(n_in, n_out, 2, 2), nn.BatchNorm2d(n_out), activation_of("relu")]
    plain = nn.Sequential(*layers, nn.ConvTranspose2d(CHANNELS[0], 1, 2, 2), nn.Sigmoid()).train(training)
    plain.load_state_dict(decoder.state_dict())
    maps = torch.randn(3, CHANNELS[-1], edge_px, edge_px, generator=seeded(0))
    torch.testing.assert_close(decoder(maps), plain(maps), rtol=1e-5, atol=1e-5)
