"""Power over spatial frequency: closed forms."""

import numpy as np
import pytest

from deepdlt.figures.radial_power import radial_power


@pytest.mark.parametrize("cycles", [4, 8, 20])
@pytest.mark.parametrize("axis", [1, 2])
def test_a_sine_peaks_at_its_frequency(cycles: int, axis: int) -> None:
    """Whichever way it runs; a Hann window spreads it to the next ring and no further."""
    wave = 0.5 + 0.25 * np.sin(2 * np.pi * cycles * np.arange(64) / 64)
    patch = np.expand_dims(wave, (0, 3 - axis)) * np.ones((1, 64, 64))
    found = radial_power(patch)
    assert found.frequency[found.power.argmax()] == cycles / 64
    far = np.abs(found.frequency * 64 - cycles) > 2
    assert found.power[far].max() < 1e-6 * found.power.max()


def test_white_noise_has_its_variance_in_every_ring() -> None:
    """The transform is orthonormal and the window leaves the power as it is; taking the mean off costs the first."""
    noise = 0.5 + 0.1 * np.random.default_rng(0).standard_normal((400, 32, 32))
    first, *rest = radial_power(noise).power
    np.testing.assert_allclose(rest, 0.01, rtol=0.05)
    assert 0.008 < first < 0.01


def test_brightness_does_not_count_and_contrast_does() -> None:
    """A constant added changes nothing; half the contrast is a quarter of the power."""
    noise = np.random.default_rng(0).uniform(0, 0.5, (3, 16, 16))
    power = radial_power(noise).power
    np.testing.assert_allclose(radial_power(noise + 0.4).power, power, rtol=1e-4)
    np.testing.assert_allclose(radial_power(noise / 2).power, power / 4, rtol=1e-5)


def test_rings_reach_the_nyquist_frequency() -> None:
    """One ring a cycle, from one a patch to one in two pixels."""
    found = radial_power(np.random.default_rng(0).uniform(size=(1, 16, 16)))
    assert found.frequency.tolist() == [k / 16 for k in range(1, 9)]
    assert found.power.shape == (8,)


@pytest.mark.parametrize("shape", [(0, 8, 8), (1, 8, 9), (8, 8), (1, 2, 2)])
def test_what_is_no_stack_of_patches_is_refused(shape: tuple[int, ...]) -> None:
    """The message has the shape."""
    with pytest.raises(ValueError, match="must have shape"):
        radial_power(np.zeros(shape))
