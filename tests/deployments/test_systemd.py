"""deployments/systemd/: units that fit the program, and that systemd takes."""

import os
import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from stacks import ROOT
from typer.testing import CliRunner

from deployments import worker
from deployments.cli import app
from deployments.parts import POOLS, USUAL_PORT

FOLDER = ROOT / "deployments" / "systemd"
SERVICES = sorted(FOLDER.glob("*.service"))
WORKER = FOLDER / "deepdlt-worker@.service"
BACKUP = "deepdlt-backup.service"
HOME = "%h/deepdlt/"
ARGUMENTS = {"server": [], "worker": ["%i"], "backup": ["${DEEPDLT_BACKUP}"]}


def settings_of(unit: Path) -> dict[str, list[str]]:
    """Return the settings of a unit by name, sections left out: no name is in two of them here."""
    found = defaultdict(list)
    for line in unit.read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found[name].append(value)
    return found


def test_the_target_wants_units_that_are_there() -> None:
    """The server, and a worker for each pool."""
    (wanted,) = settings_of(FOLDER / "deepdlt.target")["Wants"]
    assert set(wanted.split()) == {"deepdlt-server.service", *(f"deepdlt-worker@{pool}.service" for pool in POOLS)}
    there = {path.name for path in SERVICES} - {BACKUP}
    assert {re.sub(r"@\w+", "@", name) for name in wanted.split()} == there


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_unit_runs_a_command_that_exists(unit: Path) -> None:
    """By the path at which `make` installs it; a worker's pool is the name of its instance."""
    (line,) = settings_of(unit)["ExecStart"]
    program, command, *arguments = line.split()
    assert program == f"{HOME}.venv/bin/deepdlt"
    assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0
    assert arguments == ARGUMENTS[command]
    assert settings_of(unit)["WorkingDirectory"] == [HOME.rstrip("/")]


def test_a_worker_gets_the_time_that_it_needs_to_end_its_runs() -> None:
    """The signal goes to the worker alone, and nothing is killed while it has its runs cancelled."""
    found = settings_of(WORKER)
    assert found["KillMode"] == ["mixed"]
    assert int(found["TimeoutStopSec"][0]) > worker.GRACE_S + 2 * worker.ANSWER_S


def test_a_timer_has_a_unit_and_its_folder_is_a_setting() -> None:
    """The example of settings names the folder that the backup goes to."""
    timers = list(FOLDER.glob("*.timer"))
    assert [timer.name for timer in timers if not timer.with_suffix(".service").is_file()] == []
    assert [timer.with_suffix(".service").name for timer in timers] == [BACKUP]
    assert "#DEEPDLT_BACKUP=" in (FOLDER / "environment.example").read_text()


def test_the_server_is_where_its_workers_look() -> None:
    """The unit and the example of settings name the port that `deepdlt server` takes unless told."""
    url = f"PREFECT_API_URL=http://127.0.0.1:{USUAL_PORT}/api"
    assert url in settings_of(WORKER)["Environment"]
    assert url in (FOLDER / "environment.example").read_text().splitlines()
    assert f"[default: {USUAL_PORT};" in re.sub(r"\s+", " ", CliRunner().invoke(app, ["server", "--help"]).output)


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_what_protects_does_not_take_the_gpu_away(unit: Path) -> None:
    """No option that hides devices or forbids compiled code; privileges are given up all the same."""
    found = settings_of(unit)
    assert found.keys() & {"PrivateDevices", "DevicePolicy", "MemoryDenyWriteExecute", "ProtectHome"} == set()
    assert found["NoNewPrivileges"] == ["yes"]
    assert found["UMask"] == ["0077"]


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """It knows every option, and finds every program, where the checkout lies as the units say."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("there is no systemd-analyze on this machine")
    (tmp_path / "deepdlt").symlink_to(ROOT)
    units = tmp_path / "units"
    shutil.copytree(FOLDER, units)
    (units / WORKER.name).rename(units / "deepdlt-worker@gpu.service")
    variables = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "PATH": os.environ["PATH"]}
    for unit in ("deepdlt-server.service", "deepdlt-worker@gpu.service", BACKUP, "deepdlt-backup.timer"):
        done = subprocess.run(
            [program, "verify", "--user", "--man=no", str(units / unit)],
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        said = [line for line in done.stderr.splitlines() if "deepdlt" in line]
        assert (done.returncode, said) == (0, [])
