"""Learning rates and the weight of the divergence follow their closed forms and survive a resume."""

import json
import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR, ReduceLROnPlateau

from deepdlt.training.patience import EarlyStopping
from deepdlt.training.schedules import SCHEDULES, Plateau, build_schedule, cosine_factor, kl_weight, one_cycle_factor

LEARNING_RATE = 0.01
LOSSES = st.lists(st.floats(0, 10) | st.sampled_from([1.0, 2.0, math.nan, math.inf]), max_size=40)


def optimiser() -> torch.optim.Optimizer:
    """Return an optimiser over one weight that never moves."""
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LEARNING_RATE)


def torch_factors(scheduler: LRScheduler, n_steps: int) -> Iterator[float]:
    """Yield the factors that torch takes, from step 0."""
    for _ in range(n_steps):
        yield scheduler.get_last_lr()[0] / LEARNING_RATE
        scheduler.optimizer.step()
        scheduler.step()


@pytest.mark.parametrize("floor", [0.0, 0.05])
def test_cosine_is_that_of_torch(floor: float) -> None:
    """Every factor of 50 steps equals the one of torch's scheduler, which recurs where ours computes."""
    theirs = CosineAnnealingLR(optimiser(), T_max=50, eta_min=floor * LEARNING_RATE)
    ours = [cosine_factor(step, n_steps=50, floor=floor) for step in range(51)]
    assert ours == pytest.approx(list(torch_factors(theirs, 51)), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("n_steps", "warm_up"), [(50, 0.3), (50, 0.1), (37, 0.29), (8, 0.5), (20, 1.0)])
def test_one_cycle_is_that_of_torch(n_steps: int, warm_up: float) -> None:
    """Every factor equals the one of torch's scheduler, also where the peak falls between two steps."""
    theirs = OneCycleLR(optimiser(), LEARNING_RATE, total_steps=n_steps, pct_start=warm_up, cycle_momentum=False)
    ours = [one_cycle_factor(step, n_steps=n_steps, warm_up=warm_up) for step in range(n_steps)]
    assert ours[:-1] == pytest.approx(list(torch_factors(theirs, n_steps - 1)), rel=1e-9)
    assert ours[-1] == pytest.approx(theirs.get_last_lr()[0] / LEARNING_RATE, rel=1e-9)


@given(LOSSES, st.integers(0, 4), st.sampled_from([0.0, 0.5]), st.sampled_from([0.0, 0.3]))
@settings(deadline=None)  # torch's first optimiser takes a second
def test_plateau_is_that_of_torch(losses: list[float], patience: int, min_delta: float, floor: float) -> None:
    """Whatever the losses, NaN among them, both lower the rate after the same epochs."""
    ours = Plateau(reduce_by=0.5, patience=patience, min_delta=min_delta, floor=floor)
    theirs = ReduceLROnPlateau(
        optimiser(), "min", 0.5, patience, min_delta, "abs", min_lr=floor * LEARNING_RATE, eps=0.0
    )
    for loss in losses:
        ours.observe(loss)
        theirs.step(loss)
        assert ours.factor(0) * LEARNING_RATE == pytest.approx(theirs.optimizer.param_groups[0]["lr"], rel=1e-9)


@given(st.integers(1, 500), st.integers(0, 600), st.floats(0, 1), st.floats(0, 1))
def test_no_factor_leaves_its_bounds(n_steps: int, step: int, floor: float, warm_up: float) -> None:
    """Every factor is above 0 or at the floor, and at most 1, also after the budget is spent."""
    assert floor <= cosine_factor(step, n_steps=n_steps, floor=floor) <= 1
    assert 0 < one_cycle_factor(step, n_steps=n_steps, warm_up=warm_up) <= 1


@given(st.integers(1, 500), st.integers(0, 500))
def test_cosine_falls_to_its_floor(n_steps: int, step: int) -> None:
    """The factor starts at 1, never rises, and stays at the floor from the last step on."""
    assert cosine_factor(0, n_steps=n_steps) == 1
    assert cosine_factor(step + 1, n_steps=n_steps) <= cosine_factor(step, n_steps=n_steps)
    assert cosine_factor(n_steps + step, n_steps=n_steps, floor=0.1) == 0.1


@given(st.integers(1, 500), st.floats(0, 1))
def test_one_cycle_has_one_peak(n_steps: int, warm_up: float) -> None:
    """The factor rises up to its warm-up share of the steps and falls from there."""
    factors = [one_cycle_factor(step, n_steps=n_steps, warm_up=warm_up) for step in range(n_steps)]
    peak = max(warm_up * n_steps - 1, 0)
    for step, (now, later) in enumerate(pairwise(factors)):
        assert now <= later or step + 1 > peak
        assert now >= later or step < peak


def test_one_cycle_without_warm_up_starts_at_the_peak() -> None:
    """The first of the steps has the whole learning rate, also where it is the only one."""
    assert one_cycle_factor(0, n_steps=10, warm_up=0) == 1
    assert one_cycle_factor(0, n_steps=1) == 1


@given(st.integers(0, 100), st.integers(0, 50), st.floats(0, 1000))
def test_the_divergence_is_weighed_along_a_ramp(step: int, n_warm_up_steps: int, beta: float) -> None:
    """The weight is beta times the share of the warm-up that is over, and beta from its end on."""
    share = step / n_warm_up_steps if step < n_warm_up_steps else 1
    weight = kl_weight(step, beta=beta, n_warm_up_steps=n_warm_up_steps)
    assert weight == pytest.approx(beta * share)
    assert weight <= beta
    assert step < n_warm_up_steps or weight == beta


@given(LOSSES, LOSSES, st.integers(0, 4))
def test_a_state_resumes_exactly(before: list[float], after: list[float], patience: int) -> None:
    """A plateau and a stopping rule that were written as JSON go on as if nothing had happened."""
    for kind in (Plateau, EarlyStopping):
        through = kind(patience=patience)
        for loss in before:
            through.observe(loss)
        resumed = kind(patience=patience)
        resumed.load_state_dict(json.loads(json.dumps(through.state_dict(), allow_nan=False)))
        for loss in after:
            through.observe(loss)
            resumed.observe(loss)
        assert resumed.state_dict() == through.state_dict()


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_keeps_a_state(name: str) -> None:
    """Each schedule gives its state as JSON and takes it back; the state of something else is refused."""
    schedule = build_schedule(name, n_steps=10)
    for loss in (0.5, 0.4, 0.4):
        schedule.observe(loss)
    other = build_schedule(name, n_steps=10)
    other.load_state_dict(json.loads(json.dumps(schedule.state_dict())))
    assert other.state_dict() == schedule.state_dict()
    assert [other.factor(step) for step in range(10)] == [schedule.factor(step) for step in range(10)]
    with pytest.raises(ValueError, match="a state must have the keys"):
        other.load_state_dict({"stranger": 1.0})


def test_names_lead_to_their_curves() -> None:
    """Each name gives its own curve, with the numbers that belong to it."""
    at = {
        name: build_schedule(name, n_steps=20, floor=0.2, warm_up=0.5, patience=0, reduce_by=0.5) for name in SCHEDULES
    }
    at["plateau"].observe(1.0)
    at["plateau"].observe(1.0)
    assert at["constant"].factor(7) == 1
    assert at["cosine"].factor(7) == cosine_factor(7, n_steps=20, floor=0.2)
    assert at["one_cycle"].factor(7) == one_cycle_factor(7, n_steps=20, warm_up=0.5)
    assert at["plateau"].factor(7) == 0.5


def test_stopping_waits_for_its_patience() -> None:
    """With a patience of 2, two epochs without improvement are borne and the third is too many."""
    stopping = EarlyStopping(patience=2)
    exhausted = []
    for loss in (1.0, 0.8, 0.9, 0.8, 0.7, 0.7, 0.9, 0.8):
        stopping.observe(loss)
        exhausted.append(stopping.is_exhausted)
    assert exhausted == [False] * 7 + [True]
    assert stopping.best == 0.7


def test_too_small_an_improvement_does_not_count() -> None:
    """Losses that creep down by less than `min_delta` an epoch do not put the stop off, until they add up."""
    stopping = EarlyStopping(patience=1, min_delta=0.25)
    bests = []
    for loss in (1.0, 0.9, 0.7, 0.6, 0.5):
        stopping.observe(loss)
        bests.append(stopping.best)
    assert bests == [1.0, 1.0, 0.7, 0.7, 0.7]
    assert stopping.is_exhausted


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: build_schedule("linear", n_steps=10), "constant, cosine, one_cycle, plateau"),
        (lambda: build_schedule("cosine", n_steps=0), "n_steps"),
        (lambda: build_schedule("cosine", n_steps=10, floor=1.5), "floor"),
        (lambda: build_schedule("one_cycle", n_steps=10, warm_up=-0.1), "warm_up"),
        (lambda: build_schedule("plateau", n_steps=10, reduce_by=1.0), "reduce_by"),
        (lambda: build_schedule("plateau", n_steps=10, floor=2.0), "floor"),
        (lambda: build_schedule("plateau", n_steps=10, patience=-1), "patience"),
        (lambda: build_schedule("plateau", n_steps=10, min_delta=math.nan), "min_delta"),
        (lambda: cosine_factor(-1, n_steps=10), "step"),
        (lambda: kl_weight(-1, beta=1.0, n_warm_up_steps=10), "negative"),
        (lambda: kl_weight(0, beta=-1.0, n_warm_up_steps=10), "beta"),
        (lambda: kl_weight(0, beta=math.inf, n_warm_up_steps=10), "beta"),
    ],
)
def test_numbers_out_of_bounds_are_named(call: Callable[[], object], message: str) -> None:
    """A name or number that is refused stands in the message, with what would be right."""
    with pytest.raises(ValueError, match=message):
        call()
