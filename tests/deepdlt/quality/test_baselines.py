"""Floors, ceilings and the flat patch."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from deepdlt.quality.baselines import ceiling_psnr_paper_db, clip_floor_mse, flat_mse
from deepdlt.quality.metrics import mse, psnr_paper_db


def signed(seed: int, n: int = 4) -> Tensor:
    """Return targets on [-1, 1]."""
    generator = torch.Generator()
    generator.manual_seed(seed)
    return 2 * torch.rand(n, 1, 8, 8, generator=generator) - 1


@given(seed=st.integers(0, 2**32), other=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_no_output_in_reach_is_better_than_floor_and_ceiling(seed: int, other: int) -> None:
    """Any image on [0, 1] has at least the floor's error and at most the ceiling's PSNR."""
    targets, output = signed(seed), (signed(other) + 1) / 2
    for candidate in (output, 0.9 * targets.clamp(0, 1) + 0.1 * output):
        assert (mse(candidate, targets) >= clip_floor_mse(targets)).all()
        assert (psnr_paper_db(candidate, targets) <= ceiling_psnr_paper_db(targets)).all()


def test_the_floor_is_what_lies_below_black() -> None:
    """Half the pixels at -1 and half at 0.5: the floor is 0.5, and the ceiling follows from it."""
    targets = torch.full((1, 1, 8, 8), 0.5)
    targets[..., :4] = -1
    assert clip_floor_mse(targets).item() == pytest.approx(0.5)
    assert ceiling_psnr_paper_db(targets).item() == pytest.approx(10 * torch.log10(torch.tensor(1.5**2 / 0.5)).item())


def test_what_lies_in_reach_has_no_floor() -> None:
    """Targets on [0, 1] can be met."""
    assert clip_floor_mse((signed(0) + 1) / 2).max() == 0


def test_the_flat_patch_costs_the_variance() -> None:
    """A patch's own mean leaves its variance."""
    targets = signed(1)
    torch.testing.assert_close(flat_mse(targets), targets.double().var((1, 2, 3), unbiased=False))


@given(seed=st.integers(0, 2**32), level=st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_the_clipped_flat_patch_is_the_best_flat_one_in_reach(seed: int, level: float) -> None:
    """No constant on [0, 1] beats it, and without bounds it can only be better."""
    targets = signed(seed) - 0.3
    clipped = flat_mse(targets, low=0, high=1)
    assert (clipped >= flat_mse(targets)).all()
    assert (clipped <= mse(torch.full_like(targets, level), targets) + 1e-12).all()


def test_a_black_patch_is_out_of_reach_by_its_whole_range() -> None:
    """A target at -1 costs nothing if -1 can be said, and 1 where black is 0."""
    black = torch.full((1, 1, 8, 8), -1.0)
    assert flat_mse(black).item() == 0
    assert flat_mse(black, low=0, high=1).item() == 1
