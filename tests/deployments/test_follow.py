"""Following a run to its end, on a real server."""

import signal
import subprocess
import sys

import pytest
from stacks import RunningStack

from deployments.display import bar
from deployments.errors import DeploymentMissing, ParametersRefused, ServerUnreachable
from deployments.follow import Outcome, count_tasks, follow, is_told, pause_s, run_deployment
from deployments.server_api import FINAL, ServerApi

FOLLOW = """
import sys
from deployments.display import PlainDisplay
from deployments.follow import run_deployment
from deployments.server_api import ServerApi
sys.exit(run_deployment(ServerApi(sys.argv[1]), "lab-talk/lab", {"seconds": 60}, PlainDisplay()).exit_code)
"""


class Record:
    """A display that keeps what it was shown."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.statuses: list[str] = []
        self.is_closed = False

    def line(self, text: str) -> None:
        self.lines.append(text)

    def status(self, text: str) -> None:
        self.statuses.append(text)

    def close(self) -> None:
        self.is_closed = True


def run(lab: RunningStack, **parameters: object) -> tuple[Outcome, Record]:
    """Run and follow the flow that talks."""
    record = Record()
    return run_deployment(lab.api, "lab-talk/lab", parameters, record), record


def test_a_run_that_completes_gives_0(lab: RunningStack) -> None:
    """States, log lines and task counts were shown on the way."""
    outcome, record = run(lab, seconds=1.5)
    assert (outcome.state, outcome.exit_code) == ("Completed", 0)
    assert any("the lab talks" in line for line in record.lines)
    assert any("count 3/3" in status for status in record.statuses)
    assert record.is_closed


def test_a_run_that_says_much_at_once_is_heard_to_its_last_word(lab: RunningStack) -> None:
    """More than the server gives in one answer; each line once."""
    _, record = run(lab, lines=450, seconds=3)
    assert [line.strip() for line in record.lines if "line " in line] == [f"line {number}" for number in range(450)]


def test_a_run_that_fails_gives_1_and_its_message(lab: RunningStack) -> None:
    """The sentence of the failure is in the outcome; the traceback is not in the terminal."""
    outcome, record = run(lab, fails=True)
    assert (outcome.state, outcome.exit_code) == ("Failed", 1)
    assert "as asked" in outcome.message
    assert not any("Traceback" in line for line in record.lines)


def test_parameters_that_do_not_fit_make_no_run(lab: RunningStack) -> None:
    """The server refuses, and the message names the parameter."""
    before = len(lab.api.runs({}))
    with pytest.raises(ParametersRefused, match="seconds"):
        run(lab, seconds="long")
    assert len(lab.api.runs({})) == before


def test_an_unknown_deployment_says_how_to_register(lab: RunningStack) -> None:
    """The name is in the message, and the command that helps."""
    with pytest.raises(DeploymentMissing, match="deepdlt deploy"):
        run_deployment(lab.api, "lab-talk/nowhere", {}, Record())


def test_a_server_that_is_not_there_says_how_to_start_one() -> None:
    """The address and the command that helps are in the message."""
    with pytest.raises(ServerUnreachable, match=r"127\.0\.0\.1:9.*deepdlt up"):
        ServerApi("http://127.0.0.1:9/api").run("any")


def test_ctrl_c_cancels_the_run(lab: RunningStack) -> None:
    """The exit code is 130, and the server has the run as cancelled."""
    command = [sys.executable, "-c", FOLLOW, lab.api_url]
    with subprocess.Popen(command, env=lab.env, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout
        said = [process.stdout.readline()]
        run_id = said[0].rsplit("/", 1)[1].strip()
        lab.wait(run_id, state="Running")
        process.send_signal(signal.SIGINT)
        said += process.stdout.readlines()
        assert process.wait(timeout=60) == 130
    assert any("asking the server to cancel" in line for line in said)
    assert lab.api.run(run_id)["state_name"] == "Cancelled"


def test_a_cancelled_run_gives_1(lab: RunningStack) -> None:
    """One that was cancelled by somebody else has not completed."""
    run_id = lab.start("lab-talk/lab", seconds=60)
    lab.api.set_state(run_id, "CANCELLING", "by somebody else")
    outcome = follow(lab.api, lab.api.run(run_id), Record())
    assert (outcome.state, outcome.exit_code) == ("Cancelled", 1)


def test_runs_of_one_task_are_counted_together() -> None:
    """Whatever each run is called; only those that ended count as done, and a flow within a flow is no task."""
    kinds = [("train_fold-53c3d1b9", "COMPLETED", None), ("train_fold-53c3d1b9", "RUNNING", None)]
    kinds += [("cut_patches-0123abcd", "FAILED", None), ("ingest-696cb5cb", "RUNNING", "a flow")]
    runs = [
        {"task_key": key, "state_type": kind, "state": {"state_details": {"child_flow_run_id": child}}}
        for key, kind, child in kinds
    ]
    runs.append({"task_key": "just_made-0123abcd", "state_type": None, "state": None})
    assert count_tasks(runs) == "train fold 1/2, cut patches 1/1, just made 0/1"


@pytest.mark.parametrize(
    ("name", "level", "message", "expected"),
    [
        ("prefect.flow_runs", 20, "24 images", True),
        ("tasks.prepare", 20, "cut 2,400 patches", True),
        ("prefect.flow_runs", 20, "Finished in state Completed()", False),
        ("prefect.flow_runs.worker", 20, "submitting flow run", False),
        ("prefect.runner", 20, "starting", False),
        ("prefect.runner", 40, "could not start", True),
        ("prefect.engine", 40, "Engine execution exited with unexpected exception", False),
    ],
)
def test_our_own_lines_and_warnings_are_told(name: str, level: int, message: str, expected: bool) -> None:
    """What Prefect says about itself is left to the UI."""
    assert is_told({"name": name, "level": level, "message": message}) is expected


def test_the_pauses_grow_with_the_run() -> None:
    """A night of hits is left at once; one of hours does not keep the server busy."""
    assert [pause_s(elapsed) for elapsed in (1, 60, 3600)] == [0.2, 0.5, 1.0]


@pytest.mark.parametrize(("percent", "expected"), [(0, "----   0 %"), (50, "##--  50 %"), (140, "#### 100 %")])
def test_a_bar_is_as_long_as_its_share(percent: float, expected: str) -> None:
    """And never longer than itself."""
    assert bar(percent, width=4) == expected


def test_final_states_are_those_that_prefect_calls_terminal() -> None:
    """The list kept here is that of Prefect."""
    from prefect.client.schemas.objects import TERMINAL_STATES

    assert {state.name for state in TERMINAL_STATES} == FINAL
