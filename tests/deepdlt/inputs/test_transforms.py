"""Noise has its statistics, and an example is made of a clean target and what was asked for."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_patches import random_patches, stream
from scipy import stats
from torch import Tensor

from deepdlt.inputs.corruption import add_gaussian_noise, add_salt_and_pepper
from deepdlt.inputs.spectrum import fft_denoise
from deepdlt.inputs.symmetry import (
    turn_patches,
)
from deepdlt.inputs.transforms import CORRUPTIONS, VIEWS, corrupt, make_example, view_patches
from deepdlt.training.target_ranges import TARGET_RANGES, range_bounds

BRIEFLY = settings(deadline=None, max_examples=25)  # the first FFT of a process takes a second or two
RANGES = st.sampled_from(sorted(TARGET_RANGES))
SEEDS = st.integers(0, 2**40)


@pytest.mark.parametrize("target_range", TARGET_RANGES)
def test_gaussian_noise_has_its_deviation_and_no_bias(target_range: str) -> None:
    """On grey, noise of 5 % of the range has that deviation, mean 0 and a normal distribution."""
    low, high = range_bounds(target_range)
    grey = torch.full((16, 1, 32, 32), (low + high) / 2)
    noise = (add_gaussian_noise(grey, std=0.05, target_range=target_range, generator=stream()) - grey) / (high - low)
    # 16,384 draws: the deviation's own deviation is 0.55 %, the mean's 0.0004.
    assert float(noise.std()) == pytest.approx(0.05, rel=0.02)
    assert float(noise.mean()) == pytest.approx(0, abs=0.0015)
    assert stats.kstest(noise.flatten().numpy() / 0.05, "norm").pvalue > 1e-3


@pytest.mark.parametrize("target_range", TARGET_RANGES)
def test_salt_and_pepper_have_their_shares(target_range: str) -> None:
    """Of 65,536 grey pixels a tenth is replaced, half by white and half by black; the rest stays grey."""
    low, high = range_bounds(target_range)
    grey = torch.full((16, 1, 64, 64), (low + high) / 2)
    noisy = add_salt_and_pepper(grey, share=0.1, target_range=target_range, generator=stream())
    share = {value: float((noisy == value).float().mean()) for value in (low, high, (low + high) / 2)}
    # Standard deviation of each share: 0.0009.
    assert share[low] == pytest.approx(0.05, abs=0.004)
    assert share[high] == pytest.approx(0.05, abs=0.004)
    assert sum(share.values()) == pytest.approx(1)


def test_a_level_of_zero_is_no_noise_and_one_replaces_all() -> None:
    """Without noise the pixels are the same bits; a share of 1 leaves black and white alone."""
    patches = random_patches()
    assert torch.equal(add_gaussian_noise(patches, std=0, target_range="unit", generator=stream()), patches)
    assert torch.equal(add_salt_and_pepper(patches, share=0, target_range="unit", generator=stream()), patches)
    replaced = add_salt_and_pepper(patches, share=1, target_range="unit", generator=stream())
    assert set(replaced.unique().tolist()) == {0.0, 1.0}


@given(st.sampled_from(VIEWS), st.sampled_from(CORRUPTIONS), RANGES, st.floats(0, 1), st.booleans(), SEEDS)
@BRIEFLY
def test_shape_type_and_range_are_kept(
    view: str, corruption: str, target_range: str, level: float, is_turned: bool, seed: int
) -> None:
    """Whatever is done to a batch, inputs and targets have its shape and type and stay on its range."""
    low, high = range_bounds(target_range)
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        patches = random_patches(2, target_range=target_range, seed=seed).to(dtype)
        before = patches.clone()
        example = make_example(
            patches,
            target_range=target_range,
            generator=stream(seed),
            is_turned=is_turned,
            view=view,
            threshold=level,
            corruption=corruption,
            level=level,
        )
        for made in (example.input, example.target):
            assert (made.shape, made.dtype) == (patches.shape, dtype)
            assert low <= float(made.min())
            assert float(made.max()) <= high
        assert torch.equal(patches, before)


@pytest.mark.parametrize("corruption", CORRUPTIONS[1:])
@pytest.mark.parametrize("view", VIEWS)
def test_the_target_stays_clean(corruption: str, view: str) -> None:
    """Noise changes the input and nothing else: the target is the clean view, bit for bit."""
    patches = random_patches()
    noisy, target, symmetries = make_example(
        patches, target_range="unit", generator=stream(), view=view, corruption=corruption, level=0.2
    )
    assert torch.equal(target, view_patches(patches, view=view, target_range="unit"))
    assert symmetries is None
    assert not torch.equal(noisy, target)


@pytest.mark.parametrize("corruption", CORRUPTIONS[1:])
def test_the_same_seed_makes_the_same_example(corruption: str) -> None:
    """One seed gives one example; another one gives other turns and other noise."""
    patches = random_patches(16)

    def make(seed: int) -> list[Tensor]:
        options = {"is_turned": True, "corruption": corruption, "level": 0.1}
        example = make_example(patches, target_range="unit", generator=stream(seed), **options)  # type: ignore[arg-type]
        return [part for part in example if part is not None]

    assert all(torch.equal(a, b) for a, b in zip(make(1), make(1), strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(make(1), make(2), strict=True))


def test_the_target_is_turned_as_the_symmetries_say() -> None:
    """The turn of each patch that is reported is the one that was done, to input and target alike."""
    patches = random_patches(32)
    noisy, target, symmetries = make_example(patches, target_range="unit", generator=stream(), is_turned=True)
    assert symmetries is not None
    assert torch.equal(target, turn_patches(patches, symmetries))
    assert noisy is target


def test_nothing_is_drawn_where_nothing_is_random() -> None:
    """Without turns and noise the stream is left alone, and the batch is the very same tensor."""
    patches, generator = random_patches(), stream()
    example = make_example(patches, target_range="unit", generator=generator)
    assert example.input is example.target is patches
    assert torch.equal(generator.get_state(), stream().get_state())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: view_patches(x, view="wavelet", target_range="unit"), ValueError, "pixels, fft_denoised, fourier"),
        (lambda x: view_patches(x, view="pixels", target_range="half"), ValueError, "signed, unit"),
        (lambda x: view_patches(x[0], view="pixels", target_range="unit"), ValueError, r"\(B, 1, S, S\)"),
        (lambda x: view_patches(x.int(), view="fourier", target_range="unit"), TypeError, "int32"),
        (lambda x: fft_denoise(x, threshold=1.5, target_range="unit"), ValueError, "threshold must be in"),
        (
            lambda x: corrupt(x, corruption="snow", level=0.1, target_range="unit", generator=stream()),
            ValueError,
            "none, gaussian, salt_and_pepper",
        ),
        (
            lambda x: add_gaussian_noise(x, std=-0.1, target_range="unit", generator=stream()),
            ValueError,
            "not negative, got -0.1",
        ),
        (
            lambda x: add_salt_and_pepper(x, share=1.1, target_range="unit", generator=stream()),
            ValueError,
            r"in \[0, 1\], got 1.1",
        ),
        (lambda x: turn_patches(x, torch.arange(3)), ValueError, "4 patches need as many symmetries"),
    ],
)
def test_what_cannot_be_done_is_named(call: Callable[[Tensor], object], error: type[Exception], message: str) -> None:
    """A name, number, shape or type that is refused stands in the message."""
    with pytest.raises(error, match=message):
        call(random_patches())
