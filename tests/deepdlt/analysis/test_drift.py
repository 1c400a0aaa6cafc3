"""New images are told apart: like the known ones, of another laser or microscope setting, or no good."""

from dataclasses import replace

import numpy as np
import pytest

from deepdlt.analysis.drift import Judge, Newcomer, Reference

RNG = np.random.default_rng(0)
CODES = RNG.normal(size=(12, 6))
KNOWN = Reference(
    patch_errors=RNG.gamma(20, 0.001, 400),
    image_errors=RNG.gamma(200, 0.0001, 12),
    contrasts=np.linspace(0.08, 0.16, 12),
    codes=CODES,
    pixel_sizes_nm=[10.0, 25.0],
    fields_of_view_um=[8.0, 20.0],
    labels={"NP": frozenset({"10", "20"}), "angle": frozenset({"19"})},
)
ALIKE = Newcomer(0.02, 0.1, CODES[3] + 0.01, 10.0, 8.0, {"NP": "10", "angle": "19"})


@pytest.mark.parametrize(
    ("one", "verdict", "reason"),
    [
        pytest.param(ALIKE, "known", "as known", id="alike"),
        pytest.param(replace(ALIKE, pixel_size_nm=None, field_of_view_um=None), "known", "as known", id="size unknown"),
        pytest.param(replace(ALIKE, pixel_size_nm=10.05), "known", "as known", id="within 1 %"),
        pytest.param(replace(ALIKE, labels={"NP": "320"}), "new condition", "NP=320", id="unseen level"),
        pytest.param(replace(ALIKE, labels={"EP1": "5"}), "new condition", "EP1=5", id="label never seen"),
        pytest.param(replace(ALIKE, pixel_size_nm=11.0), "microscope changed", "11 nm", id="pixel size"),
        pytest.param(replace(ALIKE, field_of_view_um=16.0), "microscope changed", "16 um", id="field of view"),
        pytest.param(replace(ALIKE, code=CODES[3] + 9), "microscope changed", "times as far", id="far code"),
        pytest.param(replace(ALIKE, contrast=0.01, error=0.001), "bad image", "little to see", id="blank"),
        pytest.param(replace(ALIKE, error=0.098), "bad image", "noise", id="noise"),
        pytest.param(replace(ALIKE, error=0.05), "bad image", "above 100.0 %", id="high error"),
        pytest.param(
            replace(ALIKE, error=0.098, labels={"NP": "320"}, pixel_size_nm=3.0), "bad image", "noise", id="noise first"
        ),
        pytest.param(
            replace(ALIKE, labels={"NP": "320"}, pixel_size_nm=3.0), "microscope changed", "3 nm", id="microscope first"
        ),
        pytest.param(
            replace(ALIKE, labels={"NP": "320"}, error=0.05), "new condition", "NP=320", id="condition before error"
        ),
    ],
)
def test_a_new_image_gets_the_first_verdict_that_holds(one: Newcomer, verdict: str, reason: str) -> None:
    """Each with what speaks for it."""
    found = Judge(KNOWN).judge(one)
    assert (found.verdict, reason in found.reason) == (verdict, True), found.reason


def with_faint(contrast: float, error: float) -> Reference:
    """Return 30 known images, one of which shows next to nothing."""
    contrasts, errors = np.linspace(0.08, 0.16, 30), RNG.gamma(200, 0.0001, 30)
    contrasts[7], errors[7] = contrast, error
    return replace(KNOWN, contrasts=contrasts, image_errors=errors)


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(with_faint(0.0, 1e-5), id="flat"),
        pytest.param(with_faint(1e-17, 0.0), id="flat but for rounding"),
        pytest.param(with_faint(1e-5, 1e-4), id="fainter than the model's error"),
    ],
)
def test_one_known_image_that_shows_nothing_hides_no_bad_one(known: Reference) -> None:
    """Noise and a black image are still bad, and an image like the others is known."""
    judge = Judge(known)
    noise, black = (
        judge.judge(one) for one in (replace(ALIKE, error=0.098), replace(ALIKE, contrast=1e-12, error=1e-5))
    )
    assert (noise.verdict, "it looks like noise" in noise.reason) == ("bad image", True)
    assert (black.verdict, "little to see" in black.reason) == ("bad image", True)
    assert judge.judge(ALIKE).verdict == "known"


def test_where_the_model_gives_nothing_back_noise_is_not_told() -> None:
    """Every known image is missed by more than a flat patch misses: a new one of that kind is as they are."""
    known = replace(KNOWN, image_errors=np.full(12, 0.2))
    assert Judge(known).judge(replace(ALIKE, error=0.19)).verdict == "known"


def test_all_that_is_unseen_is_named_whatever_the_verdict() -> None:
    """In the order of the labels."""
    found = Judge(KNOWN).judge(replace(ALIKE, contrast=0.01, labels={"angle": "5.5", "NP": "20", "EP1": "1"}))
    assert (found.verdict, found.unseen_labels) == ("bad image", "EP1=1, angle=5.5")


def test_few_codes_give_no_distance() -> None:
    """Four known images do not say what is far."""
    found = Judge(replace(KNOWN, codes=CODES[:4])).judge(replace(ALIKE, code=CODES[3] + 9))
    assert (found.verdict, found.latent_distance) == ("known", None)


def test_percentile_and_distance_have_their_closed_forms() -> None:
    """The share of smaller errors; 0 on a known code, 1 where it is as lonely as the loneliest known one."""
    reference = replace(KNOWN, patch_errors=np.arange(1, 101) / 1000, codes=np.array([[0.0], [1], [2], [3], [5]]))
    assert Judge(reference).judge(replace(ALIKE, error=0.0305, code=np.array([2.0]))).loss_percentile == 30
    distances = [Judge(reference).judge(replace(ALIKE, code=np.array([x]))).latent_distance for x in (2.0, 7.0)]
    assert distances == [0, pytest.approx(1)]
