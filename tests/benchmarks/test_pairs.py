"""How runs are paired, and what is made of them."""

import pytest

from benchmarks.child import Clock
from benchmarks.pairs import Measured, Pairs, SideFailed, run_pairs, run_side
from benchmarks.row import at_most_times, faster, share_of_speed, within


def measured(seconds: float) -> Measured:
    """A run that took so long."""
    return Measured(seconds=seconds, cpu_seconds=seconds, peak_mb=1.0, said={})


def say_hello(clock: Clock, name: str) -> None:
    """A side that says something."""
    with clock.running():
        clock.say(hello=name)


def fail(clock: Clock) -> None:
    """A side that breaks."""
    raise ValueError("as asked")


def test_both_sides_run_in_turn() -> None:
    """Other, ours, other, ours ...: what slows the machine for a while slows both."""
    order: list[str] = []

    def side(name: str, seconds: float) -> Measured:
        order.append(name)
        return measured(seconds)

    pairs = run_pairs(lambda: side("ours", 1.0), lambda: side("other", 3.0))
    assert order == ["other", "ours"] * 5
    assert pairs.speed_up.median == 3.0


@pytest.mark.parametrize(("seconds", "n_pairs"), [(29.0, 5), (31.0, 3)], ids=["short", "long"])
def test_long_pairs_are_run_three_times_and_short_ones_five(seconds: float, n_pairs: int) -> None:
    """A pair is long from a minute on."""
    assert len(run_pairs(lambda: measured(seconds), lambda: measured(seconds)).ours) == n_pairs


def test_the_ratio_is_taken_pair_by_pair() -> None:
    """A slow pair is slow on both sides, and its ratio counts like the others."""
    pairs = Pairs((measured(1), measured(10), measured(1)), (measured(2), measured(20), measured(4)))
    assert (pairs.speed_up.median, pairs.speed_up.least, pairs.speed_up.largest) == (2, 2, 4)


def test_a_side_runs_in_a_process_of_its_own() -> None:
    """It gets its parameters, and what it says and measures comes back."""
    done = run_side("tests.benchmarks.test_pairs:say_hello", {"name": "lake"})
    assert done.said == {"hello": "lake"}
    assert 0 <= done.seconds < 1
    assert done.peak_mb > 5


def test_a_side_that_fails_says_why() -> None:
    """Its last lines are in the error."""
    with pytest.raises(SideFailed, match="as asked"):
        run_side("tests.benchmarks.test_pairs:fail", {})


@pytest.mark.parametrize(
    ("judge", "is_met"),
    [
        (faster(2.9), True),
        (faster(3.1), False),
        (within(2.0), True),
        (within(1.9), False),
        (at_most_times(0.34, of="the other"), True),
        (at_most_times(0.33, of="the other"), False),
        (share_of_speed(2.9, of="the other"), True),
    ],
)
def test_a_goal_is_met_at_its_bound_and_not_beyond(judge: object, is_met: bool) -> None:
    """Ours took 2 s, the other 6 s."""
    assert judge(Pairs((measured(2),), (measured(6),))).is_met is is_met  # type: ignore[operator]
