"""How long a loss may go without a new best before something is done about it."""

import math

State = dict[str, float | None]
"""JSON values; floats keep their bits through JSON."""


class Patience:
    """The best loss so far and the number of epochs since.

    Parameters
    ----------
    patience : int
        Epochs without improvement that are borne, not negative; the next one is one too many.
    min_delta : float
        A loss counts as better if it is lower than the best by more than this, not negative.

    Raises
    ------
    ValueError
        If a number is out of its bounds.
    """

    def __init__(self, *, patience: int, min_delta: float = 0.0) -> None:
        if patience < 0:
            raise ValueError(f"patience must not be negative, got {patience}")
        if not 0 <= min_delta < math.inf:
            raise ValueError(f"min_delta must be finite and not negative, got {min_delta}")
        self.patience = patience
        self.min_delta = min_delta
        self.best: float | None = None
        self.n_without = 0

    @property
    def is_exhausted(self) -> bool:
        """Whether more epochs than are borne went by without improvement."""
        return self.n_without > self.patience

    def observe(self, loss: float) -> None:
        """Take note of the loss of an epoch that has ended.

        Parameters
        ----------
        loss : float
            Lower is better. A loss that is not finite is no improvement.
        """
        is_better = self.best is None or loss < self.best - self.min_delta
        if math.isfinite(loss) and is_better:
            self.best, self.n_without = float(loss), 0
        else:
            self.n_without += 1

    def state_dict(self) -> State:
        """Return what has been observed, as JSON values."""
        return {"best": self.best, "n_without": self.n_without}

    def load_state_dict(self, state: State) -> None:
        """Take up a state that `state_dict` gave.

        Parameters
        ----------
        state : dict of str to float or None

        Raises
        ------
        ValueError
            If it is the state of something else.
        """
        check_keys(state, self.state_dict())
        self.best, self.n_without = state["best"], int(state["n_without"] or 0)


class EarlyStopping(Patience):
    """Say when a training has stopped getting better.

    Call `observe` after each epoch and stop once `is_exhausted`. Parameters are those of `Patience`.

    Examples
    --------
    >>> stopping = EarlyStopping(patience=1)
    >>> for loss in (0.5, 0.4, 0.4, 0.4):
    ...     stopping.observe(loss)
    >>> stopping.is_exhausted, stopping.best
    (True, 0.4)
    """


def check_keys(state: State, expected: State) -> None:
    """Refuse a state whose keys are not the expected ones.

    Parameters
    ----------
    state, expected : dict of str to float or None

    Raises
    ------
    ValueError
        If the keys differ.
    """
    if state.keys() != expected.keys():
        raise ValueError(f"a state must have the keys {', '.join(expected)}, got {', '.join(state) or 'none'}")
