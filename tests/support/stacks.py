"""A real stack for tests: server and workers on free ports of the loopback address, in folders of their own."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from deployments.dead_runs import is_running_here, runs_under_way
from deployments.processes import Started
from deployments.server_api import FINAL, Json, ServerApi
from deployments.settings import LOOPBACK, StackPaths, prefect_settings
from deployments.stack_state import read_state

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
SUPPORT = ROOT / "tests" / "support"
DEEPDLT = [sys.executable, "-m", "deployments.cli"]


def free_port() -> int:
    """Return a port that is free just now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def environment_of(folder: Path, port: int) -> dict[str, str]:
    """Return the variables of a stack in a folder: nothing of it touches the user's home, lake or stack."""
    paths = StackPaths(folder / "stack")
    return prefect_settings(paths, f"http://{LOOPBACK}:{port}/api", is_own_server=True) | {
        "HOME": str(folder / "home"),
        "DEEPDLT_STACK": str(paths.folder),
        "DEEPDLT_LAKE": str(folder / "lake"),
        "DEEPDLT_PORT": str(port),
        "DEEPDLT_STILL_S": "0",  # what a test has just written is whole
        # This very tree, wherever the environment was installed from.
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(SUPPORT)]),
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    }


@dataclass(frozen=True)
class RunningStack:
    """A stack that runs, and what a test needs to use it.

    Attributes
    ----------
    env : dict of str
        Whole environment for commands that use the stack.
    home : Path
        Folder that holds all of it; the lake is in ``home / "lake"``.
    api_url : str
        Address of the server's API.
    """

    env: dict[str, str]
    home: Path
    api_url: str

    @property
    def api(self) -> ServerApi:
        """A connection to the server."""
        return ServerApi(self.api_url)

    @property
    def paths(self) -> StackPaths:
        """The stack's own files."""
        return StackPaths(Path(self.env["DEEPDLT_STACK"]))

    def part(self, name: str) -> Started:
        """Return a part as the state file has it."""
        found = read_state(self.paths).part(name)
        assert found is not None
        return found

    def cli(self, *arguments: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command line to its end."""
        done = subprocess.run(
            [*DEEPDLT, *arguments],
            env=self.env | variables,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def start(self, deployment: str, **parameters: Any) -> str:
        """Ask for a run, and return its id."""
        return str(self.api.create_run(deployment, parameters)["id"])

    def wait(self, run_id: str, *, state: str | None = None, limit_s: float = 90) -> Json:
        """Wait until a run has ended, or has come to a state by name, and return it."""
        deadline = time.monotonic() + limit_s
        while True:
            run = self.api.run(run_id)
            if run["state_name"] == state or run["state_type"] in FINAL:
                return run
            late = f"run {run_id} is still {run['state_name']} after {limit_s} s"
            assert time.monotonic() < deadline, f"{late}\n{self.under_way()}\n{self.last_words()}"
            time.sleep(0.1)

    def under_way(self) -> str:
        """Return a line for each run that has not ended: where it stands, and whether its process is there."""
        lines = []
        for run in runs_under_way(self.api):
            state, process = run["state"], "is there" if is_running_here(run) else "is gone"
            said = f"{run['name']}: {state['name']} since {state['timestamp']} ({state['message']})"
            lines.append(f"{said}, process {run['infrastructure_pid']} {process}, {run['labels']}")
        return "\n".join(lines)

    def last_words(self, n_lines: int = 40) -> str:
        """Return the ends of the logs of all parts."""
        lines = []
        for log in sorted((self.paths.folder / "logs").glob("*.log")):
            lines += [f"-- {log.name}", *log.read_text(errors="replace").splitlines()[-n_lines:]]
        return "\n".join(lines)

    def run(self, deployment: str, *, limit_s: float = 90, **parameters: Any) -> Json:
        """Run a deployment to its end, and return the run."""
        return self.wait(self.start(deployment, **parameters), limit_s=limit_s)


def wait_until(is_true: Callable[[], T], *, limit_s: float = 30.0) -> T:
    """Ask again and again until the answer is true, and return it."""
    deadline = time.monotonic() + limit_s
    while not (found := is_true()):
        assert time.monotonic() < deadline, f"still {found!r} after {limit_s} s"
        time.sleep(0.2)
    return found


def make_folder() -> Path:
    """Make the folder of a test session's stack; short, since sockets may lie in it."""
    folder = Path(tempfile.mkdtemp(prefix="deepdlt-tests-"))
    (folder / "home").mkdir()
    (folder / "stack" / "prefect").mkdir(parents=True)  # Prefect wants its home when it is imported
    return folder


def start_stack(folder: Path, variables: dict[str, str]) -> RunningStack:
    """Start a stack by its own command."""
    env = {**os.environ, **variables}
    env.pop("PREFECT_API_URL")  # the server is the stack's own, not the user's
    stack = RunningStack(env, folder, variables["PREFECT_API_URL"])
    stack.cli("up")
    assert read_state(stack.paths).api_url == stack.api_url
    # From here on the address is known, and commands of Prefect's own need it.
    return RunningStack(env | {"PREFECT_API_URL": stack.api_url}, folder, stack.api_url)


def stop_stack(stack: RunningStack) -> None:
    """Stop a stack by its own command, and remove what it left."""
    stack.cli("down")
    shutil.rmtree(stack.home, ignore_errors=True)
