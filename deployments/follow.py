"""Start a run of a deployment and follow it to its end: states, log lines, tasks, progress; then its exit code.

Prefect's own ``--watch`` lingers 4-14 s after the end of a run; this returns within half a second of it.
"""

import re
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from deployments.display import Display, bar
from deployments.errors import ServerRefused, ServerUnreachable
from deployments.server_api import FINAL, Json, ServerApi

INFO = 20
DETAIL_S = 1.0
NOT_TAKEN_S = 20.0
UNREACHABLE_S = 60.0
CANCEL_S = 60.0
# Log lines are sent twice a second, so the last of a run come a little after its end.
LAST_LINES_S = 0.5
# Lines of several processes do not come in the order of their times.
OVERLAP = timedelta(seconds=15)
COMPLETED, FAILED, INTERRUPTED = 0, 1, 130
SOURCE_SUFFIX = re.compile(r"-[0-9a-f]{8}$")
# What the display says anyway, or nobody wants to know.
NOISE = re.compile(
    "Finished in state|Beginning (sub)?flow run|View at http|Downloading flow code|Created flow run"
    "|Engine execution exited"
)
# States that last a moment and tell nobody anything.
ON_THE_WAY = frozenset({"Scheduled", "Pending", "Submitting"})
OUR_LOGGERS = ("prefect.flow_runs", "prefect.task_runs", "flows.", "tasks.", "deepdlt.", "lake.")
WARNING = 30


@dataclass(frozen=True)
class Outcome:
    """How a followed run ended."""

    run_id: str
    state: str
    message: str
    exit_code: int


def pause_s(elapsed_s: float) -> float:
    """Return how long to wait before asking again: short at first, so that a night of hits ends at once."""
    if elapsed_s < 20:
        return 0.2
    return 0.5 if elapsed_s < 120 else 1.0


def is_subflow(task_run: Json) -> bool:
    """Tell whether a task run only stands for a run of another flow; one that has just been made has no state yet."""
    return bool(task_run["state"] and task_run["state"]["state_details"].get("child_flow_run_id"))


def count_tasks(task_runs: list[Json]) -> str:
    """Return tasks with how many of their runs are done of how many there are; other flows' runs do not count here.

    A task's key is its function's name and a digest of its source: all trainings count as one task, whatever each
    is called.
    """
    task_runs = [run for run in task_runs if not is_subflow(run)]
    names = [SOURCE_SUFFIX.sub("", run["task_key"]).replace("_", " ") for run in task_runs]
    done = Counter(name for name, run in zip(names, task_runs, strict=True) if run["state_type"] in FINAL)
    return ", ".join(f"{name} {done[name]}/{n_all}" for name, n_all in Counter(names).items())


def is_told(entry: Json) -> bool:
    """Tell whether a log line is worth a line in the terminal: warnings are, and what our own code says."""
    if NOISE.match(entry["message"]):
        return False
    name, level = str(entry["name"]), int(entry["level"])
    return level >= WARNING or (name.startswith(OUR_LOGGERS) and name != "prefect.flow_runs.worker")


class Follower:
    """Follows one run and the runs it starts.

    Parameters
    ----------
    api : ServerApi
        The server that has the run.
    run : dict
        The run, as the server gave it.
    display : Display
        Takes what is to be seen.
    """

    def __init__(self, api: ServerApi, run: Json, display: Display) -> None:
        self.api = api
        self.root: Json = run
        self.display = display
        self.states: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.seen_logs: set[str] = set()
        self.logs_since = datetime.now(UTC) - OVERLAP
        self.began = time.monotonic()
        self.detailed_at = 0.0
        self.is_wait_said = False

    @property
    def is_over(self) -> bool:
        """Whether the run has come to its end."""
        return self.root["state_type"] in FINAL

    def look(self) -> None:
        """Ask the server how the run is doing, and show what is new."""
        self.root = self.api.run(self.root["id"])
        self.note_state(self.root)
        if self.is_over or time.monotonic() - self.detailed_at > DETAIL_S:
            self.detailed_at = time.monotonic()
            self.look_closer()
        is_waiting = self.root["state_type"] in {"SCHEDULED", "PENDING"}
        if is_waiting and not self.is_wait_said and time.monotonic() - self.began > NOT_TAKEN_S:
            self.is_wait_said = True
            self.display.line("no worker has begun with it yet; `deepdlt doctor` says whether there is one")

    def look_closer(self) -> None:
        """Show child runs, log lines, tasks and progress."""
        children = self.api.runs({"parent_flow_run_id": {"any_": list(self.states)}})
        for run in children:
            self.note_state(run)
        run_ids = list(self.states)
        self.show_logs(run_ids)
        lines = [
            f"{run['key'] or 'progress'}: {bar(run['data'] or 0)} {run['description'] or ''}"
            for run in self.api.progress(run_ids)
            if (run["data"] or 0) < 100
        ]
        tasks = count_tasks(self.api.task_runs(run_ids))
        running = [self.names[run] for run, state in self.states.items() if state == "Running"]
        self.display.status("\n".join(filter(None, [", ".join(running[-3:]), tasks, *lines])))

    def note_state(self, run: Json) -> None:
        """Show the state of a run where it is another than before."""
        state = run["state"] or {"name": "Scheduled", "message": None}
        self.names[run["id"]] = run["name"]
        if self.states.get(run["id"]) == state["name"]:
            return
        self.states[run["id"]] = state["name"]
        if state["name"] in ON_THE_WAY:
            return
        indent = "" if run["id"] == self.root["id"] else "  "
        said = f": {state['message']}" if state["message"] else ""
        self.display.line(f"{indent}{run['name']} is {state['name']}{said}")

    def show_logs(self, run_ids: list[str]) -> None:
        """Show the log lines that were not shown yet."""
        for entry in self.api.logs(run_ids, since=self.logs_since, min_level=INFO):
            if entry["id"] in self.seen_logs:
                continue
            self.seen_logs.add(entry["id"])
            self.logs_since = max(self.logs_since, datetime.fromisoformat(entry["timestamp"]) - OVERLAP)
            if is_told(entry):
                # The traceback stays in the UI: here the sentence counts.
                self.display.line("    " + entry["message"].split("\nTraceback (most recent", 1)[0])

    def until_over(self, *, limit_s: float | None = None) -> None:
        """Look again and again until the run is over; bear a server that is away for a minute, or silent for three.

        Raises
        ------
        ServerUnreachable
            If the server stays away.
        """
        begin = time.monotonic()
        away_since: float | None = None
        while True:
            try:
                self.look()
                away_since = None
            except ServerUnreachable:
                now = time.monotonic()
                if away_since is None:
                    self.display.line("the server does not answer; asking again")
                away_since = away_since or now
                if now - away_since > UNREACHABLE_S:
                    raise
            if self.is_over or (limit_s is not None and time.monotonic() - begin > limit_s):
                return
            time.sleep(pause_s(time.monotonic() - self.began))

    def cancel(self) -> None:
        """Have the server cancel the run, and wait for its end."""
        self.display.line("interrupted: asking the server to cancel the run (Ctrl-C again leaves it as it is)")
        try:
            self.api.set_state(self.root["id"], "CANCELLING", "Cancelled from the terminal.")
        except ServerRefused as error:
            self.display.line(str(error))
        self.until_over(limit_s=CANCEL_S)

    def outcome(self, *, is_interrupted: bool) -> Outcome:
        """Return how the run ended."""
        state = self.root["state"] or {}
        exit_code = COMPLETED if self.root["state_type"] == "COMPLETED" else FAILED
        return Outcome(
            run_id=self.root["id"],
            state=state.get("name", "Unknown"),
            message=state.get("message") or "",
            exit_code=INTERRUPTED if is_interrupted else exit_code,
        )


def follow(api: ServerApi, run: Json, display: Display) -> Outcome:
    """Follow a run to its end; Ctrl-C has the server cancel it.

    Parameters
    ----------
    api : ServerApi
        The server that has the run.
    run : dict
        The run, as the server gave it.
    display : Display
        Takes what is to be seen; closed at the end.

    Returns
    -------
    outcome : Outcome
        Exit code 0 where the run completed, 130 where it was interrupted, 1 otherwise.
    """
    follower = Follower(api, run, display)
    is_interrupted = False
    try:
        try:
            follower.until_over()
        except KeyboardInterrupt:
            is_interrupted = True
            follower.cancel()
        if follower.states:
            time.sleep(LAST_LINES_S)
            follower.show_logs(list(follower.states))
    except KeyboardInterrupt:
        display.line(f"left run {follower.root['id']} as it is")
    finally:
        display.close()
    return follower.outcome(is_interrupted=is_interrupted)


def run_deployment(api: ServerApi, name: str, parameters: dict[str, Any], display: Display) -> Outcome:
    """Start a run of a deployment and follow it to its end.

    Raises
    ------
    DeploymentMissing
        If the server knows no such deployment.
    ParametersRefused
        If the parameters do not fit the flow.
    ServerUnreachable
        If the server stays away for a minute, or answers no question for three.
    """
    run = api.create_run(name, parameters)
    display.line(f"{name}: {api.ui_url}/runs/flow-run/{run['id']}")
    return follow(api, run, display)
