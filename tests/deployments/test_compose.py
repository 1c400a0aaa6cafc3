"""deployments/compose.yaml and its Dockerfile: without a container engine, all that can be tried of them."""

import base64
import os
import re
import shlex
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import compose
import pytest
from check_jsonschema.builtin_schemas import get_builtin_schema
from compose import FOLDER, Service, VariableMissing
from hosts import Host, can_make_hosts, running_hosts
from jsonschema import validate
from postgres import PASSWORD, find_programs, make_databases, running_postgres
from stacks import ROOT, RunningStack, wait_until
from stores import KEY_ID, SECRET, running_store
from typer.testing import CliRunner

from deepdlt.synthetic.synth import write_synthetic
from deployments.cli import app
from deployments.parts import POOLS
from lake import Lake
from tasks.profile import pick_profile

FILES = ("compose.yaml", "compose.nvidia.yaml", "compose.open.yaml")
WORKER = "compose.worker.yaml"
"""By itself, on a further machine."""
OURS = ("server", "deploy", "cpu-worker", "gpu-worker")
EXAMPLE = (FOLDER / ".env.example").read_text(encoding="utf-8")
SECRETS = re.findall(r"^(\w+(?:AUTH_STRING|PASSWORD|KEY|KEY_ID))=", EXAMPLE, re.MULTILINE)
SET = dict.fromkeys(SECRETS, PASSWORD) | {
    "AWS_ACCESS_KEY_ID": KEY_ID,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "PREFECT_SERVER_API_AUTH_STRING": f"me:{PASSWORD}",
    "DEEPDLT_IMAGES": "/srv/images",
    "DEEPDLT_BIND": "10.0.0.1",
}
NIGHT: dict[str, Any] = {
    "profile": "quick",
    "preset": "matched-label-cv",
    "labels": ["PP1"],
    "schemes": ["grouped"],
    "folds": 2,
    "models": ["ae"],
    "epochs": 1,
}


@pytest.mark.parametrize("name", [*FILES, WORKER])
def test_a_compose_file_is_one_by_its_specification(name: str) -> None:
    """By the schema of the compose specification."""
    validate(compose.read(name), get_builtin_schema("vendor.compose-spec"))


def test_a_further_file_changes_services_that_are_there() -> None:
    """A name that is misspelt would be a service of its own."""
    known = compose.read()["services"].keys()
    assert [name for more in FILES[1:] for name in compose.read(more)["services"] if name not in known] == []


@pytest.mark.parametrize("name", SECRETS)
def test_no_secret_has_a_default(name: str) -> None:
    """What is not set stops everything, and is named with where it belongs."""
    text = "\n".join((FOLDER / file).read_text(encoding="utf-8") for file in (*FILES, WORKER))
    with pytest.raises(VariableMissing, match=f"{name}: set it .*deployments/.env"):
        compose.replaced(text, SET | {name: ""})


def test_every_variable_is_explained_in_the_example() -> None:
    """Each that the files read stands in .env.example, filled in or not, and no secret has a value there."""
    text = "\n".join((FOLDER / file).read_text(encoding="utf-8") for file in (*FILES, WORKER))
    read = {found["name"] for found in compose.VARIABLE.finditer(text)}
    assert len(SECRETS) == 6
    assert sorted(read - set(re.findall(r"^#?(\w+)=", EXAMPLE, re.MULTILINE))) == []
    assert re.findall(rf"^(?:{'|'.join(SECRETS)})=(.+)$", EXAMPLE, re.MULTILINE) == []


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_runs_a_command_of_ours(name: str) -> None:
    """With arguments that the command takes, by a user of its own, on a file system that it cannot change."""
    declared, service = compose.read()["services"][name], compose.service(name, SET)
    program, command, *arguments = service.command
    assert program == "deepdlt"
    offered = CliRunner().invoke(app, [command, "--help"]).output
    assert [one for one in arguments if one.startswith("--") and one not in offered] == []
    assert declared["read_only"]
    assert declared["cap_drop"] == ["ALL"]
    assert [one for one in arguments if command == "worker" and one not in POOLS] == []


def test_what_is_mounted_is_there_and_sources_are_only_read() -> None:
    """Files beside the compose file exist, named volumes are declared, images cannot be written."""
    declared = compose.read()
    mounts = [mount for service in declared["services"].values() for mount in service.get("volumes", ())]
    near = [mount.partition(":")[0] for mount in mounts if mount.startswith("./")]
    assert near
    assert [path for path in near if not (FOLDER / path).is_file()] == []
    named = {mount.partition(":")[0] for mount in mounts if re.match(r"\w", mount)}
    assert named == declared["volumes"].keys()
    assert all(mount.endswith(":ro") for mount in mounts if mount.endswith(("/images", "/images:ro")))


@pytest.mark.parametrize(
    ("told", "more", "profile"),
    [
        pytest.param("", (), "quick", id="no card"),
        pytest.param("", ("compose.nvidia.yaml",), "paper", id="cards of this machine"),
        pytest.param("paper", (), "paper", id="cards of other machines"),
        pytest.param("quick", ("compose.nvidia.yaml",), "quick", id="as it is told"),
    ],
)
def test_nights_take_the_profile_that_the_cards_can_bear(
    told: str, more: tuple[str, ...], profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the worker that composes them sees no card itself."""
    composing = compose.service("cpu-worker", SET | {"DEEPDLT_PROFILE": told}, *more)
    monkeypatch.setenv("DEEPDLT_PROFILE", composing.environment["DEEPDLT_PROFILE"])
    monkeypatch.setattr("tasks.profile.has_cuda", lambda: False)
    assert pick_profile("auto") == profile


@pytest.mark.parametrize("name", ["cpu-worker", "gpu-worker"])
def test_a_worker_trains_on_the_device_that_is_named(name: str) -> None:
    """On the best there is, where none is."""
    devices = [
        compose.service(name, SET | told).environment["DEEPDLT_DEVICE"] for told in ({}, {"DEEPDLT_DEVICE": "cpu"})
    ]
    assert devices == ["auto", "cpu"]


@pytest.mark.parametrize("name", ["gpu-worker", "gpu-worker-card"])
def test_a_worker_on_a_further_machine_is_as_the_first_ones(name: str) -> None:
    """It runs the same command in the same bounds, with what concerns it of the same environment."""
    there, here = compose.read()["services"]["gpu-worker"], compose.read(WORKER)["services"][name]
    own = {"image", "build", "environment", "depends_on", "deploy", "profiles"}
    assert {key: here[key] for key in here.keys() - own} == {key: there[key] for key in there.keys() - own}
    assert here["build"].keys() == there["build"].keys()
    more = there["environment"].keys() - here["environment"].keys()
    assert more == {"DEEPDLT_SOURCE", "DEEPDLT_PROFILE"}, "which the worker that composes nights reads"
    card = compose.read("compose.nvidia.yaml")["services"]["gpu-worker"]
    if name == "gpu-worker-card":
        assert (here["image"], here["deploy"], here["build"]["args"]) == (
            card["image"],
            card["deploy"],
            card["build"]["args"],
        )
        assert here["profiles"], "it starts only where it is named"


def test_a_further_machine_needs_neither_images_nor_passwords_of_databases() -> None:
    """An engine reads the whole file, and refuses it where a variable is missing: here are those of a worker alone."""
    further = EXAMPLE.partition("# On a further machine")[2]
    told = dict(re.findall(r"^#(\w+)=(.+)$", further, re.MULTILINE))
    told |= {name: SET[name] for name in SECRETS if name not in {"POSTGRES_PASSWORD", "DEEPDLT_PREFECT_PASSWORD"}}
    text = (FOLDER / WORKER).read_text(encoding="utf-8")
    assert told["DEEPDLT_SERVER"] in compose.replaced(text, told)
    for name in told:
        with pytest.raises(VariableMissing, match=name):
            compose.replaced(text, told | {name: ""})


def test_the_image_is_made_of_what_is_there() -> None:
    """Every file that the Dockerfile copies or runs exists, is let through by .dockerignore, and root is left."""
    lines = re.sub(r"\\\n", "", (FOLDER / "Dockerfile").read_text(encoding="utf-8")).splitlines()
    copied = [name for line in lines if line.startswith("COPY") for name in line.split()[1:-1]]
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert [name for name in copied if name != "." and name.split("/")[0] not in allowed] == []
    assert [name for name in allowed if not (ROOT / name).exists()] == []
    assert [line for line in lines if line.startswith("USER")] == ["USER 10001"]


def test_each_image_has_a_build_of_pytorch_that_the_set_up_knows() -> None:
    """What the files name is what deployments/environment.py takes."""
    run = [sys.executable, str(FOLDER / "environment.py"), "--help"]
    offered = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    services = [one for name in (*FILES, WORKER) for one in compose.read(name)["services"].values() if "build" in one]
    builds = {service["build"]["args"]["TORCH"] for service in services}
    assert builds == {"cpu", "cuda"}
    assert "--torch {auto,cpu,cuda}" in offered


def test_secrets_do_not_get_into_an_image() -> None:
    """Neither .env nor a lake's data are copied, whatever lies in the folder."""
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    assert {"**/.env", "lake/data"} <= set(ignored)


class Machine:
    """A host in which services run as they do in their containers: by name, on a checkout that they cannot change.

    Parameters
    ----------
    host : Host
    folder : Path
        What is in the place of the containers' folders.
    variables : dict of str
        What ``deployments/.env`` would say.
    """

    def __init__(self, host: Host, folder: Path, variables: dict[str, str]) -> None:
        self.host = host
        self.folder = folder
        self.variables = variables

    def start(self, name: str, command: list[str] | None = None) -> subprocess.Popen[str]:
        """Start a service with the very command and environment that the file gives it, or another command in it."""
        service = compose.service(name, self.variables)
        held = f"mount --bind {ROOT} {ROOT} && mount -o remount,ro,bind {ROOT} && "
        line = held + "exec " + shlex.join(command or service.command)
        home = self.folder / ("server" if name == "deploy" else name)
        (home / "stack").mkdir(parents=True, exist_ok=True)
        (home / "scratch").mkdir(exist_ok=True)
        with (self.folder / f"{name}.log").open("a") as log:
            return subprocess.Popen(
                self.host.command("sh", "-c", line),
                env=self.environment(service, home),
                stdout=log,
                stderr=log,
                text=True,
            )

    def environment(self, service: Service, home: Path) -> dict[str, str]:
        """Return a container's environment: what the image says, and what the file says."""
        image = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "DEEPDLT_STACK": str(home / "stack"),
            "NUMBA_CACHE_DIR": str(home / "numba"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        paths = {"/var/lib/deepdlt": str(home), "/images": str(self.folder / "images")}
        declared = dict(service.environment)
        for name, value in declared.items():
            for path, here in paths.items():
                if value.startswith(path):
                    declared[name] = value.replace(path, here)
        return image | declared

    def is_healthy(self, name: str) -> bool:
        """Ask as the engine does."""
        _, *command = compose.read()["services"][name]["healthcheck"]["test"]
        return self.start(name, command).wait() == 0


LAKES = {"folder": "postgres://deepdlt@postgres/lake+{folder}/lake", "bucket": ""}
"""What ``DEEPDLT_LAKE`` is set to; unless set, it is a bucket of the S3 server."""


@pytest.fixture(params=LAKES)
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """A host with a Postgres whose databases the installation's own file has made."""
    programs = find_programs()
    if programs is None or not can_make_hosts():
        pytest.skip("needs root, `ip` and Postgres: network namespaces are the containers of this test")
    with ExitStack() as last:
        (host,) = last.enter_context(running_hosts(1))
        server = running_postgres(programs, host=host.outside, port=5432, superuser="postgres")
        make_databases(last.enter_context(server))
        if request.param == "bucket":  # moto's server in the place of the gateway, with the bucket of that name
            last.enter_context(running_store(host=host.outside, port=7070, bucket="deepdlt"))
        host.knows(postgres=host.outside, s3=host.outside, server="127.0.0.1")
        write_synthetic(tmp_path / "images", n_images=12, height_px=96, width_px=128)
        yield Machine(host, tmp_path, SET | {"DEEPDLT_LAKE": LAKES[request.param].format(folder=tmp_path)})


def stop(process: subprocess.Popen[str]) -> int:
    """Stop a service as the engine does, and return its exit code."""
    process.terminate()
    return process.wait(timeout=60)


def status_of(url: str, auth: str = "") -> int:
    """Return what a server answers to a question that needs a password."""
    headers = {"Authorization": "Basic " + base64.b64encode(auth.encode()).decode()} if auth else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{url}/admin/version", headers=headers)) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.long
def test_the_services_run_a_night_as_they_are_declared(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Server, deploy job and workers by their own command lines, names and passwords; nobody else gets an answer."""
    auth = machine.variables["PREFECT_SERVER_API_AUTH_STRING"]
    url = f"http://{machine.host.address}:4200/api"
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", auth)
    with ExitStack() as last:
        server = machine.start("server")
        last.callback(stop, server)
        wait_until(lambda: machine.is_healthy("server"), limit_s=180)
        assert (status_of(url), status_of(url, "me:guess"), status_of(url, auth)) == (401, 401, 200)
        with urllib.request.urlopen(url.removesuffix("api")) as page:  # noqa: S310
            assert b"<title>Prefect" in page.read()
        assert machine.start("deploy").wait(timeout=180) == 0
        workers = [machine.start(name) for name in ("cpu-worker", "gpu-worker")]
        for worker in workers:
            last.callback(stop, worker)
        stack = RunningStack(dict(os.environ), machine.folder, url)
        night = stack.run("retrain/nightly", limit_s=600, **NIGHT)
        assert night["state_name"] == "Completed", night["state"]
        assert [stop(worker) for worker in workers] == [0, 0]  # what depends on others ends before them
    assert PASSWORD not in "".join(log.read_text() for log in machine.folder.glob("*.log"))
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    declared = compose.service("gpu-worker", machine.variables).environment
    monkeypatch.setenv("DEEPDLT_CACHE", str(machine.folder / "cache"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, declared[name].replace("//s3:", f"//{machine.host.outside}:"))
    place = declared["DEEPDLT_LAKE"].replace("@postgres/", f"@{machine.host.outside}/")
    with Lake.open(place, is_read_only=True) as lake:
        assert lake.query("SELECT count(*) FROM runs WHERE status = 'complete'").item() == 3
