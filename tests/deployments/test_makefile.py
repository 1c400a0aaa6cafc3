"""The Makefile and the lock: what a bare machine begins with."""

import re
import shutil
import subprocess
import tomllib
from contextlib import nullcontext
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.testing import CliRunner

from deepdlt.parsed import parse_file
from deployments.cli import app
from deployments.settings import StackPaths
from deployments.stack_state import serving_alone

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
LOCK = (ROOT / "requirements.lock").read_text()


def make(*arguments: str, folder: Path = ROOT) -> str:
    """Return what make would do or say."""
    done = subprocess.run(["make", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_help_lists_every_target() -> None:
    """`make` alone names each target there is."""
    targets = set(re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split())
    assert {"retrain", "up", "down", "status", "deploy", "test", "test-long", "check", "lock", "clean"} <= targets
    assert targets == set(re.findall(r"make ([a-z-]+) ", make()))


def test_the_parameters_of_a_night_reach_the_command() -> None:
    """What is given is passed on, quoted; what is not given is not."""
    said = make("-n", "retrain", "LABELS=NP PP1", "FOLDS=3", "REFRESH=cut audit", "SOURCE=../some images")
    assert '--source "../some images" --labels "NP PP1" --folds "3" --refresh "cut audit"' in " ".join(said.split())
    assert "--epochs" not in said


OPTIONS = [
    option.removeprefix("--")
    for option in re.findall(r"--[a-z][a-z-]*", CliRunner().invoke(app, ["retrain", "--help"]).output)
]


@pytest.mark.parametrize("option", sorted({*OPTIONS} - {"help"}))
def test_every_option_of_a_night_is_one_of_make(option: str) -> None:
    """None is dropped in silence: `make retrain SEED=3` is `--seed 3`; the help names it."""
    name = option.upper().replace("-", "_")
    assert f"--{option}" in make("-n", "retrain", f"{name}=1").split()
    assert re.search(rf"Parameters of retrain:.* {name}\b", make())


@pytest.mark.parametrize("option", sorted({*OPTIONS} - {"help"}))
def test_a_variable_of_the_environment_is_no_parameter(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SEED or SOURCE of another program does not change a night unseen."""
    monkeypatch.setenv(option.upper().replace("-", "_"), "1")
    assert f"--{option}" not in make("-n", "retrain").split()


@pytest.mark.parametrize("value", ["", "0", "no", "false"])
def test_changes_are_accepted_only_where_that_is_said(value: str) -> None:
    """It is a guard of the lake."""
    assert "--accept-changes" not in make("-n", "retrain", f"ACCEPT_CHANGES={value}")


def copy_with_stamp(folder: Path, stamp: str) -> None:
    """Copy what make looks at, with an environment whose stamp says where it was made."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml", "deployments/environment.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to(shutil.which("python3") or "")
    (folder / ".venv" / ".stamp").write_text(stamp)


def test_a_made_environment_is_not_made_again(tmp_path: Path) -> None:
    """With the stamp of this very folder nothing is to be done."""
    copy_with_stamp(tmp_path, str(tmp_path))
    assert "environment.py" not in make("-n", "status", folder=tmp_path)


def test_a_moved_environment_is_made_again(tmp_path: Path) -> None:
    """With the stamp of another folder the set-up runs."""
    copy_with_stamp(tmp_path, "/somewhere/else")
    assert "environment.py" in make("-n", "status", folder=tmp_path)


@pytest.mark.parametrize("is_running", [True, False], ids=["a server runs", "none does"])
def test_what_a_server_runs_on_is_not_removed(tmp_path: Path, is_running: bool) -> None:
    """Though it is none that `up` started: the lock that it holds says so."""
    copy_with_stamp(tmp_path, str(tmp_path))
    paths = StackPaths(tmp_path / ".stack")
    with serving_alone(paths) if is_running else nullcontext():
        done = subprocess.run(["make", "clean"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode == 0, paths.folder.exists()) == (not is_running, is_running)
    assert done.stderr.startswith("A Prefect server runs" if is_running else "")


def locked() -> dict[str, str]:
    """Return the locked packages with the text that belongs to each."""
    blocks = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    return {re.split(r"[\[=]", block)[0]: block for block in blocks}


def test_every_locked_package_has_a_version_and_hashes() -> None:
    """Nothing is installed whose bytes were not known when the lock was made."""
    assert len(locked()) > 100
    assert [name for name, text in locked().items() if "==" not in text or "--hash=sha256:" not in text] == []


def test_the_lock_leaves_torch_and_cuda_to_the_machine() -> None:
    """Which build of PyTorch is taken depends on the machine; gigabytes of CUDA packages are never locked in."""
    assert [name for name in locked() if re.match(r"(torch|triton|nvidia|cuda)", name)] == []


@pytest.mark.parametrize("group", ["run", "dev"])
def test_the_lock_holds_what_the_project_asks_for(group: str) -> None:
    """A dependency that was added without `make lock` is noticed here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = project["dependencies"] if group == "run" else project["optional-dependencies"]["dev"]
    names = {re.split(r"[<>=\[ ]", line)[0].lower() for line in asked} - {"torch"}
    assert names <= locked().keys()


def test_every_package_that_is_imported_is_asked_for() -> None:
    """None is there only because another one brings it, which may leave off doing so."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["many"]]
    names = {canonicalize_name(Requirement(line).name) for line in asked}
    packages = packages_distributions()
    ours = {"deepdlt", "lake", "tasks", "flows", "deployments"}
    files = [file for layer in ours for file in (ROOT / layer).rglob("*.py")]
    imported = {name.partition(".")[0] for file in files for name in parse_file(file).imported} & packages.keys() - ours
    assert {"torch", "yaml", "PIL"} <= imported
    missing = {name for name in imported if not names & {canonicalize_name(one) for one in packages[name]}}
    assert missing == {"botocore"}  # which boto3 is made of


def test_ci_ends_with_the_tests() -> None:
    """`.ci/run` is executable, checks first, and the last thing it prints is pytest's closing line."""
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o100
    lines = script.read_text().split()
    assert lines[-4:] == ["make", "check", "make", "test"]
