"""Two hosts share the batches of a night, and one of them is gone in the middle of it."""

import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import stacks
from hosts import Host, running_hosts_or_homes
from killed_nights import ENDED_S, KEPT, MOST_NIGHTS, a_stack, grow, marked, on_one_core, rows_of
from postgres import PASSWORD, Postgres, find_programs, make_databases, running_postgres
from stacks import DEEPDLT, RunningStack, wait_until
from stores import running_store

from deployments.server_api import FINAL
from deployments.stack import n_online_workers
from lake import Lake

NIGHT: dict[str, Any] = {
    "profile": "quick",
    "preset": "matched-label-cv",
    "labels": ["PP1"],
    "schemes": ["grouped"],
    "folds": 2,
    "models": ["ae"],
    "epochs": 40,
}
AUTH = f"me:{PASSWORD}"
LAKES = {
    "folder": "postgres://deepdlt@{host}:{port}/lake+{shared}",
    "bucket": "postgres://deepdlt@{host}:{port}/lake+s3://lab/results",
}
"""Forms of the lake's address; `shared` is where a host has mounted the folder that all hosts share."""


@dataclass
class Laboratory:
    """A Postgres, a server on it, and hosts that share nothing else but the lake's files.

    Attributes
    ----------
    api : RunningStack
        What a test asks the server through.
    lake : str
        Form of the lake's address.
    keys : dict of str
        What the hosts find the bucket by, where there is one.
    """

    hosts: Sequence[Host]
    postgres: Postgres
    folder: Path
    lake: str
    api: RunningStack
    keys: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def home(self, number: int) -> RunningStack:
        """Return a host's own folder and environment, with the shared files mounted at a path of its own."""
        home = self.folder / f"host-{number}"
        mount = home / f"mount-{number}"
        if not mount.exists():
            (home / "home").mkdir(parents=True)
            (home / "stack" / "prefect").mkdir(parents=True)
            mount.symlink_to(self.folder / "shared")
        variables = (
            stacks.environment_of(home, 0)
            | self.keys
            | {
                "DEEPDLT_CACHE": str(home / "cache"),
                "PREFECT_API_URL": self.api.api_url,
                "PREFECT_API_AUTH_STRING": AUTH,
                "PGPASSWORD": PASSWORD,
                "DEEPDLT_LAKE": self.lake_from(str(mount)),
            }
        )
        return RunningStack(os.environ | variables, home, self.api.api_url)

    def lake_from(self, shared: str) -> str:
        """Return the lake's address for a host that has the shared files there."""
        return LAKES[self.lake].format(host=self.postgres.host, port=self.postgres.port, shared=shared)

    def start(self, number: int, *arguments: str) -> None:
        """Start a command on a host."""
        home = self.home(number)
        with (home.home / f"{'-'.join(arguments)}.log").open("ab") as log:
            command = self.hosts[number].command(*DEEPDLT, *arguments)
            self.started.append(subprocess.Popen(command, env=home.env, cwd=home.home, stdout=log, stderr=log))

    def lose(self, number: int) -> int:
        """Kill all that runs on a host, at once, and return how many processes that were."""
        n_killed = 0
        for process in list(marked(self.home(number))):
            with suppress(psutil.Error):
                process.kill()
                n_killed += 1
        return n_killed

    def close(self) -> None:
        """End all that still runs on the hosts."""
        for number in range(len(self.hosts)):
            self.lose(number)
        for process in self.started:
            process.wait(timeout=30)

    def n_begun(self) -> int:
        """Return how many trainings have kept an epoch and are not in the lake yet."""
        return len(list(self.folder.rglob("progress.safetensors")))


@pytest.fixture(params=LAKES)
def laboratory(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Laboratory]:
    """Two hosts without workers, the deployments registered."""
    programs = find_programs()
    if programs is None:
        pytest.skip("there is no Postgres on this machine: install Debian's `postgresql`")
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", AUTH)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    (tmp_path / "shared").mkdir()
    with ExitStack() as last:
        last.enter_context(on_one_core())
        hosts = last.enter_context(running_hosts_or_homes(2))
        near = hosts[0].outside
        postgres = last.enter_context(running_postgres(programs, host=near, superuser="postgres"))
        make_databases(postgres)
        url, server = start_server(near, postgres, tmp_path / "server")
        last.callback(server.wait)
        last.callback(server.terminate)
        keys = {}
        if request.param == "bucket":
            keys = last.enter_context(running_store(host=near)).variables
            for name, value in {**keys, "DEEPDLT_CACHE": str(tmp_path / "cache")}.items():
                monkeypatch.setenv(name, value)
        made = Laboratory(hosts, postgres, tmp_path, request.param, RunningStack(dict(os.environ), tmp_path, url), keys)
        last.callback(made.close)
        wait_until(made.api.api.is_healthy, limit_s=180)
        made.home(0).cli("deploy")
        yield made


def start_server(host: str, postgres: Postgres, folder: Path) -> tuple[str, subprocess.Popen[bytes]]:
    """Start a server that the hosts reach, and return its address."""
    (folder / "stack" / "prefect").mkdir(parents=True)
    port = stacks.free_port()
    variables = stacks.environment_of(folder, port) | {
        "PREFECT_SERVER_API_AUTH_STRING": AUTH,
        "PREFECT_API_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://prefect@{host}:{postgres.port}/prefect",
    }
    command = [*DEEPDLT, "server", "--host", host, "--port", str(port)]
    with (folder / "log").open("ab") as log:
        return f"http://{host}:{port}/api", subprocess.Popen(
            command, env=os.environ | variables, stdout=log, stderr=log
        )


def of_one_machine(source: Path) -> dict[str, Counter[str]]:
    """Return the rows that the night leaves on one machine, undisturbed."""
    with on_one_core(), a_stack(stacks.free_port()) as stack:
        night = stack.run("retrain/nightly", limit_s=1800, source=str(source), **NIGHT)
        assert night["state_name"] == "Completed", night["state"]
        with Lake.open(stack.env["DEEPDLT_LAKE"], is_read_only=True) as lake:
            return rows_of(lake)


@pytest.mark.long
def test_a_host_that_is_gone_in_mid_night_changes_no_number(
    laboratory: Laboratory, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    """Two gpu workers have a batch each; one host is killed; the other finishes, to the bits of one machine's night."""
    source = tmp_path / "images"
    grow(source, 0)
    wanted = of_one_machine(source)
    for number, pool in ((0, "cpu"), (0, "gpu"), (1, "gpu")):
        laboratory.start(number, "worker", pool)
    api = laboratory.api
    wait_until(lambda: n_online_workers(api.api_url, "gpu") == 2, limit_s=120)
    hit = api.start("retrain/nightly", source=str(source), **NIGHT)

    def are_both_at_work() -> bool:
        run = api.api.run(hit)
        assert run["state_type"] not in FINAL, run["state"]
        return laboratory.n_begun() >= 2

    wait_until(are_both_at_work, limit_s=600)
    batches = [run for run in api.api.runs({}) if "batch" in run["name"]]
    assert sorted(run["name"].partition("batch ")[2] for run in batches) == ["1/2", "2/2"]
    assert laboratory.lose(1) >= 3  # the worker, its batch, what trains
    ended, n_nights = api.wait(hit, limit_s=ENDED_S), 1
    assert ended["state_name"] == "Failed", ended["state"]
    while ended["state_name"] != "Completed" and n_nights < MOST_NIGHTS:
        ended, n_nights = api.run("retrain/nightly", limit_s=ENDED_S, source=str(source), **NIGHT), n_nights + 1
    assert ended["state_name"] == "Completed", ended["state"]
    with Lake.open(laboratory.lake_from(str(tmp_path / "shared")), is_read_only=True) as lake:
        found = rows_of(lake)
    assert {table for table in KEPT if wanted[table].total()} >= {"runs", "epochs", "patch_metrics", "models"}
    assert {table: (wanted[table] - found[table], found[table] - wanted[table]) for table in KEPT} == {
        table: (Counter(), Counter()) for table in KEPT
    }
    tell(f"nights {n_nights}; rows compared {sum(rows.total() for rows in wanted.values())}")
