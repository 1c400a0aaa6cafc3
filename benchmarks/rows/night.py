"""A night with nothing new, on a warm stack: what it costs beyond an empty flow."""

import os
import shutil
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.child import Clock
from benchmarks.pairs import ROOT
from benchmarks.row import Row, at_most_times, said_always, said_at_most, within
from benchmarks.sources import Stage
from benchmarks.stack import HEIGHT_PX, N_IMAGES, NIGHT, WIDTH_PX, BenchStack, night_arguments, start_with_night

DATA = f"{N_IMAGES} synthetic images of {WIDTH_PX} x {HEIGHT_PX} px"
FINAL = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}


def parameters(stage: Stage) -> dict[str, Any]:
    """Start a stack with a night that has been trained; return where it is."""
    stack = start_with_night(stage.fresh("stack"))
    return {"folder": str(stack.folder), "port": stack.port}


def finish(parameters: dict[str, Any]) -> None:
    """Stop the stack."""
    BenchStack(Path(parameters["folder"]), parameters["port"]).command("down")


def night(clock: Clock, folder: str, port: int) -> None:
    """Run a night with nothing new on the server, then once more in this process to see whose code takes the time."""
    stack = BenchStack(Path(folder), port)
    given = {"source": str(stack.source), **NIGHT}
    run_id = _run(clock, stack, "retrain/nightly", given)
    from deployments.server_api import ServerApi

    children = ServerApi(stack.api_url).runs({"parent_flow_run_id": {"any_": [run_id]}})
    clock.say(no_child=not any(child["name"].startswith("train ") for child in children))
    clock.say(**_own_code(stack, given))


def empty(clock: Clock, folder: str, port: int) -> None:
    """Run the empty flow on the server."""
    _run(clock, BenchStack(Path(folder), port), "empty/bench", {})


def typed(clock: Clock, folder: str, port: int) -> None:
    """Type ``make retrain``."""
    stack = BenchStack(Path(folder), port)
    env = {**os.environ, **stack.variables}
    env.pop("PREFECT_API_URL")
    arguments = night_arguments(stack)
    pairs = zip(arguments[::2], arguments[1::2], strict=True)
    given = [f"{name.removeprefix('--').upper()}={value}" for name, value in pairs]
    command = [shutil.which("make") or "make", "retrain", *given]
    with clock.running():
        done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    clock.say(is_hit="trained 0," in done.stdout)


def _run(clock: Clock, stack: BenchStack, name: str, given: dict[str, Any]) -> str:
    """Run a deployment to its end; count from its first state to its last, by the server's clock."""
    from deployments.server_api import ServerApi

    api = ServerApi(stack.api_url)
    run = api.create_run(name, given)
    while run["state_type"] not in FINAL:
        time.sleep(0.25)
        run = api.run(run["id"])
    states = api.ask("GET", f"flow_run_states/?flow_run_id={run['id']}")
    times = sorted(datetime.fromisoformat(state["timestamp"]) for state in states)
    if run["state_type"] != "COMPLETED":
        raise RuntimeError(f"{name} ended {run['state_name']}: {run['state']['message']}")
    clock.seconds = (times[-1] - times[0]).total_seconds()
    return str(run["id"])


def _own_code(stack: BenchStack, given: dict[str, Any]) -> dict[str, Any]:
    """Run the night's flow in this process and return how long the project's own code took."""
    os.environ |= stack.variables
    import prefect

    from benchmarks.own_time import EVERY_S, sampled

    del prefect
    began = time.perf_counter()
    with sampled() as counts:
        from flows.retrain import retrain

        retrain(**given)
    taken = time.perf_counter() - began
    share = counts["ours"] / max(1, counts.total())
    return {
        "own_code_s": share * taken,
        "whole_flow_s": taken,
        "looks": dict(counts),
        "look_every_s": EVERY_S,
        "no_torch": "torch" not in sys.modules,
    }


ROWS = (
    Row(
        name="night",
        work="a night with nothing new, stack warm, Scheduled to Completed",
        ours="benchmarks.rows.night:night",
        other="benchmarks.rows.night:empty",
        other_name="empty flow",
        parameters=parameters,
        finish=finish,
        data=DATA,
        judges=(
            at_most_times(1.5, of="an empty flow"),
            said_at_most("own_code_s", 1.0, goal="own code <= 1 s"),
            said_always("no_child", goal="no child run"),
            said_always("no_torch", goal="torch not imported"),
        ),
        works_elsewhere=True,
    ),
    Row(
        name="retrain",
        work="`make retrain` with nothing new, as typed, stack warm",
        ours="benchmarks.rows.night:typed",
        parameters=parameters,
        finish=finish,
        data=DATA,
        judges=(within(10), said_always("is_hit", goal="nothing trained")),
        works_elsewhere=True,
    ),
)
