"""The processes that train, as the flow sees them: start them, hand out trainings, notice their end.

Each is a program of its own (`tasks.trainer`), started afresh, never forked: torch's threads do not
survive a fork. One that is killed takes one training with it; a new one takes its place.
"""

import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue
from typing import IO, Self, cast

import psutil

from deepdlt.errors import DeepdltError
from deepdlt.night import RunPlan
from deepdlt.sharing import Machine, Way, choose_way
from deepdlt.threads import n_usable_cores
from lake import Lake, LakeError
from tasks.messages import Event, Order
from tasks.shared_patches import PatchFiles

logger = logging.getLogger(__name__)

GRACE_S = 5.0
"""Seconds between asking a process to end and ending it by force."""

Mailbox = SimpleQueue[Event]
"""Where the events of one training arrive."""

LAST = ("trained", "failed", "died", "ended")
"""Kinds of the last event of a training."""


class TrainerFailed(DeepdltError):
    """A process that was to train cannot."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"no process can train here: {reason}")


class Trainer:
    """One process that trains.

    Parameters
    ----------
    descriptors : tuple of int
        Files that it inherits.
    on_free : callable
        Called with this trainer when it is done with an order, or died of it.
    """

    def __init__(self, descriptors: tuple[int, ...], on_free: "Callable[[Trainer], None]") -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tasks.trainer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            pass_fds=descriptors,
        )
        self._on_free = on_free
        self._guard = threading.Lock()
        self._boxes: dict[str, Mailbox] = {}
        self._is_busy = False
        self._is_ending = False
        self.has_ended = False
        self.start: Mailbox = SimpleQueue()
        """Gets one event: ready, failed, or died."""
        # With the context of the flow, so that log lines of this process are the flow's.
        threading.Thread(target=copy_context().run, args=(self._read,), daemon=True).start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def send(self, order: Order) -> dict[str, Mailbox]:
        """Have plans trained and return, by run_id, where events arrive; each one's last is of a kind in `LAST`."""
        boxes: dict[str, Mailbox] = {plan.run_id: SimpleQueue() for plan in order.plans}
        with self._guard:
            self._boxes = boxes
            if self.has_ended:
                self._say_farewell()
                self._on_free(self)
                return boxes
            self._is_busy = True
        with suppress(BrokenPipeError):  # then its end is being read, and told in the box
            pipe = cast("IO[str]", self._process.stdin)
            pipe.write(order.to_line())
            pipe.flush()
        return boxes

    def end(self) -> None:
        """Ask the process to end."""
        self._is_ending = True
        self._process.terminate()

    def wait(self) -> None:
        """Wait until the process has ended, by force where it takes its time."""
        try:
            self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.hang_up()

    def hang_up(self) -> None:
        """Close the way on which orders go; a process that still runs ends at once."""
        with suppress(BrokenPipeError):
            cast("IO[str]", self._process.stdin).close()

    def _read(self) -> None:
        """Sort what the process says, until it has ended."""
        try:
            with cast("IO[str]", self._process.stdout) as lines:
                for line in lines:
                    self._hear(line)
        except BaseException:
            self._process.kill()  # nobody hears it any more
            raise
        finally:  # whatever became of this thread: nobody waits for what nobody will say
            self._process.wait()
            with self._guard:
                self.has_ended = True
                self._say_farewell()
                if self._is_busy:
                    self._on_free(self)

    def _hear(self, line: str) -> None:
        """Take what a line says; the last one of a process that was killed may be half a line."""
        try:
            event = Event.from_line(line)
        except (ValueError, TypeError):
            logger.warning("process %d, which trains, said what is no event: %.80r", self.pid, line)
            return
        self._take(event)

    def _take(self, event: Event) -> None:
        """Put an event where it is waited for."""
        if event.kind == "free":
            self._is_busy = False
            self._on_free(self)
        elif event.run_id in self._boxes:
            self._boxes[event.run_id].put(event)
        elif event.kind == "log":
            logging.getLogger(event.logger).log(event.level, "%s", event.text)
        else:
            self.start.put(event)

    def _say_farewell(self) -> None:
        """Tell all who wait how the process ended."""
        code = self._process.returncode
        by = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        text = f"the process that trained it {by}; its epochs stay: run the night again, it goes on from them"
        if self._is_ending:
            text = "the batch was ended before this training was done; its epochs stay"
        for run_id, box in (self._boxes | {"": self.start}).items():
            box.put(Event("ended" if self._is_ending else "died", run_id, text))


class Trainers:
    """As many processes as a batch and this machine call for; used as a context.

    Parameters
    ----------
    lake : Lake
        Holds the patches.
    plans : sequence of RunPlan
        At least one.
    flow_run_id : str
        The flow run that trains them; '' outside Prefect.

    Raises
    ------
    TrainerFailed
        If no process can be started, or it finds no device.
    """

    def __init__(self, lake: Lake, plans: Sequence[RunPlan], *, flow_run_id: str = "") -> None:
        self._patches = PatchFiles(lake, plans)
        self._flow_run_id = flow_run_id
        self._free: SimpleQueue[Trainer] = SimpleQueue()
        self._all: list[Trainer] = []
        self.way: Way
        """How the batch is trained."""
        try:
            size_px = self._patches.size_px(plans[0])
            first = self._start()
            self.way = choose_way(plans, self._machine(first), size_px=size_px)
            for trainer in (first, *(self._start() for _ in range(self.way.n_processes - 1))):
                self._free.put(trainer)
        except BaseException:
            self.close()
            raise
        said = "%d trainings as %d networks, in %d processes of %d threads"
        logger.info(said, len(plans), len(self.way.groups), self.way.n_processes, self.way.n_threads)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pids(self) -> list[int]:
        """Ids of the processes that live."""
        return [trainer.pid for trainer in self._all if not trainer.has_ended]

    def train(self, group: Sequence[RunPlan]) -> dict[str, Mailbox]:
        """Wait until a process is free, have it train plans as one network, and return where their events arrive.

        Patches that cannot be read, or laid out, are a failure of the plans.

        Parameters
        ----------
        group : sequence of RunPlan
            Alike; a single one is trained by itself.

        Returns
        -------
        dict of str to SimpleQueue
            By run_id.
        """
        trainer = self._free.get()
        if trainer.has_ended:
            logger.warning("process %d that trained is gone: another one takes its place", trainer.pid)
            trainer.wait()
            self._all.remove(trainer)
            trainer = self._start()
        try:
            patches = self._patches.of(group[0])
        except (DeepdltError, LakeError, OSError) as error:
            self._free.put(trainer)
            return {plan.run_id: _failed(plan, str(error)) for plan in group}
        return trainer.send(Order(tuple(group), patches, self._flow_run_id, self.way.n_threads))

    def close(self) -> None:
        """End all processes, by their ids."""
        for trainer in self._all:
            trainer.end()
        for trainer in self._all:
            trainer.wait()
        self._patches.close()

    def _start(self) -> Trainer:
        """Start a process; it takes orders before it is ready for them."""
        trainer = Trainer(self._patches.descriptors, self._free.put)
        self._all.append(trainer)
        return trainer

    def _machine(self, trainer: Trainer) -> Machine:
        """Return what there is to train on, as a process sees it once it has torch."""
        said = trainer.start.get()
        if said.kind != "ready":
            raise TrainerFailed(said.text)
        free_bytes = said.numbers.get("free_bytes", psutil.virtual_memory().available)
        return Machine(device=said.text, n_cores=n_usable_cores(), free_bytes=free_bytes)


def _failed(plan: RunPlan, reason: str) -> Mailbox:
    """Return a box with the last event of a training that failed before it began."""
    box: Mailbox = SimpleQueue()
    box.put(Event("failed", plan.run_id, reason))
    return box
