"""Register work pools, deployments and what watches them, where they are not there yet."""

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from deepdlt.digest import digest_bytes
from deepdlt.parsed import parse_file
from deployments.automations import ensure_automation, ensure_watching
from deployments.errors import DeployFailed
from deployments.parts import ensure_pools, environment
from deployments.server_api import ServerApi
from deployments.settings import PROJECT, prefect_settings, stack_paths
from deployments.stack_state import Say, StackState

VERSION_VARIABLE = "DEEPDLT_DEPLOYMENT_VERSION"
# What a deployment is made of: the file itself and everything that shapes the parameters of a flow. Their types come
# from what the flows import of deepdlt, and from what that imports in turn.
SHAPING = ("deployments/prefect.yaml", "deployments/deploy.py", "deployments/automations.*", "flows/*.py")
# Three heartbeats of 30 s (settings.py): fewer would take a busy run for a dead one.
SILENT_S = 90
# The server does what an automation asks for once: nothing, where another write holds its database just then.
STILL_SILENT_S = 240
# Between being taken by a worker and beginning lie the start of a process and some imports.
NOT_BEGUN_S = 300
HEARTBEAT = "prefect.flow-run.heartbeat"
# What says that a run is ours, on a server that others use, too: the deployments have this tag, and so have their runs
# and every event of those.
OURS = {"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.deepdlt"}
ENDS = tuple(f"prefect.flow-run.{end}" for end in ("Completed", "Failed", "Cancelled", "Crashed"))


def crashed_if(what: str, *, after: str, expect: Sequence[str], within_s: int, message: str) -> dict[str, Any]:
    """Return the automation that marks a run as crashed if, after one event, none of some others comes in time."""
    return {
        "name": f"deepdlt: {what}",
        "description": "A run whose worker and process are gone would be said to run for ever, and hold its slot.",
        "enabled": True,
        "trigger": {
            "type": "event",
            "posture": "Proactive",
            "match": {"prefect.resource.id": "prefect.flow-run.*"},
            "match_related": OURS,
            "for_each": ["prefect.resource.id"],
            "after": [after],
            "expect": list(expect),
            "threshold": 1,
            "within": within_s,
        },
        "actions": [{"type": "change-flow-run-state", "state": "CRASHED", "message": message}],
    }


DEAD_RUNS = (
    *(
        crashed_if(
            f"a run without heartbeat has {said}",
            after=HEARTBEAT,
            expect=(HEARTBEAT, *ENDS),
            within_s=within_s,
            message=f"No heartbeat for {within_s} s: its process or its machine is gone.",
        )
        for said, within_s in (("crashed", SILENT_S), ("crashed, said again", STILL_SILENT_S))
    ),
    crashed_if(
        "a run that was taken and did not begin has crashed",
        after="prefect.flow-run.Pending",
        expect=("prefect.flow-run.Running", *ENDS),
        within_s=NOT_BEGUN_S,
        message=f"Taken by a worker {NOT_BEGUN_S} s ago and not begun: the worker or its machine is gone.",
    ),
)


def deployment_file() -> Path:
    """Return the file that declares the deployments: ours, or the one in ``DEEPDLT_PREFECT_YAML``."""
    return Path(os.environ.get("DEEPDLT_PREFECT_YAML") or PROJECT / "deployments" / "prefect.yaml")


def declared_version(file: Path, project: Path = PROJECT) -> str:
    """Return the digest of all that shapes the deployments: equal digests, nothing to register."""
    shaping = [path for pattern in SHAPING for path in sorted(project.glob(pattern))]
    shaping += imported_science(shaping, project)
    return digest_bytes(*(path.read_bytes() for path in [file, *shaping]))[:12]


def imported_science(files: Iterable[Path], project: Path) -> list[Path]:
    """Return the modules of deepdlt that files of Python reach through their imports; nothing is imported for it."""
    queue, found = [path for path in files if path.suffix == ".py"], set[Path]()
    while queue:
        named = (name.split(".") for name in parse_file(queue.pop()).imported)
        modules = {project.joinpath(*parts).with_suffix(".py") for parts in named if parts[0] == "deepdlt"}
        new = {path for path in modules - found if path.is_file()}
        found |= new
        queue += new
    return sorted(found)


def declared_names(file: Path) -> set[str]:
    """Return the names of the declared deployments, without those of their flows."""
    return {deployment["name"] for deployment in yaml.safe_load(file.read_text())["deployments"]}


def is_deployed(api: ServerApi, names: set[str], version: str) -> bool:
    """Tell whether the server has every declared deployment in this version."""
    wanted = {"name": {"any_": sorted(names)}}
    have = api.ask("POST", "deployments/filter", {"deployments": wanted, "limit": 200})
    return names <= {deployment["name"] for deployment in have if deployment["version"] == version}


def deploy(state: StackState, say: Say = print, *, is_forced: bool = False) -> bool:
    """Register the pools, the deployments and the automations with a server.

    Parameters
    ----------
    state : StackState
        Says which server.
    say : callable
        Takes a line for each thing that is done.
    is_forced : bool
        Register also what the server has in this version already.

    Returns
    -------
    is_changed : bool
        Whether anything had to be registered.

    Raises
    ------
    DeployFailed
        If Prefect cannot register the deployments; its words are in the message.
    """
    file = deployment_file()
    version = declared_version(file)
    api_url = str(state.api_url)
    api = ServerApi(api_url)
    if not is_forced and is_deployed(api, declared_names(file), version):
        return False
    say("registering the deployments")
    ensure_pools(api_url)
    for automation in DEAD_RUNS:
        ensure_automation(api, automation)
    ensure_watching(api)
    paths = stack_paths()
    settings = prefect_settings(paths, api_url, is_own_server=state.is_own_server)
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file)]
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env=environment(paths, settings) | {VERSION_VARIABLE: version},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DeployFailed((done.stdout + done.stderr)[-3000:])
    return True
