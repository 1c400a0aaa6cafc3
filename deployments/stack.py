"""The local stack: a Prefect server and a worker for each pool, kept alive between commands.

`up` starts what does not run, `down` ends what `up` started and nothing else, `status` says what is there. With
``PREFECT_API_URL`` set the server is someone else's: then only the workers are ours.
"""

from dataclasses import dataclass, replace

from deployments import processes
from deployments.dead_runs import mark_dead_runs, mark_with_children, runs_of_workers, runs_under_way
from deployments.errors import StackInUse
from deployments.parts import (
    MARK,
    POOLS,
    SERVER,
    ensure_pools,
    is_serving,
    start_server,
    start_worker,
    wait_for_server,
    worker_name,
)
from deployments.processes import Started
from deployments.server_api import ServerApi
from deployments.settings import (
    SETTINGS_HEADER,
    StackPaths,
    external_api_url,
    own_variables,
    settings_file_text,
    stack_paths,
)
from deployments.stack_state import Say, StackState, alone, read_state, write_state

SERVER_GRACE_S = 10.0
WORKER_GRACE_S = 40.0


@dataclass(frozen=True)
class PartStatus:
    """One line of `status`."""

    name: str
    is_running: bool
    detail: str


def up(say: Say = print) -> StackState:
    """Start what does not run of the stack; return at once where all of it does.

    Parameters
    ----------
    say : callable
        Takes a line for each thing that is done.

    Returns
    -------
    state : StackState
        What runs now.

    Raises
    ------
    PartFailed
        If the server ends at its start or does not answer in time.
    ServerUnreachable
        If ``PREFECT_API_URL`` is set and nothing answers there.
    StackBusy
        If another command holds the stack for too long.
    StackInUse
        If workers that have runs would have to be stopped, for settings that changed or for another server.
    """
    paths = stack_paths()
    with alone(paths, say):
        state = ensure_server(paths, drop_what_does_not_fit(paths, read_state(paths), say), say)
        write_state(paths, state)
        text = settings_file_text(paths, str(state.api_url), is_own_server=state.is_own_server)
        paths.settings_file.write_text(text)
        missing = [pool for pool in POOLS if not state.is_part_alive(f"worker-{pool}")]
        if missing:
            ensure_pools(str(state.api_url))
        for pool in missing:
            if n_dead := mark_dead_runs(str(state.api_url), worker_name(paths, pool), pool):
                say(f"runs marked as crashed, their worker being gone: {n_dead}")
            state = start_worker(paths, state, pool, say)
    return state


def find_server(say: Say = print) -> StackState:
    """Return the server that commands go to: the user's as it is, or ours, started where needed."""
    state = read_state(stack_paths())
    external = others_server(state)
    if external and not state.has_workers_for(external):
        return StackState(api_url=external, is_own_server=False)
    return up(say)


def others_server(state: StackState) -> str | None:
    """Return the address of the server that the user runs elsewhere; None where commands go to the stack's own.

    The address that ours had is kept while it does not run: what answers there then is another one.
    """
    external = external_api_url()
    if not state.is_own_server or external != state.api_url:
        return external
    return external if not state.is_part_alive(SERVER) and is_serving(state) else None


def find_workers(say: Say = print) -> StackState:
    """Return the server that commands go to, with workers where they are ours: those of a server elsewhere are not.

    Whoever runs that one runs its workers, too, with a lake and settings that this shell may not have: where a pool has
    none, it is said what to start.
    """
    state = find_server(say)
    if not state.parts:
        for pool in POOLS:
            if not n_online_workers(str(state.api_url), pool):
                say(f"pool {pool} has no worker at {state.api_url}: {start_elsewhere(pool)}")
    return state


def start_elsewhere(pool: str) -> str:
    """Return what to do where a pool of a server elsewhere has no worker."""
    return (
        f"start the one of pool {pool} where it is managed (systemctl --user start deepdlt-worker@{pool}, or "
        f"docker compose start {pool}-worker), or workers of this machine with `deepdlt up`"
    )


def n_online_workers(api_url: str, pool: str) -> int:
    """Return how many workers of a pool the server has heard from of late."""
    api = ServerApi(api_url, timeout_s=10)
    if pool not in {found["name"] for found in api.ask("POST", "work_pools/filter", {"limit": 200})}:
        return 0
    return sum(worker["status"] == "ONLINE" for worker in api.ask("POST", f"work_pools/{pool}/workers/filter", {}))


def drop_what_does_not_fit(paths: StackPaths, state: StackState, say: Say) -> StackState:
    """Stop what runs for another server, or with other settings than those of this command.

    Raises
    ------
    StackInUse
        If it is at work; then nothing is stopped.
    ServerUnreachable
        If it would have to make way for a server that does not answer.
    """
    external = others_server(state)
    is_own = external is None
    is_other = is_own != state.is_own_server or (not is_own and external != state.api_url)
    if is_other:
        make_way(paths, state, external, say)
        return StackState(api_url=external, is_own_server=is_own, variables=own_variables())
    workers = [part for part in state.parts if part.name != SERVER and processes.is_alive(part)]
    changed = sorted(name for name, _ in state.variables.items() ^ own_variables().items())
    if workers and changed:
        if is_at_work(paths, state):
            raise StackInUse(changed)
        say(f"{', '.join(changed)} changed: starting the workers again")
        stop_parts(paths, workers)
    return replace(state, variables=own_variables())


def make_way(paths: StackPaths, state: StackState, external: str | None, say: Say) -> None:
    """Stop the parts of a stack that is to work for another server from now on: workers first, then the server."""
    alive = [part.name for part in state.parts if processes.is_alive(part)]
    if alive and is_at_work(paths, state):
        raise StackInUse(["PREFECT_API_URL"])
    if external:
        ServerApi(external, timeout_s=10).ask("GET", "health")
    if alive:
        say(f"PREFECT_API_URL is another than before: stopping {', '.join(alive)}")
    stop_parts(paths, [part for part in state.parts if part.name != SERVER])
    stop_parts(paths, [part for part in state.parts if part.name == SERVER], grace_s=SERVER_GRACE_S)


def is_at_work(paths: StackPaths, state: StackState) -> bool:
    """Tell whether runs are under way that would end with the stack; of another's server, those of our workers."""
    if not is_serving(state):
        return False
    api = ServerApi(str(state.api_url))
    if state.is_own_server:
        return bool(runs_under_way(api))
    return bool(runs_of_workers(api, [worker_name(paths, pool) for pool in POOLS]))


def ensure_server(paths: StackPaths, state: StackState, say: Say) -> StackState:
    """Return the state with a server that answers: the user's, ours, or ours started anew."""
    if not state.is_own_server:
        ServerApi(str(state.api_url), timeout_s=10).ask("GET", "health")
        return state
    if not state.is_part_alive(SERVER):
        before = state.api_url
        state = start_server(paths, state, say)
        if state.api_url != before:
            stop_parts(paths, [part for part in state.parts if part.name != SERVER])
    wait_for_server(paths, state, say)
    return state


def stop_parts(paths: StackPaths, parts: list[Started], *, grace_s: float = WORKER_GRACE_S) -> list[Started]:
    """Stop parts of the stack with all they started; return those that had to be forced."""
    return processes.stop(parts, grace_s=grace_s, variable=MARK, value=str(paths.folder))


def down(say: Say = print) -> None:
    """Stop what `up` started: the workers first, with their runs cancelled, then the server."""
    paths = stack_paths()
    with alone(paths, say):
        state = read_state(paths)
        say(f"stopping {', '.join(part.name for part in state.parts)}" if state.parts else "nothing of the stack runs")
        for part in stop_parts(paths, [part for part in state.parts if part.name != SERVER]):
            say(f"{part.name} did not end by itself and was ended by force")
        if state.is_own_server and state.is_part_alive(SERVER) and is_serving(state):
            api = ServerApi(str(state.api_url))
            for run in runs_under_way(api):
                say(f"run {run['name']} had no end and was marked as crashed")
                mark_with_children(api, run, "The local stack was stopped.")
        stop_parts(paths, [part for part in state.parts if part.name == SERVER], grace_s=SERVER_GRACE_S)
        text = paths.settings_file.read_text() if paths.settings_file.exists() else ""
        if text.startswith(SETTINGS_HEADER):
            paths.settings_file.unlink()
        # The address is kept, so that the next server takes the same port again where it can.
        write_state(paths, StackState(api_url=state.api_url, is_own_server=state.is_own_server))


def status() -> list[PartStatus]:
    """Say of each part whether it runs."""
    state = read_state(stack_paths())
    part = state.part(SERVER)
    where = f"{state.api_url} (pid {part.pid})" if state.is_own_server and part else f"{state.api_url} (not ours)"
    is_there = state.is_part_alive(SERVER) or not state.is_own_server
    if is_there and not is_serving(state):
        is_there, where = False, f"{where} does not answer"
    lines = [PartStatus(SERVER, is_there, where if is_there or not state.is_own_server else "not started")]
    for pool in POOLS:
        name = f"worker-{pool}"
        worker = state.part(name) if state.is_part_alive(name) else None
        detail = f"takes runs of pool {pool} (pid {worker.pid})" if worker else "not started"
        lines.append(PartStatus(name, worker is not None, detail))
    return lines
