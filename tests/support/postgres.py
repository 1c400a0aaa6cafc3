"""A Postgres of a test session's own: started once, on a free port of the loopback address, ended by its id."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stacks import ROOT, free_port

PROGRAMS = ("initdb", "postgres", "pg_isready", "psql")
ACCOUNTS = ("postgres", "nobody")
"""Postgres refuses to run as root; root lends it one of these."""


@dataclass(frozen=True)
class Postgres:
    """A server that runs: where it listens, its superuser, and its process."""

    port: int
    pid: int
    host: str = "127.0.0.1"
    superuser: str = "deepdlt"

    @property
    def variables(self) -> dict[str, str]:
        """What clients find it by, from the environment alone."""
        return {"PGHOST": self.host, "PGPORT": str(self.port), "PGUSER": self.superuser, "PGPASSWORD": PASSWORD}

    def make_database(self, name: str, template: str = "template1") -> str:
        """Make a database, a copy of another that nobody is in, and return its address."""
        import psycopg

        with psycopg.connect("dbname=postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return f"postgres://deepdlt@127.0.0.1:{self.port}/{name}"


PASSWORD = "canary-5f1c"  # noqa: S105 - of a server that lives as long as the tests
"""Must turn up nowhere."""


def find_programs() -> Path | None:
    """Return the folder of Postgres's programs: on the path, or where Debian keeps them; None where there is none."""
    found = shutil.which(PROGRAMS[0])
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((one for one in folders if all((one / name).is_file() for name in PROGRAMS)), None)


@contextmanager
def running_postgres(
    programs: Path, *, host: str = "127.0.0.1", port: int | None = None, superuser: str = "deepdlt"
) -> Iterator[Postgres]:
    """Run a server on an empty folder, for whoever reaches that address; it asks for a password."""
    folder = Path(tempfile.mkdtemp(prefix="deepdlt-postgres-"))
    secret = folder / "password"
    secret.write_text(PASSWORD)
    account = _account()
    if account:
        for path in (folder, secret):
            shutil.chown(path, account)
    data, port = folder / "data", port or free_port()
    make = [programs / "initdb", "-D", data, "-U", superuser, "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync"]
    settings = {"listen_addresses": host, "port": port, "unix_socket_directories": "", "fsync": "off"}
    serve = [programs / "postgres", "-D", data, *(f"--{name}={value}" for name, value in settings.items())]
    try:
        subprocess.run(make, user=account, check=True, capture_output=True, cwd="/")
        if host != "127.0.0.1":
            with (data / "pg_hba.conf").open("a") as rules:
                rules.write("host all all all scram-sha-256\n")
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(serve, user=account, stdout=log, stderr=log, cwd="/")
        try:
            _wait(programs, host, port, folder / "log")
            yield Postgres(port, process.pid, host, superuser)
        finally:
            process.send_signal(signal.SIGQUIT)  # at once: what it has is not kept
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_databases(server: Postgres) -> None:
    """Make the roles and databases of an installation, by the project's own file."""
    told = {"DEEPDLT_LAKE_PASSWORD": PASSWORD, "DEEPDLT_PREFECT_PASSWORD": PASSWORD, "PGDATABASE": "postgres"}
    command = [
        str(find_programs() or "") + "/psql",
        "--no-psqlrc",
        "--quiet",
        "--file",
        str(ROOT / "deployments" / "databases.sql"),
    ]
    done = subprocess.run(
        command, env=os.environ | server.variables | told, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _account() -> str | None:
    """Return whom the server runs as: this user, or somebody else where that is root."""
    import pwd

    if os.geteuid():
        return None
    known = {one.pw_name for one in pwd.getpwall()}
    return next(name for name in ACCOUNTS if name in known)


def _wait(programs: Path, host: str, port: int, log: Path) -> None:
    """Wait until the server takes connections."""
    deadline = time.monotonic() + 30
    while subprocess.run([programs / "pg_isready", "-q", "-h", host, "-p", str(port)], check=False).returncode:
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
