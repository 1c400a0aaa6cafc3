"""What runs of the local stack, in a file, and the lock that keeps two commands apart."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace

from filelock import FileLock, Timeout

from deployments import processes
from deployments.errors import ServerRuns, StackBusy
from deployments.processes import Started
from deployments.settings import StackPaths

LOCK_S = 150.0
# One that was told to stop, or killed, is gone by then.
ENDING_S = 5.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class StackState:
    """What runs, as the state file keeps it."""

    api_url: str | None = None
    is_own_server: bool = True
    parts: tuple[Started, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)

    def part(self, name: str) -> Started | None:
        """Return the part of a name, where it was started."""
        return next((part for part in self.parts if part.name == name), None)

    def with_part(self, started: Started) -> "StackState":
        """Return this state with a part added, in the place of an older one."""
        return replace(self, parts=(*(part for part in self.parts if part.name != started.name), started))

    def is_part_alive(self, name: str) -> bool:
        """Tell whether a part was started and still runs."""
        part = self.part(name)
        return part is not None and processes.is_alive(part)

    def has_workers_for(self, api_url: str) -> bool:
        """Tell whether workers were started here for a server elsewhere."""
        return not self.is_own_server and self.api_url == api_url and bool(self.parts)


def read_state(paths: StackPaths) -> StackState:
    """Return what the state file says; an empty state where there is none, or a torn one."""
    try:
        kept = json.loads(paths.state.read_text())
        parts = tuple(Started(**part) for part in kept.pop("parts"))
        return StackState(**kept, parts=parts)
    except (OSError, ValueError, KeyError, TypeError):
        return StackState()


def write_state(paths: StackPaths, state: StackState) -> None:
    """Replace the state file in one step."""
    paths.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = paths.state.with_suffix(".new")
    draft.write_text(json.dumps(asdict(state), indent=1))
    draft.replace(paths.state)


@contextmanager
def alone(paths: StackPaths, say: Say) -> Iterator[None]:
    """Hold the stack's lock: of two commands that start or stop it, the second waits.

    Raises
    ------
    StackBusy
        If the lock stays held for too long.
    """
    paths.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(paths.lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say("another command is starting or stopping the stack: waiting for it")
        try:
            lock.acquire(timeout=LOCK_S)
        except Timeout as error:
            raise StackBusy(paths.lock, LOCK_S) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def serving_alone(paths: StackPaths) -> Iterator[None]:
    """Hold the lock of the stack's server: whoever holds it alone may use the server's files.

    It ends with the process that holds it, however that ends, and no child inherits it.

    Raises
    ------
    ServerRuns
        If a server holds it.
    """
    paths.make_folders()
    try:
        with FileLock(paths.server_lock, timeout=ENDING_S):
            yield
    except Timeout as error:
        raise ServerRuns(paths.server_lock) from error
