"""What changes in the course of a training: the learning rate and the weight of the KL divergence.

A learning rate is the run's `learning_rate` times a factor. Constant, cosine and one-cycle factors
depend on the step alone, so a resumed training needs nothing but its step. Their budget `n_steps` is
part of what they are: a training with a longer one is another training from its first step. A plateau
depends on the losses so far; that state is a few JSON values. Early stopping is in `deepdlt.training.patience`.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from deepdlt.training.patience import EarlyStopping, Patience, State, check_keys
from deepdlt.training.schedule_curves import check_share, cosine_factor, kl_weight, one_cycle_factor

__all__ = [
    "SCHEDULES",
    "EarlyStopping",
    "Plateau",
    "Schedule",
    "State",
    "build_schedule",
    "cosine_factor",
    "kl_weight",
    "one_cycle_factor",
]

SCHEDULES = ("constant", "cosine", "one_cycle", "plateau")


class Schedule(Protocol):
    """A learning rate schedule, whatever it depends on."""

    def factor(self, step: int) -> float:
        """Return what the learning rate is multiplied by at a step, counted from 0."""

    def observe(self, loss: float) -> None:
        """Take note of the validation loss of an epoch that has ended."""

    def state_dict(self) -> State:
        """Return what has been observed, as JSON values."""

    def load_state_dict(self, state: State) -> None:
        """Take up a state that `state_dict` gave."""


class StepSchedule:
    """A schedule that depends on the step alone.

    Parameters
    ----------
    factor_at : callable
        From the step, counted from 0, to the factor.
    """

    def __init__(self, factor_at: Callable[[int], float]) -> None:
        self._factor_at = factor_at

    def factor(self, step: int) -> float:
        """Return what the learning rate is multiplied by at a step, counted from 0."""
        return self._factor_at(step)

    def observe(self, loss: float) -> None:
        """Do nothing: losses do not matter here."""

    def state_dict(self) -> State:
        """Return nothing, as there is nothing to keep."""
        return {}

    def load_state_dict(self, state: State) -> None:
        """Take up a state, which must be empty."""
        check_keys(state, {})


class Plateau(Patience):
    """Lower the learning rate each time the loss has stopped getting better.

    Equal to ``torch.optim.lr_scheduler.ReduceLROnPlateau(threshold_mode="abs", eps=0)``.

    Parameters
    ----------
    reduce_by : float
        What the factor is multiplied by, in (0, 1).
    patience : int
        Epochs without improvement that are borne, not negative.
    min_delta : float
        A loss counts as better if it is lower than the best by more than this, not negative.
    floor : float
        Least factor, in [0, 1].

    Raises
    ------
    ValueError
        If a number is out of its bounds.
    """

    def __init__(
        self, *, reduce_by: float = 0.1, patience: int = 10, min_delta: float = 0.0, floor: float = 0.0
    ) -> None:
        super().__init__(patience=patience, min_delta=min_delta)
        if not 0 < reduce_by < 1:
            raise ValueError(f"reduce_by must be in (0, 1), got {reduce_by}")
        check_share("floor", floor)
        self.reduce_by = reduce_by
        self.floor = floor
        self.current = 1.0

    def factor(self, step: int) -> float:  # noqa: ARG002  # the signature is that of every schedule
        """Return what the learning rate is multiplied by now; the step does not matter."""
        return self.current

    def observe(self, loss: float) -> None:
        """Take note of the validation loss of an epoch that has ended, and lower the factor where it is time."""
        super().observe(loss)
        if self.is_exhausted:
            self.current = max(self.current * self.reduce_by, self.floor)
            self.n_without = 0

    def state_dict(self) -> State:
        """Return what has been observed, as JSON values."""
        return {**super().state_dict(), "factor": self.current}

    def load_state_dict(self, state: State) -> None:
        """Take up a state that `state_dict` gave."""
        super().load_state_dict(state)
        self.current = float(state["factor"] or 0)


def build_schedule(
    name: str,
    *,
    n_steps: int,
    floor: float = 0.0,
    warm_up: float = 0.3,
    reduce_by: float = 0.1,
    patience: int = 10,
    min_delta: float = 0.0,
) -> Schedule:
    """Return a learning rate schedule by name.

    Parameters
    ----------
    name : str
        ``constant``, ``cosine``, ``one_cycle`` or ``plateau``.
    n_steps : int
        Steps of the whole training, at least 1.
    floor : float
        Least factor, in [0, 1] (``cosine`` and ``plateau`` only).
    warm_up : float
        Share of the steps on the way up, in [0, 1] (``one_cycle`` only).
    reduce_by, patience, min_delta : float, int, float
        See `Plateau` (``plateau`` only).

    Returns
    -------
    Schedule

    Raises
    ------
    ValueError
        If the name is not known or a number that is used is out of its bounds.
    """
    if name not in SCHEDULES:
        raise ValueError(f"schedule {name!r} is not known: use one of {', '.join(SCHEDULES)}")
    if name == "plateau":
        return Plateau(reduce_by=reduce_by, patience=patience, min_delta=min_delta, floor=floor)
    functions: dict[str, Callable[[int], float]] = {
        "constant": lambda _: 1.0,
        "cosine": partial(cosine_factor, n_steps=n_steps, floor=floor),
        "one_cycle": partial(one_cycle_factor, n_steps=n_steps, warm_up=warm_up),
    }
    functions[name](0)  # refuses numbers out of bounds now, not at the first step
    return StepSchedule(functions[name])
