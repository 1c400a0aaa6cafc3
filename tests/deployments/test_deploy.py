"""What is deployed, and that it is done once."""

import ast
import asyncio
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import yaml
from stacks import SUPPORT, RunningStack, wait_until

from deployments.automations import declared
from deployments.deploy import DEAD_RUNS, ENDS, HEARTBEAT, OURS, SILENT_S, declared_names, declared_version
from deployments.settings import StackPaths, prefect_settings

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deployments" / "prefect.yaml"
DECLARED = {deployment["name"]: deployment for deployment in yaml.safe_load(FILE.read_text())["deployments"]}


def test_all_four_jobs_are_declared() -> None:
    """Night, trainings, ingest and upkeep."""
    assert declared_names(FILE) == {"nightly", "gpu", "new-images", "weekly"}
    assert DECLARED["gpu"]["work_pool"]["name"] == "gpu"
    assert {DECLARED[name]["work_pool"]["name"] for name in ("nightly", "new-images", "weekly")} == {"cpu"}


def test_the_night_comes_at_two_in_a_stated_time_zone() -> None:
    """And never twice at once: a second one is cancelled."""
    night = DECLARED["nightly"]
    assert [(plan["cron"], plan["timezone"]) for plan in night["schedules"]] == [("0 2 * * *", "Europe/Athens")]
    assert night["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}


@pytest.mark.parametrize("day", ["2027-03-27", "2027-10-30"])
def test_a_night_comes_once_where_the_clocks_change(day: str) -> None:
    """The night of the change has one run, at two by the clock on the wall, as have those around it."""
    from prefect.server.schemas.schedules import CronSchedule

    (plan,) = DECLARED["nightly"]["schedules"]
    start = datetime.fromisoformat(f"{day}T12:00+00:00")
    schedule = CronSchedule(cron=plan["cron"], timezone=plan["timezone"])
    dates = asyncio.run(schedule.get_dates(start=start, end=start + timedelta(days=3)))
    local = [date.astimezone(ZoneInfo(plan["timezone"])) for date in dates]
    assert [(date.hour, date.minute) for date in local] == [(2, 0)] * 3
    assert [(date.date() - start.date()).days for date in local] == [1, 2, 3]
    assert local[0].utcoffset() != local[2].utcoffset()


@pytest.mark.parametrize("name", DECLARED)
def test_an_entry_point_is_a_flow_of_an_installed_module(name: str) -> None:
    """Workers elsewhere import it; nothing is pulled."""
    module, function = DECLARED[name]["entrypoint"].split(":")
    tree = ast.parse((ROOT / module.replace(".", "/")).with_suffix(".py").read_text())
    flows = [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list]
    assert function in flows
    assert yaml.safe_load(FILE.read_text())["pull"] == []


def copy_project(folder: Path) -> Path:
    """Copy what shapes the deployments, and return the file."""
    for name in ("flows", "deployments", "deepdlt"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder / "deployments" / "prefect.yaml"


@pytest.mark.parametrize(
    ("changed", "is_other"),
    [
        ("deployments/prefect.yaml", True),
        ("flows/retrain.py", True),
        ("deepdlt/config.py", True),
        ("deepdlt/night.py", True),
        ("deepdlt/refresh.py", True),
        ("deepdlt/training/settings.py", True),
        ("deepdlt/loss/names.py", True),
        ("deepdlt/training/train.py", False),
        ("deepdlt/dataset/patches.py", False),
    ],
)
def test_the_version_changes_with_what_shapes_a_deployment(tmp_path: Path, changed: str, is_other: bool) -> None:
    """And with nothing else, so that a change in the science registers nothing anew."""
    file = copy_project(tmp_path)
    before = declared_version(file, tmp_path)
    with (tmp_path / changed).open("a") as text:
        text.write("\n# changed\n")
    assert (declared_version(file, tmp_path) != before) is is_other


def test_what_is_registered_is_not_registered_again(lab: RunningStack) -> None:
    """A second deploy finds everything as declared; each automation is there once."""
    done = lab.cli("deploy", DEEPDLT_PREFECT_YAML=str(SUPPORT / "lab.yaml"))
    assert "as declared already" in done.stdout
    names = [automation["name"] for automation in DEAD_RUNS]
    found = lab.api.ask("POST", "automations/filter", {"automations": {"name": {"any_": names}}})
    assert sorted(automation["name"] for automation in found) == sorted(names)


def test_a_run_is_dead_after_three_heartbeats_that_did_not_come(tmp_path: Path) -> None:
    """With fewer a run that is busy would be taken for dead."""
    settings = prefect_settings(StackPaths(tmp_path), "http://127.0.0.1:4200/api", is_own_server=True)
    assert int(settings["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]) * 3 <= SILENT_S
    windows = [each["trigger"]["within"] for each in DEAD_RUNS if HEARTBEAT in each["trigger"]["after"]]
    assert min(windows) == SILENT_S


def test_what_the_server_failed_to_do_once_it_is_told_again() -> None:
    """A second automation, for where its database was held when the first one was due."""
    first, second = (each["trigger"] for each in DEAD_RUNS if HEARTBEAT in each["trigger"]["after"])
    assert second["within"] > first["within"]
    assert "prefect.flow-run.Crashed" in second["expect"]


def test_every_deployment_has_the_tag_by_which_its_runs_are_known() -> None:
    """Automations go by it."""
    assert {f"prefect.tag.{tag}" for each in DECLARED.values() for tag in each["tags"]} == {OURS["prefect.resource.id"]}
    assert all(each["tags"] for each in DECLARED.values())


@pytest.mark.parametrize(
    "trigger",
    [pytest.param(each["trigger"], id=each["name"].removeprefix("deepdlt: ")) for each in (*DEAD_RUNS, *declared())],
)
@pytest.mark.parametrize("tags", [["deepdlt", "auto-scheduled"], ["theirs"], []], ids=["ours", "theirs", "no tag"])
def test_runs_of_others_on_the_same_server_are_left_alone(trigger: dict[str, Any], tags: list[str]) -> None:
    """Prefect's own reading of a trigger: it neither begins with an event of theirs, nor waits for one."""
    from prefect.server.events.schemas.automations import EventTrigger
    from prefect.server.events.schemas.events import ReceivedEvent

    related = [{"prefect.resource.role": "deployment", "prefect.resource.id": "d", "prefect.resource.name": "nightly"}]
    related += [{"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{tag}"} for tag in tags]
    read = EventTrigger.model_validate(trigger)
    heard = [
        read.covers(
            ReceivedEvent.model_validate(
                {
                    "occurred": datetime.now(ZoneInfo("UTC")),
                    "event": event,
                    "resource": {"prefect.resource.id": f"prefect.flow-run.{uuid4()}"},
                    "related": related,
                    "id": uuid4(),
                }
            )
        )
        for event in (HEARTBEAT, *ENDS, "prefect.flow-run.Running", "prefect.flow-run.Pending")
    ]
    is_of_runs = trigger["match"]["prefect.resource.id"].startswith("prefect.flow-run.")
    assert any(heard) == (is_of_runs and "deepdlt" in tags)


def test_all_that_a_run_is_heard_of_by_has_its_tag(lab: RunningStack) -> None:
    """Its states, which the server tells, and its heartbeats, which it sends itself."""
    run_id = lab.run("lab-talk/lab", seconds=2)["id"]
    wanted = {"filter": {"resource": {"id": [f"prefect.flow-run.{run_id}"]}}, "limit": 50}

    def heard() -> dict[str, list[dict[str, str]]]:
        events = lab.api.ask("POST", "events/filter", wanted)["events"]
        found = {each["event"]: each["related"] for each in events}
        return found if {HEARTBEAT, "prefect.flow-run.Completed"} <= set(found) else {}

    found = wait_until(heard)
    assert {"prefect.flow-run.Pending", "prefect.flow-run.Running"} <= set(found)
    without = [event for event, related in found.items() if not any(OURS.items() <= each.items() for each in related)]
    assert without == []
