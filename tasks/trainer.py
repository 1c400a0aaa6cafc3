"""A process that trains what it is sent: orders come in, events go out, one line each.

`tasks.trainers` starts it as ``python -m tasks.trainer``. It ends by itself as soon as nobody can
send it anything any more, so it never outlives the flow that it works for, however that one ended.
Prefect is not imported here.
"""

import logging
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING

from deepdlt.night import RunPlan, refuse_other_software
from deepdlt.threads import share_cores
from lake import LakeError
from tasks.kept_progress import forget_progress
from tasks.lake_access import open_lake
from tasks.messages import Event, Order
from tasks.trained import store_run

if TYPE_CHECKING:
    from deepdlt.training.epochs import TrainingDiverged
    from deepdlt.training.progress import EpochRecord
    from lake import Lake
    from tasks.training_work import TrainedFold

logger = logging.getLogger("tasks.trainer")  # run as a program, this module has another name

OURS = ("deepdlt", "lake", "tasks")
"""Loggers whose lines go to the flow."""


class Speaker(logging.Handler):
    """Sends events, and the log lines of this process as events.

    Parameters
    ----------
    out : text file
        Whoever reads it is the flow.
    """

    def __init__(self, out: IO[str]) -> None:
        super().__init__(logging.INFO)
        self._out = out
        self._turn = threading.Lock()
        self.run_id = ""
        """Training that log lines belong to now; '' where several go on at once."""

    def say(self, event: Event) -> None:
        """Send an event."""
        with self._turn:
            self._out.write(event.to_line())
            self._out.flush()

    def emit(self, record: logging.LogRecord) -> None:
        """Send a log line."""
        self.say(Event("log", self.run_id, self.format(record), record.levelno, record.name))


def main() -> None:
    """Say what device there is, then train order after order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the flow, which ends this process
    speaker = Speaker(own_output())
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
        logging.getLogger(name).addHandler(speaker)
    orders: SimpleQueue[Order] = SimpleQueue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    share_cores()
    try:
        from tasks.training_work import device_name, free_bytes  # torch is imported where training begins

        speaker.say(Event("ready", text=device_name(), numbers=free_bytes()))
    except Exception as error:
        speaker.say(Event("failed", text=_reason(error)))
        raise
    while True:
        _train(orders.get(), speaker)
        speaker.run_id = ""
        speaker.say(Event("free"))


def own_output() -> IO[str]:
    """Take standard output for events alone: what libraries print goes to standard error from now on."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return out


def _listen(orders: "SimpleQueue[Order]") -> None:
    """Take orders; end this process at once when there is nobody left to give any."""
    code = 1
    try:
        for line in sys.stdin:
            orders.put(Order.from_line(line))
        code = 0
    except Exception:  # such as an order of another version: who sent it is told, and learns of the end
        logger.error("an order cannot be read", exc_info=True)
    finally:
        os._exit(code)  # epochs that are done are on the disk, and a transaction that is not is undone


def _train(order: Order, speaker: Speaker) -> None:
    """Train plans, put each into the lake, and say what came of it: whatever goes wrong is of these plans alone."""
    from deepdlt.threads import torch_threads
    from tasks.training_work import take_patches, train_plans

    def tell(plan: RunPlan, record: "EpochRecord") -> None:
        speaker.say(Event("epoch", plan.run_id, numbers=vars(record)))

    speaker.run_id = order.plans[0].run_id if len(order.plans) == 1 else ""
    started_at = datetime.now(UTC)
    waiting = list(order.plans)
    lake = open_lake()
    try:
        for plan in waiting:
            refuse_other_software(plan)
        # A transaction waits for the disk and for other writers: the next fold is scored in the meantime.
        with torch_threads(order.n_threads), ThreadPoolExecutor(1) as writer:
            for outcome in train_plans(lake, order.plans, take_patches(lake, order.patches), on_epoch=tell):
                writer.submit(_store, lake, waiting.pop(0), outcome, started_at, order.flow_run_id, speaker)
    except Exception as error:  # it is told, and the next order may well succeed
        logger.error("training failed", exc_info=True)
        for plan in waiting:
            speaker.say(Event("failed", plan.run_id, _reason(error)))


def _store(
    lake: "Lake",
    plan: RunPlan,
    outcome: "TrainedFold | TrainingDiverged",
    started_at: datetime,
    flow_run_id: str,
    speaker: Speaker,
) -> None:
    """Put a training into the lake and say so, or why not."""
    from tasks.training_work import TrainedFold

    if not isinstance(outcome, TrainedFold):
        speaker.say(Event("failed", plan.run_id, _reason(outcome)))
        return
    try:
        test_loss = store_run(lake, outcome, started_at=started_at, flow_run_id=flow_run_id)
    except Exception as error:  # it is told, and the others may well succeed
        logger.error("%s was not stored", plan.title, exc_info=True)
        speaker.say(Event("failed", plan.run_id, _reason(error)))
        return
    try:
        forget_progress(lake.files, [plan.run_id])
    except (LakeError, OSError) as error:  # the training stands: upkeep removes them, too
        logger.warning("%s: what it would have gone on from was not removed: %s", plan.title, error)
    speaker.say(Event("trained", plan.run_id, outcome.result.device, numbers={"test_loss": test_loss}))


def _reason(error: Exception) -> str:
    """Return what went wrong, with the kind of error where the words alone may not say it."""
    return str(error) if type(error).__module__.partition(".")[0] in OURS else f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
