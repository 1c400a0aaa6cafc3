"""The parts of a stack, each by itself in the foreground: for units and containers, whose manager keeps them alive.

A command becomes the part that it names: same process, so that signals and exit codes are the part's own. What they
run with is what `deepdlt up` gives its parts.
"""

import ipaddress
import os
import time

from deployments.dead_runs import mark_dead_runs
from deployments.errors import ServerOpen, ServerUnreachable, WrongUse
from deployments.parts import (
    POOLS,
    START_S,
    ensure_pools,
    environment,
    server_command,
    server_environment,
    worker_command,
    worker_name,
)
from deployments.server_api import ServerApi
from deployments.settings import AUTH, external_api_url, prefect_settings, stack_paths
from deployments.stack_state import Say, serving_alone


def become_server(host: str, port: int, say: Say) -> None:
    """Become the Prefect server of a stack.

    Parameters
    ----------
    host : str
        Address to listen on.
    port : int
        Its port there.
    say : callable
        Takes a line for each thing that is done.

    Raises
    ------
    ServerOpen
        If others can reach that address, and the server would ask nobody for a password.
    ServerRuns
        If there is one already on the same files.
    """
    if not (os.environ.get(AUTH) or is_loopback(host)):
        raise ServerOpen(host)
    paths = stack_paths()
    with serving_alone(paths):
        pass  # the server takes it for as long as it runs
    say(f"becoming the Prefect server on {host}:{port}")
    become(server_command(host, port), server_environment(paths, port, host))


def become_worker(pool: str, say: Say) -> None:
    """Become a worker of a pool, for the server in ``PREFECT_API_URL``; wait for that one first.

    Parameters
    ----------
    pool : str
        ``cpu`` or ``gpu``.
    say : callable
        Takes a line for each thing that is done.

    Raises
    ------
    WrongUse
        If there is no such pool, or no server is named.
    ServerUnreachable
        If it does not answer for three minutes.
    """
    api_url = external_api_url()
    if pool not in POOLS:
        raise WrongUse(f"there is no pool {pool!r}, but {' and '.join(POOLS)}")
    if api_url is None:
        raise WrongUse("set PREFECT_API_URL to the server that the worker is for, such as http://127.0.0.1:4200/api")
    wait_for(api_url, say)
    ensure_pools(api_url)
    paths = stack_paths()
    if n_dead := mark_dead_runs(api_url, worker_name(paths, pool), pool):
        say(f"runs marked as crashed, their worker being gone: {n_dead}")
    say(f"becoming a worker of pool {pool} for {api_url}")
    become(worker_command(paths, pool), environment(paths, prefect_settings(paths, api_url, is_own_server=False)))


def is_loopback(host: str) -> bool:
    """Tell whether an address is one that only this machine reaches."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def wait_for(api_url: str, say: Say, *, limit_s: float = START_S) -> None:
    """Wait until a server answers.

    Raises
    ------
    ServerUnreachable
        If it does not in that time.
    """
    api, deadline = ServerApi(api_url, timeout_s=5), time.monotonic() + limit_s
    if not api.is_healthy():
        say(f"waiting for the server at {api_url}")
    while not api.is_healthy():
        if time.monotonic() > deadline:
            raise ServerUnreachable(api_url, f"no answer within {limit_s:.0f} s")
        time.sleep(1)


def become(command: list[str], variables: dict[str, str]) -> None:
    """Go on as another program, in the stack's folder."""
    folder = stack_paths().folder
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.chdir(folder)
    os.execve(command[0], command, variables)  # noqa: S606 - no shell is meant
