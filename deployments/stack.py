"""The local stack: a Prefect server and a worker for each pool, kept alive between commands.

`up` starts what does not run, `down` ends what `up` started and nothing else, `status` says what is there. With
``PREFECT_API_URL`` set the server is someone else's: then only the workers are ours.
"""

from dataclasses import dataclass

from deployments import processes
from deployments.errors import ServerUnreachable
from deployments.parts import MARK, POOLS, SERVER, ensure_pools, is_serving, start_server, start_worker, wait_for_server
from deployments.processes import Started
from deployments.server_api import ServerApi
from deployments.settings import SETTINGS_HEADER, StackPaths, external_api_url, settings_file_text, stack_paths
from deployments.stack_state import Say, StackState, alone, read_state, write_state

SERVER_GRACE_S = 10.0
WORKER_GRACE_S = 40.0


@dataclass(frozen=True)
class PartStatus:
    """One line of `status`."""

    name: str
    is_running: bool
    detail: str


def ensure_server(paths: StackPaths, state: StackState, say: Say) -> StackState:
    """Return the state with a server that answers: the user's own, ours, or ours started anew."""
    external = external_api_url()
    if external and external != state.api_url:
        with ServerApi(external, timeout_s=10) as api:
            api.ask("GET", "health")
        return StackState(external, False, state.parts)
    part = state.part(SERVER)
    if state.is_own_server:
        if part is None or not processes.is_alive(part):
            state = start_server(paths, state, say)
        wait_for_server(paths, state, say)
    elif external is None:
        return ensure_server(paths, StackState(parts=state.parts), say)
    elif not is_serving(state):
        raise ServerUnreachable(external, "no answer")
    return state


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
    """
    paths = stack_paths()
    with alone(paths, say):
        before = read_state(paths)
        state = ensure_server(paths, before, say)
        if state.api_url != before.api_url:
            stop_parts(paths, [part for part in before.parts if part.name != SERVER])
        write_state(paths, state)
        text = settings_file_text(paths, str(state.api_url), is_own_server=state.is_own_server)
        paths.settings_file.write_text(text)
        missing = [pool for pool in POOLS if not state.is_part_alive(f"worker-{pool}")]
        if missing:
            ensure_pools(str(state.api_url))
        for pool in missing:
            state = start_worker(paths, state, pool, say)
    return state


def stop_parts(paths: StackPaths, parts: list[Started], *, grace_s: float = WORKER_GRACE_S) -> list[Started]:
    """Stop parts of the stack with all they started; return those that had to be forced."""
    return processes.stop(parts, grace_s=grace_s, variable=MARK, value=str(paths.folder))


def mark_left_runs(api_url: str) -> int:
    """Mark runs that are said to run, but whose workers are gone, as crashed; return how many."""
    with ServerApi(api_url, timeout_s=10) as api:
        left = api.runs({"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}})
        for run in left:
            api.set_state(run["id"], "CRASHED", "The local stack was stopped.", is_forced=True)
    return len(left)


def down(say: Say = print) -> None:
    """Stop what `up` started: the workers first, with their runs cancelled, then the server."""
    paths = stack_paths()
    with alone(paths, say):
        state = read_state(paths)
        workers = [part for part in state.parts if part.name != SERVER]
        say(f"stopping {len(state.parts)} parts" if state.parts else "nothing of the stack runs")
        for part in stop_parts(paths, workers):
            say(f"the {part.name} did not end by itself and was ended by force")
        if state.is_own_server and state.api_url and is_serving(state) and state.is_part_alive(SERVER):
            n_left = mark_left_runs(state.api_url)
            if n_left:
                say(f"{n_left} runs without a worker were marked as crashed")
        stop_parts(paths, [part for part in state.parts if part.name == SERVER], grace_s=SERVER_GRACE_S)
        text = paths.settings_file.read_text() if paths.settings_file.exists() else ""
        if text.startswith(SETTINGS_HEADER):
            paths.settings_file.unlink()
        paths.state.unlink(missing_ok=True)


def status() -> list[PartStatus]:
    """Say of each part whether it runs."""
    paths = stack_paths()
    state = read_state(paths)
    part = state.part(SERVER)
    where = f"{state.api_url} (pid {part.pid})" if state.is_own_server and part else f"{state.api_url} (not ours)"
    is_there = state.is_part_alive(SERVER) or not state.is_own_server
    if is_there and not is_serving(state):
        is_there, where = False, f"{where} does not answer"
    lines = [PartStatus(SERVER, is_there, where if state.api_url else "not started")]
    for pool in POOLS:
        name = f"worker-{pool}"
        worker = state.part(name) if state.is_part_alive(name) else None
        detail = f"takes runs of pool {pool} (pid {worker.pid})" if worker else "not started"
        lines.append(PartStatus(name, worker is not None, detail))
    return lines
