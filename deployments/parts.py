"""The parts of the local stack: the Prefect server, the work pools, a worker for each."""

import os
import socket
import sys
import time
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus

from deepdlt.digest import digest_bytes
from deployments import processes
from deployments.errors import DeploymentError, PartFailed, ServerRefused
from deployments.server_api import ServerApi
from deployments.settings import (
    AUTH,
    CLIENT_AUTH,
    LOOPBACK,
    StackPaths,
    own_variables,
    prefect_settings,
    server_settings,
)
from deployments.stack_state import Say, StackState, serving_alone, write_state

USUAL_PORT = 4200
SERVER = "server"
# Runs at a time: nights wait for trainings, so the cpu pool takes several; a training takes the whole machine.
POOLS = {"cpu": 4, "gpu": 1}
START_S = 180.0
MARK = "DEEPDLT_STACK"


def free_port(preferred: int) -> int:
    """Return a free port of the loopback address: the preferred one where it can be had."""
    for port in (preferred, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((LOOPBACK, port))
            return int(probe.getsockname()[1])
    raise DeploymentError("no port of the loopback address is free")


def environment(paths: StackPaths, settings: dict[str, str]) -> dict[str, str]:
    """Return the whole environment of a part: ours, its settings and our mark."""
    return {**os.environ, **own_variables(), **settings, MARK: str(paths.folder), "PYTHONUNBUFFERED": "1"}


def server_environment(paths: StackPaths, port: int, host: str = LOOPBACK) -> dict[str, str]:
    """Return the whole environment of a server; where it wants a password, its own services send that, too."""
    variables = environment(paths, server_settings(paths, port, host))
    auth = variables.get(CLIENT_AUTH) or variables.get(AUTH)
    return variables | ({CLIENT_AUTH: auth} if auth else {})


def server_command(host: str, port: int) -> list[str]:
    """Return the command of a server."""
    return [sys.executable, "-m", "deployments.server", "--host", host, "--port", str(port)]


def worker_command(paths: StackPaths, pool: str) -> list[str]:
    """Return the command of the worker of a pool."""
    name, limit = worker_name(paths, pool), str(POOLS[pool])
    return [sys.executable, "-m", "deployments.worker", "--pool", pool, "--name", name, "--limit", limit]


def is_serving(state: StackState) -> bool:
    """Tell whether the server of a state answers."""
    if not state.api_url:
        return False
    return ServerApi(state.api_url, timeout_s=5).is_healthy()


def start_server(paths: StackPaths, state: StackState, say: Say) -> StackState:
    """Start the server of the stack, on the port it had before where that is free.

    Raises
    ------
    ServerRuns
        If one that was not started here runs on the same files.
    """
    with serving_alone(paths):
        pass  # said here, and not in a log; the server takes it for as long as it runs
    before = state.api_url if state.is_own_server and state.api_url else f"http://{LOOPBACK}:{USUAL_PORT}/api"
    wanted = int(os.environ.get("DEEPDLT_PORT") or before.rsplit(":", 1)[1].split("/")[0])
    port = free_port(wanted)
    say(f"starting the Prefect server on {LOOPBACK}:{port}")
    started = processes.start(
        SERVER,
        server_command(LOOPBACK, port),
        environment=server_environment(paths, port),
        log=paths.logs / "server.log",
        folder=paths.folder,
    )
    state = replace(state, api_url=f"http://{LOOPBACK}:{port}/api", is_own_server=True).with_part(started)
    write_state(paths, state)
    return state


def wait_for_server(paths: StackPaths, state: StackState, say: Say) -> None:
    """Wait until the server answers, telling how long it has been; raise where it ends or stays silent."""
    log = paths.logs / "server.log"
    part = state.part(SERVER)
    begin = said = time.monotonic()
    while not is_serving(state):
        waited = time.monotonic() - begin
        if part and not processes.is_alive(part):
            raise PartFailed(SERVER, "ended at its start", log, processes.tail(log))
        if waited > START_S:
            raise PartFailed(SERVER, f"did not answer within {START_S:.0f} s", log, processes.tail(log))
        if time.monotonic() - said > 5:
            said = time.monotonic()
            say(f"  ... {waited:.0f} s (a new database takes 10-20 s)")
        time.sleep(0.2)


def ensure_pools(api_url: str) -> None:
    """Make the work pools that are not there; those that are stay as they are."""
    api = ServerApi(api_url)
    have = {pool["name"] for pool in api.ask("POST", "work_pools/filter", {"limit": 200})}
    for name in POOLS.keys() - have:
        try:
            api.ask("POST", "work_pools/", {"name": name, "type": "process", "base_job_template": {}})
        except ServerRefused as error:
            if error.status != HTTPStatus.CONFLICT:  # another command made it in the meantime
                raise


def worker_name(paths: StackPaths, pool: str) -> str:
    """Return the name of a worker: its pool, its machine, and a mark of its stack's folder.

    A machine may have two stacks that work for one server.
    """
    return f"{pool}-{socket.gethostname()}-{digest_bytes(str(paths.folder).encode())[:4]}"


def start_worker(paths: StackPaths, state: StackState, pool: str, say: Say) -> StackState:
    """Start the worker of a pool."""
    say(f"starting a worker on pool {pool}")
    started = processes.start(
        f"worker-{pool}",
        worker_command(paths, pool),
        environment=environment(paths, prefect_settings(paths, str(state.api_url), is_own_server=state.is_own_server)),
        log=paths.logs / f"worker-{pool}.log",
        folder=paths.folder,
    )
    state = state.with_part(started)
    write_state(paths, state)
    return state
