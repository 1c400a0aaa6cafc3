"""Turns are a group on patches and labels, and turn what they must."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_patches import random_patches, stream
from scipy import stats
from torch import Tensor

from deepdlt.inputs.spectrum import power_spectrum
from deepdlt.inputs.symmetry import (
    SWAPPED,
    Symmetry,
    draw_symmetries,
    turn_label,
    turn_labels,
    turn_patches,
)
from deepdlt.synthetic.optics import Pattern, beam_intensity

BRIEFLY = settings(deadline=None, max_examples=25)  # the first FFT of a process takes a second or two
SYMMETRIES = st.sampled_from(Symmetry)
LABELS = st.one_of(
    *(st.tuples(st.just(column), st.sampled_from([*images, None])) for column, images in SWAPPED.items()),
    st.tuples(st.sampled_from(["angle_deg", "n_pulses", "field_of_view_x_um"]), st.floats(allow_nan=False)),
)


def fringes(pattern: Pattern, *, size_px: int = 32) -> Tensor:
    """Return one patch of the fringes that beams write, period 8 px, on [0, 1]."""
    place = np.arange(size_px, dtype=np.float64)
    grey = beam_intensity(place[None, :], place[:, None], pattern=pattern, period_um=8.0)
    return torch.from_numpy(np.broadcast_to(grey, (size_px, size_px)).astype(np.float32))[None, None]


def turned(patches: Tensor, symmetry: Symmetry) -> Tensor:
    """Return all patches turned in the same way."""
    return turn_patches(patches, torch.full((len(patches),), int(symmetry)))


def product(second: Symmetry, first: Symmetry) -> Symmetry:
    """Return the one element that does to four pixels what two do one after the other."""
    pixels = torch.arange(4.0).view(1, 1, 2, 2)
    after = turned(turned(pixels, first), second)
    (same,) = [one for one in Symmetry if torch.equal(turned(pixels, one), after)]
    return same


@given(SYMMETRIES, SYMMETRIES)
@BRIEFLY
def test_turning_twice_is_turning_by_the_product(first: Symmetry, second: Symmetry) -> None:
    """Two elements after one another do to any patch what one of the eight does, bit for bit."""
    patches = random_patches()
    assert torch.equal(turned(turned(patches, first), second), turned(patches, product(second, first)))


@given(SYMMETRIES, SYMMETRIES, LABELS)
def test_labels_turn_as_a_group(first: Symmetry, second: Symmetry, label: tuple[str, str | float | None]) -> None:
    """Labels turn by the same product as patches, and the element that undoes another gives the label back."""
    column, value = label
    after_first = turn_label(column, value, symmetry=first)
    after_both = turn_label(column, after_first, symmetry=second)
    assert after_both == turn_label(column, value, symmetry=product(second, first))
    (back,) = [one for one in Symmetry if product(one, first) is Symmetry.IDENTITY]
    assert turn_label(column, after_first, symmetry=back) == value
    assert turn_label(column, value, symmetry=Symmetry.IDENTITY) == value


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
