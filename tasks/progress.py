"""Progress artifacts: bars in the UI that move.

Prefect's functions serve both sync and async callers and are typed for both; here they are sync.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from deepdlt.night import RunPlan

logger = logging.getLogger(__name__)

MOVE_S = 1.0
"""Least time between two moves of a batch's bar: each is a request to the server."""


class Bar:
    """A progress artifact. What goes wrong with it is said once, and never ends the work that it only shows.

    Parameters
    ----------
    key : str
        Lower-case letters, digits and dashes.
    description : str
        What it shows while it stands at nothing.
    """

    def __init__(self, key: str, description: str) -> None:
        self._artifact: UUID | None = None
        self._is_told = False
        with self.apart():
            self._artifact = cast("UUID", create_progress_artifact(0.0, key=key, description=description))

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Keep what is done only for the bar from ending more than the bar."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - said, once
            if not self._is_told:
                logger.warning("progress cannot be shown, the work goes on: %s: %s", type(error).__name__, error)
            self._is_told = True

    def move(self, share: float, description: str) -> None:
        """Set it to a share in [0, 1]."""
        with self.apart():
            if self._artifact is not None:
                update_progress_artifact(self._artifact, 100.0 * share, description=description)


class BatchBar:
    """The bar of a batch whose trainings go on at the same time, in threads that all move it.

    Parameters
    ----------
    n_plans : int
        Trainings of the batch.
    """

    def __init__(self, n_plans: int) -> None:
        self._n_plans = n_plans
        self._shares: dict[str, float] = {}
        self._n_done = 0
        self._guard = threading.Lock()
        self._next_move = 0.0
        self._bar = Bar("batch", f"0 of {n_plans} trainings")

    def note_epoch(self, plan: RunPlan, epoch: int) -> None:
        """Show how far a training is."""
        of = plan.settings.epochs
        with self._guard:
            self._shares[plan.run_id] = epoch / of
            self._move(f"{plan.title}, epoch {epoch}/{of}; {self._n_done} of {self._n_plans} done")

    def note_end(self, run_id: str) -> None:
        """Count a training as done, however it ended."""
        with self._guard:
            self._shares[run_id] = 1.0
            self._n_done += 1
            self._move(f"{self._n_done} of {self._n_plans} done")

    def finish(self, description: str) -> None:
        """Show the end."""
        with self._guard:
            self._bar.move(1.0, description)

    def _move(self, description: str) -> None:
        """Move the bar, unless it has just been moved."""
        now = time.monotonic()
        if now >= self._next_move:
            self._next_move = now + MOVE_S
            self._bar.move(sum(self._shares.values()) / self._n_plans, description)
