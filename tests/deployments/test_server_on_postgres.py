"""The stack's Prefect server with its own database in a real Postgres."""

import os
import signal
from collections.abc import Iterator

import pytest
import stacks
from postgres import PASSWORD, Postgres, find_programs, make_databases, running_postgres
from stacks import SUPPORT, RunningStack, wait_until


@pytest.fixture
def server() -> Iterator[Postgres]:
    """A Postgres with the databases of an installation."""
    programs = find_programs()
    if programs is None:
        pytest.skip("there is no Postgres on this machine: install Debian's `postgresql`")
    with running_postgres(programs, superuser="postgres") as running:
        make_databases(running)
        yield running


@pytest.fixture
def far_stack(server: Postgres) -> Iterator[RunningStack]:
    """A stack whose server keeps its runs there; the password is in the environment, not in the address."""
    folder = stacks.make_folder()
    address = f"postgresql+asyncpg://prefect@127.0.0.1:{server.port}/prefect"
    variables = {"PREFECT_API_DATABASE_CONNECTION_URL": address, "PGPASSWORD": PASSWORD}
    running = stacks.start_stack(folder, stacks.environment_of(folder, stacks.free_port()) | variables)
    yield running
    stacks.stop_stack(running)


def n_runs(server: Postgres) -> int:
    """Return how many flow runs Postgres knows."""
    import psycopg

    with psycopg.connect(f"postgres://prefect@127.0.0.1:{server.port}/prefect", password=PASSWORD) as connection:
        found = connection.execute("SELECT count(*) FROM flow_run WHERE state_type = 'COMPLETED'").fetchone()
    return int(found[0]) if found else 0


@pytest.mark.long
def test_a_stack_keeps_its_runs_in_postgres(far_stack: RunningStack, server: Postgres) -> None:
    """Runs complete, a schedule is kept, a restart forgets nothing, and no file takes the database's place."""
    far_stack.cli("deploy", DEEPDLT_PREFECT_YAML=str(SUPPORT / "lab.yaml"))
    assert far_stack.run("lab-talk/lab")["state_name"] == "Completed"
    deployment = far_stack.api.deployment("lab-single/single")
    scheduled = {"deployment_id": {"any_": [deployment["id"]]}, "state": {"type": {"any_": ["SCHEDULED"]}}}
    wait_until(lambda: far_stack.api.runs(scheduled))
    first = far_stack.start("lab-single/single", seconds=60)
    far_stack.wait(first, state="Running")
    assert far_stack.run("lab-single/single")["state"]["message"] == "Deployment concurrency limit reached."
    os.kill(far_stack.part("server").pid, signal.SIGKILL)
    far_stack.cli("up")
    assert far_stack.wait(first, limit_s=120)["state_name"] == "Completed"
    assert n_runs(server) == 2
    assert not (far_stack.paths.prefect_home / "prefect.db").exists()
    kept = [*far_stack.paths.logs.glob("*.log"), far_stack.paths.state, far_stack.paths.settings_file]
    assert PASSWORD not in "".join(path.read_text() for path in kept)
