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
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING

from deepdlt.night import refuse_other_code
from deepdlt.threads import share_cores
from tasks.lake_access import open_lake
from tasks.messages import Event, Order
from tasks.trained import store_run

if TYPE_CHECKING:
    from deepdlt.training.progress import EpochRecord

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
        self.run_id = ""
        """Training that log lines belong to now."""

    def say(self, event: Event) -> None:
        """Send an event."""
        self._out.write(event.to_line())
        self._out.flush()

    def emit(self, record: logging.LogRecord) -> None:
        """Send a log line."""
        self.say(Event("log", self.run_id, self.format(record), record.levelno, record.name))


def main() -> None:
    """Say what device there is, then train order after order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the flow, which ends this process
    speaker = Speaker(_own_output())
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
        logging.getLogger(name).addHandler(speaker)
    orders: SimpleQueue[Order] = SimpleQueue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    share_cores()
    try:
        from tasks.training_work import device_name  # torch is imported where training begins

        speaker.say(Event("ready", text=device_name()))
    except Exception as error:
        speaker.say(Event("failed", text=_reason(error)))
        raise
    while True:
        order = orders.get()
        speaker.run_id = order.plan.run_id
        speaker.say(_train(order, speaker))
        speaker.run_id = ""
        speaker.say(Event("free"))


def _own_output() -> IO[str]:
    """Take standard output for events alone: what libraries print goes to standard error from now on."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return out


def _listen(orders: "SimpleQueue[Order]") -> None:
    """Take orders; end this process at once when there is nobody left to give any."""
    for line in sys.stdin:
        orders.put(Order.from_line(line))
    os._exit(0)  # epochs that are done are on the disk, and a transaction that is not is undone


def _train(order: Order, speaker: Speaker) -> Event:
    """Train a plan, put it into the lake, and say what came of it: whatever goes wrong is of this plan alone."""
    from deepdlt.threads import torch_threads
    from tasks.training_work import forget_progress, take_patches, train_plan

    def tell(record: "EpochRecord") -> None:
        speaker.say(Event("epoch", order.plan.run_id, numbers=vars(record)))

    started_at = datetime.now(UTC)
    lake = open_lake()
    try:
        refuse_other_code(order.plan)
        with torch_threads(order.n_threads):
            trained = train_plan(lake, order.plan, take_patches(lake, order.patches), on_epoch=tell)
        test_loss = store_run(lake, trained, started_at=started_at, flow_run_id=order.flow_run_id)
        forget_progress(trained)
    except Exception as error:  # it is told, and the next order may well succeed
        logger.error("%s failed", order.plan.title, exc_info=True)
        return Event("failed", order.plan.run_id, _reason(error))
    return Event("trained", order.plan.run_id, trained.result.device, numbers={"test_loss": test_loss})


def _reason(error: Exception) -> str:
    """Return what went wrong, with the kind of error where the words alone may not say it."""
    return str(error) if type(error).__module__.partition(".")[0] in OURS else f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
