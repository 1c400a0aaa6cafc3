"""The local stack, with a real server and real workers."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from stacks import (
    SUPPORT,
    RunningStack,
    environment_of,
    free_port,
    make_folder,
    start_stack,
    stop_stack,
    wait_until,
)

from deployments import processes
from deployments.late_runs import SKIPPED
from deployments.server_api import Json
from deployments.stack_state import read_state


def test_a_cron_run_is_really_scheduled(lab: RunningStack) -> None:
    """With the pinned FastAPI and SQLAlchemy the server starts, and its scheduler makes the runs of a schedule."""
    deployment = lab.api.deployment("lab-single/single")

    def scheduled() -> list[Json]:
        return lab.api.runs({"deployment_id": {"any_": [deployment["id"]]}, "state": {"type": {"any_": ["SCHEDULED"]}}})

    runs = wait_until(scheduled)
    assert all(run["auto_scheduled"] for run in runs)


def test_up_leaves_alone_what_runs(stack: RunningStack) -> None:
    """A second `up` starts nothing."""
    before = read_state(stack.paths)
    said = stack.cli("up").stdout
    assert "starting" not in said
    assert "scheduled nights take synthetic images" in said
    assert read_state(stack.paths) == before


def test_status_names_every_part(stack: RunningStack) -> None:
    """Server and both workers are said to be up."""
    lines = stack.cli("status").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["server", "up"], ["worker-cpu", "up"], ["worker-gpu", "up"]]


def test_a_killed_worker_is_started_again(lab: RunningStack) -> None:
    """`up` after kill -9 starts that worker, leaves the others, and the new one works."""
    before = read_state(lab.paths)
    os.kill(lab.part("worker-cpu").pid, signal.SIGKILL)
    assert "worker-cpu   down" in lab.cli("status", check=False).stdout
    lab.cli("up")
    after = read_state(lab.paths)
    changed = {part.name for part in after.parts} - {part.name for part in after.parts if part in before.parts}
    assert changed == {"worker-cpu"}
    assert lab.run("lab-quick/lab")["state_name"] == "Completed"


def test_three_days_without_a_worker_are_made_up_for_by_one_night(lab: RunningStack) -> None:
    """Of the nights that fell due the newest runs; the others are cancelled and say why; what was asked for stays."""
    deployment = lab.api.deployment("lab-single/single")
    scheduled = {"deployment_id": {"any_": [deployment["id"]]}, "state": {"type": {"any_": ["SCHEDULED"]}}}
    runs = wait_until(lambda: found if len(found := lab.api.runs(scheduled)) >= 3 else [])[:3]
    os.kill(lab.part("worker-cpu").pid, signal.SIGKILL)
    for days, run in zip((3, 2, 1), runs, strict=True):
        due = datetime.now(UTC) - timedelta(days=days)
        late = {"type": "SCHEDULED", "name": "Late", "state_details": {"scheduled_time": due.isoformat()}}
        lab.api.ask("POST", f"flow_runs/{run['id']}/set_state", {"state": late, "force": True})
    asked_for = lab.start("lab-single/single")
    lab.cli("up")
    ended = [lab.wait(run["id"]) for run in runs]
    assert [run["state"]["message"] for run in ended[:2]] == [SKIPPED, SKIPPED]
    for run in (ended[2], lab.wait(asked_for)):
        assert run["state_name"] == "Completed" or "concurrency limit" in run["state"]["message"]


def test_a_worker_that_is_told_to_stop_marks_its_runs(lab: RunningStack) -> None:
    """SIGTERM ends worker and flow, and the server does not believe that the run still runs."""
    run_id = lab.start("lab-talk/lab", seconds=120)
    lab.wait(run_id, state="Running")
    worker = lab.part("worker-cpu")
    os.kill(worker.pid, signal.SIGTERM)
    run = lab.wait(run_id, limit_s=30)
    assert run["state_name"] == "Cancelled"
    wait_until(lambda: not processes.is_alive(worker))
    lab.cli("up")


def test_a_second_run_is_cancelled_while_the_first_holds_its_lease_on_disk(lab: RunningStack) -> None:
    """The concurrency limit cancels the newcomer, and a restart of the server would not forget who holds the slot."""
    first = lab.start("lab-single/single", seconds=60)
    lab.wait(first, state="Running")
    leases = lab.paths.prefect_home / "concurrency_leases"
    assert [path for path in leases.glob("*.json") if path.stem != "expirations"]
    second = lab.run("lab-single/single")
    assert (second["state_name"], second["state"]["message"]) == ("Cancelled", "Deployment concurrency limit reached.")
    lab.api.set_state(first, "CANCELLING", "enough")
    assert lab.wait(first)["state_name"] == "Cancelled"


def test_prefect_typed_by_hand_reaches_the_stack(lab: RunningStack) -> None:
    """In the folder of `prefect.toml`, with nothing exported, Prefect's own command starts a run on our server.

    The flow runs with the lake of the one who started the stack, and not of the one who typed.
    """
    bare = {"HOME": lab.env["HOME"], "PATH": os.environ["PATH"]}
    command = [str(Path(sys.executable).with_name("prefect")), "deployment", "run", "lab-talk/lab"]
    folder = lab.paths.settings_file.parent
    done = subprocess.run(command, cwd=folder, env=bare, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    deployment = lab.api.deployment("lab-talk/lab")
    newest = lab.api.runs({"deployment_id": {"any_": [deployment["id"]]}})[-1]
    assert newest["name"] in done.stdout
    assert lab.wait(newest["id"])["state_name"] == "Completed"
    since = datetime.now(UTC) - timedelta(minutes=5)
    lake = f"the lab talks to {lab.env['DEEPDLT_LAKE']}"
    wait_until(
        lambda: lake in [line["message"] for line in lab.api.logs([newest["id"]], since=since, min_level=20)],
        limit_s=10,
    )


def test_the_server_runs_with_the_settings_that_nights_need(stack: RunningStack) -> None:
    """Leases on disk, no run removed for its age, nothing reported to anyone: asked of the running server itself."""
    server = stack.api.ask("GET", "admin/settings")["server"]
    assert server["concurrency"]["lease_storage"].endswith("filesystem")
    assert set(server["services"]["db_vacuum"]["enabled"]) == {"events"}
    assert server["analytics_enabled"] is False
    assert server["api"]["host"] == "127.0.0.1"


@pytest.mark.long
def test_another_lake_is_refused_while_the_workers_are_at_work(lab: RunningStack, tmp_path: Path) -> None:
    """Nobody's night is cancelled because someone else wants the stack for another lake."""
    run_id = lab.start("lab-talk/lab", seconds=30)
    lab.wait(run_id, state="Running")
    done = lab.cli("up", check=False, DEEPDLT_LAKE=str(tmp_path))
    assert done.returncode == 1
    assert "DEEPDLT_LAKE" in done.stderr
    lab.api.set_state(run_id, "CANCELLING", "enough")
    lab.wait(run_id)


def test_a_server_elsewhere_that_does_not_answer_is_an_error_and_starts_none(tmp_path: Path) -> None:
    """With PREFECT_API_URL set, nothing of ours takes its place."""
    env = dict(os.environ) | {"PREFECT_API_URL": "http://127.0.0.1:9/api", "DEEPDLT_STACK": str(tmp_path / "stack")}
    command = [sys.executable, "-m", "deployments.cli", "up"]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "PREFECT_API_URL" in done.stderr
    assert not (tmp_path / "stack" / "prefect").exists()


@pytest.mark.long
def test_a_dead_nights_slot_is_free_again_after_a_restart_of_the_server(lab: RunningStack) -> None:
    """Server, worker and flow killed at once: `up` finds the run dead, and the next one is not cancelled."""
    first = lab.start("lab-single/single", seconds=600)
    lab.wait(first, state="Running")
    worker = lab.part("worker-cpu")
    for process in processes.left_behind(worker, variable="DEEPDLT_STACK", value=str(lab.paths.folder)):
        process.kill()
    os.kill(lab.part("server").pid, signal.SIGKILL)
    assert "their worker being gone: 1" in lab.cli("up").stdout
    assert lab.api.run(first)["state_name"] == "Crashed"
    assert lab.run("lab-single/single")["state_name"] == "Completed"


@pytest.mark.long
def test_a_run_that_dies_with_its_worker_is_found_by_its_silence(lab: RunningStack) -> None:
    """With nobody there to look, the automation marks it after three heartbeats that did not come."""
    first = lab.start("lab-single/single", seconds=600)
    lab.wait(first, state="Running")
    heartbeat = {"resource": {"id": [f"prefect.flow-run.{first}"]}, "event": {"name": ["prefect.flow-run.heartbeat"]}}
    wait_until(lambda: lab.api.ask("POST", "events/filter", {"filter": heartbeat})["events"])
    for process in processes.left_behind(lab.part("worker-cpu"), variable="DEEPDLT_STACK", value=str(lab.paths.folder)):
        process.kill()
    run = lab.wait(first, limit_s=200)
    assert (run["state_name"], "No heartbeat" in run["state"]["message"]) == ("Crashed", True)
    lab.cli("up")
    assert lab.run("lab-single/single")["state_name"] == "Completed"


@pytest.mark.long
def test_down_in_the_middle_of_a_run_leaves_nothing_behind() -> None:
    """No process, no settings file; the next `up` finds the run cancelled, on the port it had before."""
    folder = make_folder()
    own = start_stack(folder, environment_of(folder, free_port()))
    own.cli("deploy", DEEPDLT_PREFECT_YAML=str(SUPPORT / "lab.yaml"))
    run_id = own.start("lab-talk/lab", seconds=600)
    own.wait(run_id, state="Running")
    parts = read_state(own.paths).parts
    own.cli("down")
    mark = str(own.paths.folder)
    assert [part for part in parts if processes.left_behind(part, variable="DEEPDLT_STACK", value=mark)] == []
    assert not own.paths.settings_file.exists()
    own.cli("up", DEEPDLT_PORT="")
    assert own.api.run(run_id)["state_name"] == "Cancelled"
    stop_stack(own)


@pytest.mark.long
def test_for_a_server_elsewhere_only_workers_are_started(lab: RunningStack, tmp_path: Path) -> None:
    """They take its runs, and `down` ends them and not that server."""
    other = RunningStack(lab.env | {"DEEPDLT_STACK": str(tmp_path / "stack")}, tmp_path, lab.api_url)
    other.cli("up")
    assert [part.name for part in read_state(other.paths).parts] == ["worker-cpu", "worker-gpu"]
    wait_until(lambda: len(lab.api.ask("POST", "work_pools/cpu/workers/filter", {})) >= 1)
    other.cli("down")
    assert lab.api.is_healthy()
    assert lab.run("lab-quick/lab")["state_name"] == "Completed"
