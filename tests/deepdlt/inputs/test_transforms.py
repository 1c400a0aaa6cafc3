"""Turns are a group on patches and labels, noise has its statistics, spectra their closed forms."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor

from deepdlt.inputs.corruption import add_gaussian_noise, add_salt_and_pepper
from deepdlt.inputs.spectrum import ROUNDING_POWER, fft_denoise, fourier_view, log_power, power_spectrum
from deepdlt.inputs.symmetry import (
    SWAPPED,
    Symmetry,
    compose,
    draw_symmetries,
    inverse,
    turn_label,
    turn_labels,
    turn_patches,
)
from deepdlt.inputs.transforms import CORRUPTIONS, VIEWS, corrupt, make_example, view_patches
from deepdlt.synthetic.optics import Pattern, beam_intensity
from deepdlt.training.target_ranges import TARGET_RANGES, range_bounds

BRIEFLY = settings(deadline=None, max_examples=25)  # the first FFT of a process takes a second or two

RANGES = st.sampled_from(sorted(TARGET_RANGES))
SYMMETRIES = st.sampled_from(Symmetry)
SEEDS = st.integers(0, 2**40)
LABELS = st.one_of(
    *(st.tuples(st.just(column), st.sampled_from([*images, None])) for column, images in SWAPPED.items()),
    st.tuples(st.sampled_from(["angle_deg", "n_pulses", "field_of_view_x_um"]), st.floats(allow_nan=False)),
)


def stream(seed: int = 0) -> torch.Generator:
    """Return a random stream."""
    return torch.Generator().manual_seed(seed)


def random_patches(n: int = 4, *, size_px: int = 16, target_range: str = "unit", seed: int = 0) -> Tensor:
    """Return patches of uniform noise that fill a range, float32."""
    low, high = range_bounds(target_range)
    return torch.rand(n, 1, size_px, size_px, generator=stream(seed)) * (high - low) + low


def fringes(pattern: Pattern, *, size_px: int = 32) -> Tensor:
    """Return one patch of the fringes that beams write, period 8 px, on [0, 1]."""
    place = np.arange(size_px, dtype=np.float64)
    grey = beam_intensity(place[None, :], place[:, None], pattern=pattern, period_um=8.0)
    return torch.from_numpy(np.broadcast_to(grey, (size_px, size_px)).astype(np.float32))[None, None]


def wave(along_rows: int, along_columns: int, *, size_px: int = 32, mean: float = 0.5, swing: float = 0.3) -> Tensor:
    """Return one patch with a pure sinusoid of whole periods, on [0, 1]."""
    row, column = torch.meshgrid(torch.arange(size_px), torch.arange(size_px), indexing="ij")
    phase = 2 * math.pi * (along_rows * row + along_columns * column) / size_px
    return (mean + swing * torch.cos(phase + 0.4))[None, None]


def turned(patches: Tensor, symmetry: Symmetry) -> Tensor:
    """Return all patches turned in the same way."""
    return turn_patches(patches, torch.full((len(patches),), int(symmetry)))


@given(SYMMETRIES, SYMMETRIES)
@BRIEFLY
def test_turning_twice_is_turning_by_the_product(first: Symmetry, second: Symmetry) -> None:
    """Two elements after one another do to a patch what their composition does, bit for bit."""
    patches = random_patches()
    assert torch.equal(turned(turned(patches, first), second), turned(patches, compose(second, first)))


@given(SYMMETRIES, SYMMETRIES, LABELS)
def test_labels_turn_as_a_group(first: Symmetry, second: Symmetry, label: tuple[str, str | float | None]) -> None:
    """Labels turn by the same composition as patches, and the inverse gives the label back."""
    column, value = label
    after_first = turn_label(column, value, symmetry=first)
    assert turn_label(column, after_first, symmetry=second) == turn_label(
        column, value, symmetry=compose(second, first)
    )
    assert turn_label(column, after_first, symmetry=inverse(first)) == value
    assert turn_label(column, value, symmetry=Symmetry.IDENTITY) == value


@given(SYMMETRIES, SYMMETRIES, SYMMETRIES)
def test_the_elements_form_a_group(a: Symmetry, b: Symmetry, c: Symmetry) -> None:
    """Composition is associative, has the identity, and every element has its inverse on both sides."""
    assert compose(compose(a, b), c) is compose(a, compose(b, c))
    assert compose(a, Symmetry.IDENTITY) is compose(Symmetry.IDENTITY, a) is a
    assert compose(a, inverse(a)) is compose(inverse(a), a) is Symmetry.IDENTITY


@pytest.mark.parametrize(
    ("symmetry", "by_numpy"),
    [
        (Symmetry.IDENTITY, lambda x: x),
        (Symmetry.TRANSPOSE, np.transpose),
        (Symmetry.FLIP_ROWS, np.flipud),
        (Symmetry.QUARTER_TURN, np.rot90),
        (Symmetry.FLIP_COLUMNS, np.fliplr),
        (Symmetry.THREE_QUARTER_TURN, lambda x: np.rot90(x, 3)),
        (Symmetry.HALF_TURN, lambda x: np.rot90(x, 2)),
        (Symmetry.ANTI_TRANSPOSE, lambda x: np.rot90(x, 2).T),
    ],
    ids=[symmetry.name for symmetry in Symmetry],
)
def test_every_element_does_what_its_name_says(symmetry: Symmetry, by_numpy: Callable[..., np.ndarray]) -> None:
    """Each of the eight equals the numpy function of its name."""
    patch = random_patches(1)
    assert np.array_equal(turned(patch, symmetry)[0, 0].numpy(), by_numpy(patch[0, 0].numpy()))


def test_four_quarter_turns_change_nothing() -> None:
    """A patch is itself again after the fourth quarter turn and not before."""
    patches = after = random_patches()
    for _ in range(3):
        after = turned(after, Symmetry.QUARTER_TURN)
        assert not torch.equal(after, patches)
    assert torch.equal(turned(after, Symmetry.QUARTER_TURN), patches)


@pytest.mark.parametrize("symmetry", Symmetry, ids=lambda symmetry: symmetry.name)
@pytest.mark.parametrize("pattern", ["V", "H", "D"])
def test_a_turned_pattern_shows_its_turned_label(pattern: Pattern, symmetry: Symmetry) -> None:
    """The spectrum of turned fringes is that of the fringes that the turned label names."""
    label = turn_label("pattern", pattern, symmetry=symmetry)
    seen = power_spectrum(turned(fringes(pattern), symmetry))
    spectra = {name: power_spectrum(fringes(name)) for name in ("V", "H", "D")}
    assert [name for name, named in spectra.items() if torch.allclose(seen, named, atol=1e-4)] == [label]


@pytest.mark.parametrize("symmetry", Symmetry, ids=lambda symmetry: symmetry.name)
@pytest.mark.parametrize("column", ["pattern", "pattern_1", "pattern_2", "polarisation_1", "polarisation_2"])
def test_every_column_that_names_a_direction_turns(column: str, symmetry: Symmetry) -> None:
    """V becomes H and H becomes V under the four elements that swap rows and columns, and under no other."""
    is_swapped = symmetry.name in ("TRANSPOSE", "QUARTER_TURN", "THREE_QUARTER_TURN", "ANTI_TRANSPOSE")
    assert [turn_label(column, value, symmetry=symmetry) for value in "VH"] == list("HV" if is_swapped else "VH")


def test_only_directions_turn() -> None:
    """A quarter turn swaps H and V of patterns and polarisations and leaves every other label alone."""
    labels = {"pattern": "V", "pattern_1": None, "pattern_2": "D", "polarisation_1": "H", "polarisation_2": None}
    others = {"angle_deg": 5.5, "n_pulses": 10, "field_of_view_x_um": 40.0, "name": "V"}
    after = turn_labels(labels | others, symmetry=Symmetry.QUARTER_TURN)
    assert after == others | labels | {"pattern": "H", "polarisation_1": "V"}
    assert turn_labels(labels | others, symmetry=Symmetry.FLIP_COLUMNS) == labels | others


@pytest.mark.parametrize("symmetry", [Symmetry.IDENTITY, Symmetry.QUARTER_TURN])
def test_an_unknown_direction_is_refused(symmetry: Symmetry) -> None:
    """A value whose turned form is not known is named, rather than kept and wrong."""
    with pytest.raises(ValueError, match="polarisation_1 'D' cannot be turned: only V, H"):
        turn_label("polarisation_1", "D", symmetry=symmetry)


def test_every_patch_has_its_own_turn() -> None:
    """In one batch, each patch is turned by its own element."""
    patches = random_patches(8)
    together = turn_patches(patches, torch.arange(8))
    alone = torch.cat([turned(patches[i : i + 1], Symmetry(i)) for i in range(8)])
    assert torch.equal(together, alone)


def test_turns_are_drawn_evenly_and_by_seed() -> None:
    """A chi-square test on 8,000 draws sees no favourite; the same seed gives the same draws."""
    drawn = draw_symmetries(8000, generator=stream(1))
    assert stats.chisquare(torch.bincount(drawn, minlength=8).numpy()).pvalue > 1e-3
    assert torch.equal(drawn, draw_symmetries(8000, generator=stream(1)))
    assert not torch.equal(drawn, draw_symmetries(8000, generator=stream(2)))


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


@given(SEEDS, RANGES)
@BRIEFLY
def test_power_is_kept(seed: int, target_range: str) -> None:
    """The sum of the power over all components is the sum of squares over all pixels (Parseval)."""
    patches = random_patches(target_range=target_range, seed=seed).double()
    torch.testing.assert_close(power_spectrum(patches).sum((1, 2, 3)), patches.square().sum((1, 2, 3)))


def test_a_wave_has_two_components_beside_the_mean() -> None:
    """A sinusoid's power lies at its wave number and the opposite one, a quarter of S^2 swing^2 at each."""
    power = power_spectrum(wave(3, 5).double())[0, 0]
    expected = torch.zeros(32, 32, dtype=torch.float64)
    expected[3, 5] = expected[-3, -5] = 0.3**2 * 32**2 / 4
    expected[0, 0] = 0.5**2 * 32**2
    torch.testing.assert_close(power, expected, atol=1e-3, rtol=0)


@given(st.integers(0, 16), st.integers(0, 16), st.floats(0, 1), st.floats(0.01, 0.3))
@BRIEFLY
def test_a_pure_wave_survives_denoising(along_rows: int, along_columns: int, threshold: float, swing: float) -> None:
    """Whatever the threshold, a single sinusoid comes out as it went in: it is the strongest component."""
    patch = wave(along_rows, along_columns, swing=swing)
    torch.testing.assert_close(fft_denoise(patch, threshold=threshold, target_range="unit"), patch, atol=1e-5, rtol=0)


def test_a_component_stays_whole_or_goes() -> None:
    """A threshold at the very magnitude of a component never keeps it and drops the opposite one."""
    patch = 0.4 + 0.2 * random_patches(1, size_px=32)
    magnitude = torch.fft.fft2(patch).abs()
    magnitude[..., 0, 0] = 0
    for threshold in (magnitude / magnitude.amax()).flatten()[1::7].tolist():
        clean = torch.fft.fft2(fft_denoise(patch, threshold=threshold, target_range="unit")).abs()
        left = (clean / magnitude.clamp(min=1e-9))[magnitude > 1e-3]
        assert float(torch.minimum(left, (left - 1).abs()).max()) < 0.1


def test_denoising_takes_noise_off_a_wave() -> None:
    """A wave under noise comes back with less than a hundredth of the noise's power."""
    clean = wave(3, 5).expand(8, 1, 32, 32)
    noisy = add_gaussian_noise(clean, std=0.05, target_range="unit", generator=stream())
    left = fft_denoise(noisy, threshold=0.5, target_range="unit") - clean
    assert float(left.square().mean()) < 0.01 * float((noisy - clean).square().mean())


def test_the_threshold_is_relative_to_the_strongest_wave() -> None:
    """Of two waves with swings 4 to 1, the weaker one goes above a threshold of 1/4 and stays below it."""
    strong, weak = wave(2, 3, swing=0.2), wave(5, 1, mean=0, swing=0.05)
    low = fft_denoise(strong + weak, threshold=0.24, target_range="unit")
    high = fft_denoise(strong + weak, threshold=0.26, target_range="unit")
    torch.testing.assert_close(low, strong + weak, atol=1e-5, rtol=0)
    torch.testing.assert_close(high, strong, atol=1e-5, rtol=0)


def test_denoising_does_not_depend_on_brightness_or_range() -> None:
    """A brighter patch, and the same patch on [-1, 1], lose the same components."""
    patches = random_patches() * 0.5 + 0.2
    clean = fft_denoise(patches, threshold=0.6, target_range="unit")
    brighter = fft_denoise(patches + 0.1, threshold=0.6, target_range="unit")
    signed = fft_denoise(patches * 2 - 1, threshold=0.6, target_range="signed")
    torch.testing.assert_close(brighter - 0.1, clean, atol=1e-5, rtol=0)
    torch.testing.assert_close((signed + 1) / 2, clean, atol=1e-5, rtol=0)


@pytest.mark.parametrize("grey", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0])
def test_a_flat_patch_stays_flat(grey: float, threshold: float) -> None:
    """A patch of one grey has no strongest component and is left as it is."""
    patch = torch.full((1, 1, 16, 16), grey)
    torch.testing.assert_close(fft_denoise(patch, threshold=threshold, target_range="unit"), patch)


@given(SEEDS)
@BRIEFLY
def test_the_fourier_view_is_the_power_on_a_log_scale(seed: int) -> None:
    """The power can be had back from the view; the mean lies in its centre; the scale runs from black to white."""
    patches = random_patches(seed=seed).double()
    view = torch.fft.ifftshift(fourier_view(patches, target_range="unit"), dim=(-2, -1))
    power = ROUNDING_POWER * torch.expm1(view * math.log1p(16**2 / ROUNDING_POWER))
    torch.testing.assert_close(power, power_spectrum(patches))
    centre = fourier_view(patches, target_range="unit")[:, :, 8, 8]
    torch.testing.assert_close(centre, log_power(patches)[:, :, 0, 0])


@pytest.mark.parametrize("target_range", TARGET_RANGES)
def test_the_fourier_view_of_black_and_white_is_known(target_range: str) -> None:
    """Black has no power at all; white has the greatest there is, at the mean, and none elsewhere."""
    low, high = range_bounds(target_range)
    black = fourier_view(torch.full((1, 1, 16, 16), low), target_range=target_range)
    white = fourier_view(torch.full((1, 1, 16, 16), high), target_range=target_range)
    expected = torch.full((1, 1, 16, 16), low)
    assert torch.equal(black, expected)
    expected[0, 0, 8, 8] = high
    torch.testing.assert_close(white, expected, atol=1e-6, rtol=0)


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
