"""A worker of the local stack: Prefect's process worker that ends its runs properly when it is told to stop.

It skips nights that fell due while it was away, but for the newest.

Prefect's own command kills the runs of a worker that gets SIGTERM and leaves them marked as running. This one takes
no more runs, has the server cancel those it has (so that their hooks run and their state is true), and ends.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Cancelling, Crashed
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker, ProcessWorkerResult

from deployments.errors import DeploymentError
from deployments.late_runs import skip_late_runs
from deployments.server_api import ServerApi

log = logging.getLogger("deployments.worker")

STOPPED = "The worker that ran it was stopped."
GRACE_S = 20.0
ANSWER_S = 5.0
AWAY_S = 600.0
"""A worker that heard nothing from the server for so long has been away, or the server has."""

with warnings.catch_warnings():
    # Prefect keeps a list of worker types by name; taking the place of the process worker there is meant.
    warnings.filterwarnings("ignore", message="Type 'StoppableWorker'")

    class StoppableWorker(ProcessWorker):
        """A process worker that knows its runs and can stop taking new ones."""

        def __init__(self, *, work_pool_name: str, name: str, limit: int) -> None:
            super().__init__(work_pool_name=work_pool_name, name=name, limit=limit)
            self.is_stopping = False
            self.runs: set[UUID] = set()
            self.asked_at = -AWAY_S

        async def get_and_submit_flow_runs(self) -> list[FlowRun]:
            """Take the next runs, unless this worker is about to stop."""
            if self.is_stopping:
                return []
            if abs(time.time() - self.asked_at) >= AWAY_S:
                await asyncio.to_thread(self.skip_late_runs)
            taken = await super().get_and_submit_flow_runs()
            self.asked_at = time.time()
            return taken

        def skip_late_runs(self) -> None:
            """Leave the newest of a schedule's overdue runs."""
            try:
                for name in skip_late_runs(ServerApi(os.environ["PREFECT_API_URL"]), str(self._work_pool_name)):
                    log.info("skipped %s: it was due while no worker was there", name)
            except DeploymentError as error:
                log.warning("overdue runs were not looked for: %s", error)

        async def run(
            self, flow_run: FlowRun, configuration: ProcessJobConfiguration, task_status: Any = None
        ) -> ProcessWorkerResult:
            """Run a flow in a process of its own, and remember it until it ends."""
            self.runs.add(flow_run.id)
            try:
                return await super().run(flow_run, configuration, task_status)
            finally:
                self.runs.discard(flow_run.id)


async def put_all(
    client: PrefectClient, runs: Iterable[UUID], state: Callable[..., State[Any]], *, is_forced: bool = False
) -> None:
    """Put runs into a state, all at once: one for which the server gives no answer does not keep the others from it."""
    runs = list(runs)
    asked = (client.set_flow_run_state(run, state(message=STOPPED), force=is_forced) for run in runs)
    answers = await asyncio.gather(*(asyncio.wait_for(one, ANSWER_S) for one in asked), return_exceptions=True)
    for run, answer in zip(runs, answers, strict=True):
        if isinstance(answer, Exception):
            log.warning("run %s could not be marked: %r", run, answer)


async def cancel_runs(worker: StoppableWorker, *, grace_s: float = GRACE_S) -> None:
    """Have the server cancel the runs of a worker, wait for their end, and end what is left.

    Parameters
    ----------
    worker : StoppableWorker
        It takes no new run from here on.
    grace_s : float
        Seconds that the runs get to end by themselves.
    """
    worker.is_stopping = True
    async with get_client() as client:
        await put_all(client, worker.runs, Cancelling)
        deadline = asyncio.get_running_loop().time() + grace_s
        while worker.runs and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.1)
        left = list(worker.runs)
        for process in psutil.Process().children(recursive=True) if left else ():
            process.kill()
        await put_all(client, left, Crashed, is_forced=True)


async def serve(*, pool: str, name: str, limit: int) -> None:
    """Run a worker until SIGTERM or SIGINT.

    Both are handled here whatever the worker inherited: a program that was started in the background of a script
    ignores SIGINT otherwise, and hands that on to its children.
    """
    worker = StoppableWorker(work_pool_name=pool, name=name, limit=limit)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    working = asyncio.create_task(worker.start(printer=log.info))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        log.info("stopping, with %d runs to cancel", len(worker.runs))
        try:
            await cancel_runs(worker)
        finally:
            working.cancel()
    stopping.cancel()
    await asyncio.gather(working, stopping, return_exceptions=stop.is_set())


def main() -> None:
    """Run a worker from the command line."""
    parser = argparse.ArgumentParser(description="Run a worker of deepdlt until it is told to stop.")
    parser.add_argument("--pool", required=True, help="work pool to take runs from")
    parser.add_argument("--name", required=True, help="name of the worker, shown by the server")
    parser.add_argument("--limit", type=int, default=1, help="runs at a time")
    arguments = parser.parse_args()
    # Runs are started as `python -m prefect.engine`: with the Python that runs the worker.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    asyncio.run(serve(pool=arguments.pool, name=arguments.name, limit=arguments.limit))


if __name__ == "__main__":
    main()
