"""The closed forms of interference and ripples hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepdlt.synthetic.optics import beam_intensity, dlip_period, lipss_period

PERIODS_UM = st.floats(0.5, 10)
POSITIONS_UM = st.floats(-50, 50)


def test_periods_are_those_of_the_three_angles() -> None:
    """1026 nm at 5.5, 8.5 and 19 degrees give 5.35, 3.47 and 1.58 um."""
    assert dlip_period([5.5, 8.5, 19.0]).round(2).tolist() == [5.35, 3.47, 1.58]


def test_beams_that_meet_head_on_write_half_a_wavelength() -> None:
    """At a half-angle of 90 degrees the period is lambda / 2."""
    assert dlip_period(90, wavelength_nm=800) == pytest.approx(0.4)


@settings(deadline=None)
@given(st.floats(1, 89), st.floats(200, 2000))
def test_the_period_is_proportional_to_the_wavelength(angle_deg: float, wavelength_nm: float) -> None:
    """Twice the wavelength gives twice the period."""
    single = dlip_period(angle_deg, wavelength_nm=wavelength_nm)
    assert dlip_period(angle_deg, wavelength_nm=2 * wavelength_nm) == pytest.approx(2 * single)


@pytest.mark.parametrize("angle_deg", [0, -1, 90.1, float("nan"), [5.5, 0]])
def test_an_angle_without_fringes_is_refused(angle_deg: float) -> None:
    """Beams that do not cross write nothing."""
    with pytest.raises(ValueError, match="angle_deg"):
        dlip_period(angle_deg)


@pytest.mark.parametrize("wavelength_nm", [0, -1, float("nan")])
def test_a_wavelength_that_is_none_is_refused(wavelength_nm: float) -> None:
    """Both periods need a positive wavelength."""
    with pytest.raises(ValueError, match="wavelength_nm"):
        dlip_period(19, wavelength_nm=wavelength_nm)
    with pytest.raises(ValueError, match="wavelength_nm"):
        lipss_period(wavelength_nm=wavelength_nm)


def test_ripples_lie_four_fifths_of_a_wavelength_apart() -> None:
    """0.8 x 1026 nm."""
    assert lipss_period() == pytest.approx(0.8208)


@settings(deadline=None)
@given(st.sampled_from("VHD"), PERIODS_UM, POSITIONS_UM, POSITIONS_UM)
def test_intensity_stays_between_dark_and_peak(pattern: str, period_um: float, x: float, y: float) -> None:
    """No pattern is darker than 0 or brighter than 1."""
    intensity = beam_intensity(np.array(x), np.array(y), pattern=pattern, period_um=period_um)  # type: ignore[arg-type]
    assert 0 <= intensity <= 1


@settings(deadline=None)
@given(PERIODS_UM, POSITIONS_UM, POSITIONS_UM)
def test_fringes_repeat_after_one_period_and_run_straight(period_um: float, x: float, y: float) -> None:
    """V depends on x alone, H on y alone, and both have the period asked for."""
    here = beam_intensity(np.array(x), np.array(y), pattern="V", period_um=period_um)
    assert beam_intensity(np.array(x + period_um), np.array(y + 1), pattern="V", period_um=period_um) == pytest.approx(
        here, abs=1e-9
    )
    assert beam_intensity(np.array(y), np.array(x), pattern="H", period_um=period_um) == here


def test_crossed_pairs_write_a_chequerboard_of_spots() -> None:
    """Peaks at (0, 0) and (1, 1) periods, darkness at (0, 1) and (1, 0), rows one period apart."""
    steps = np.array([0.0, 2.0, 4.0])
    spots = beam_intensity(steps[None, :], steps[:, None], pattern="D", period_um=2.0)
    assert spots == pytest.approx(np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]]), abs=1e-12)


def test_an_unknown_pattern_or_period_is_refused() -> None:
    """The message shows what stood there."""
    with pytest.raises(ValueError, match="got 'X'"):
        beam_intensity(np.zeros(1), np.zeros(1), pattern="X", period_um=1.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="period_um"):
        beam_intensity(np.zeros(1), np.zeros(1), pattern="V", period_um=0.0)
