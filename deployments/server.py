"""Prefect's server, as its own command starts it, with an event loop that no garbage collection can hold up.

A statement that failed because the server's SQLite database was held leaves a cursor in a cycle of references. Where
the thread of the event loop comes to collect it, it has to wait for the cursor's connection, which may be waiting, in
a thread of its own, for a lock that another task of that very loop holds: nothing moves until SQLite gives up, after a
minute, and whatever failed meanwhile leaves the next cursors. In a thread of its own the collector may wait.

For as long as it runs no second server starts on the same files.
"""

import gc
import sys
import threading

from prefect.cli import app

from deployments.errors import ServerRuns
from deployments.settings import stack_paths
from deployments.stack_state import serving_alone

YOUNG_S = 1.0
"""Between two collections of young objects."""

OF_ALL = 30
"""Each so many collections are of all objects."""


def collect_until(is_over: threading.Event) -> None:
    """Collect garbage in this thread, and in no other, until that is over."""
    gc.disable()
    n_collected = 0
    while not is_over.wait(YOUNG_S):
        n_collected += 1
        gc.collect(2 if n_collected % OF_ALL == 0 else 1)
    gc.enable()


def main() -> None:
    """Run the server until it is told to stop, with the options of ``prefect server start``."""
    threading.Thread(target=collect_until, args=(threading.Event(),), name="garbage", daemon=True).start()
    sys.argv = ["prefect", "server", "start", *sys.argv[1:]]
    try:
        with serving_alone(stack_paths()):
            app()
    except ServerRuns as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    main()
