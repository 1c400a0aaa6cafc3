"""Make the project's environment in ``.venv`` with nothing but a Python.

``make`` runs this file with the ``python3`` it finds, so it uses the standard library only and says in words what
it needs. What is done already is not done again: after Ctrl-C, run it once more.

Every package comes from ``requirements.lock``, with its hash, except PyTorch: which build fits depends on the
machine (see `choose_build`), so it is pinned by version in ``pyproject.toml`` and installed in a step of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
NAMES = ("python3.11", "python3.12", "python3.13", "python3.14", "python3", "python")
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
IMPATIENT = ("--timeout", "5", "--retries", "0")


class SetupFailed(Exception):
    """Raised when a step of the set-up cannot be done; the message says what to do."""


class TorchChoice(NamedTuple):
    """What to hand to ``pip install`` to get PyTorch, and why just that."""

    arguments: tuple[str, ...]
    reason: str


def python_version(executable: str) -> tuple[int, ...] | None:
    """Return (major, minor) of a Python, or None where it does not run."""
    command = [executable, "-c", "import sys; print('%d %d' % sys.version_info[:2])"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
        return tuple(int(part) for part in said.split())
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def find_python(names: tuple[str, ...] = NAMES) -> str:
    """Return a Python that is new enough: the one that runs this file, or else the first on the path.

    Never one inside an environment: that could be the very ``.venv`` that is made again.
    """
    if sys.version_info >= OLDEST:
        return sys.executable if sys.prefix == sys.base_prefix else os.path.realpath(sys.executable)
    for name in names:
        found = shutil.which(name)
        version = python_version(found) if found else None
        if found and version and version >= OLDEST:
            return found
    raise SetupFailed("no Python >= 3.11 on the path: install one, or say where it is: make PYTHON=/path/to/python3")


def torch_requirement(pyproject: str) -> str:
    """Return the version of PyTorch that the text of ``pyproject.toml`` pins."""
    found = re.search(r'"torch==([^"]+)"', pyproject)
    if not found:
        raise SetupFailed('pyproject.toml pins no PyTorch: its dependencies need a line "torch==VERSION"')
    return found.group(1)


def choose_build(version: str, offered: list[str], *, with_cuda: bool, has_cpu_builds: bool) -> TorchChoice:
    """Choose the build of PyTorch: without a CUDA device, one that does not bring gigabytes of CUDA packages.

    Parameters
    ----------
    version : str
        The pinned version, without a build's suffix.
    offered : list of str
        The versions that pip finds by itself; a local folder or a private index may hold builds with a suffix.
    with_cuda : bool
        Whether this machine has a CUDA device.
    has_cpu_builds : bool
        Whether PyTorch's own index of CPU builds can be reached and has this version.

    Returns
    -------
    choice : TorchChoice
        Arguments of ``pip install``; the reason is printed.
    """
    if with_cuda:
        # Three equal signs: just this build, where pip would rather take one with a suffix.
        exact = f"torch==={version}" if version in offered else f"torch=={version}"
        return TorchChoice((exact,), "this machine has a CUDA device")
    if f"{version}+cpu" in offered:
        return TorchChoice((f"torch=={version}+cpu",), "no CUDA device: the CPU build that pip found")
    if sys.platform != "linux":
        return TorchChoice((f"torch=={version}",), "on this system every build is without CUDA")
    if has_cpu_builds:
        arguments = ("--no-deps", "--index-url", CPU_INDEX, f"torch=={version}+cpu")
        return TorchChoice(arguments, "no CUDA device: the CPU build of PyTorch's own index")
    return TorchChoice((f"torch=={version}",), "no CUDA device, but no CPU build to be had: the usual one, gigabytes")


# Nights decide by the very same lines (`tasks.profile`); this file can import nothing of ours.
def has_cuda() -> bool:
    """Tell whether this machine has a CUDA device, by its driver: one that a container does not see is not here."""
    if Path("/dev/nvidiactl").exists():
        return True
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return False
    try:
        return subprocess.run([tool, "-L"], capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def is_whole(venv: Path) -> bool:
    """Tell whether an environment runs and still lies where it was made (its scripts name that folder)."""
    python = venv / "bin" / "python"
    pip = venv / "bin" / "pip"
    if python_version(str(python)) is None:
        return False
    return not pip.exists() or str(venv) in pip.read_text(errors="replace")[:1000]


class Setup:
    """The set-up of one environment: runs commands, tells how far it is, keeps their output in a file."""

    def __init__(self, root: Path, *, build: str = "auto", is_verbose: bool = False) -> None:
        self.root = root
        self.build = build
        self.venv = root / ".venv"
        self.python = str(self.venv / "bin" / "python")
        self.log = root / ".stack" / "logs" / "environment.log"
        self.is_verbose = is_verbose
        self.started = time.monotonic()

    def say(self, text: str) -> None:
        """Print one line with the seconds since the start."""
        print(f"[{time.monotonic() - self.started:4.0f} s] {text}", flush=True)

    def run(self, *command: str) -> None:
        """Run a command with its output in the log; raise with the end of it where it fails."""
        lines: list[str] = []
        last_said = time.monotonic()
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"\n$ {' '.join(command)}\n")
            with subprocess.Popen(
                command, cwd=self.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
            ) as process:
                for line in process.stdout or ():
                    log.write(line)
                    lines.append(line)
                    if self.is_verbose or time.monotonic() - last_said > 10:
                        last_said = time.monotonic()
                        self.say("  ... " + line.strip()[:100])
        if process.returncode:
            tail = "".join(lines[-15:])
            raise SetupFailed(f"this failed: {' '.join(command)}\n{tail}The whole output is in {self.log}")

    def tries(self, *command: str) -> bool:
        """Run a command that may fail; tell whether it worked."""
        try:
            self.run(*command)
        except SetupFailed:
            return False
        return True

    def pip(self, *arguments: str) -> None:
        """Run the environment's own pip."""
        self.run(self.python, "-m", "pip", *arguments)

    def versions(self, *arguments: str) -> list[str]:
        """Return the versions of PyTorch that pip finds, without loading one down (a dry run would)."""
        command = (self.python, "-m", "pip", "index", "versions", "torch", "--json", *arguments)
        said = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)
        return list(json.loads(said.stdout)["versions"]) if said.returncode == 0 else []


def make_venv(setup: Setup, python: str, uv: str | None) -> None:
    """Make the empty environment, with pip in it where uv is not there to do the work."""
    if setup.venv.exists() and is_whole(setup.venv):
        return
    if setup.venv.exists():
        setup.say("the environment in .venv does not run here (moved, or its Python is gone): making it again")
        shutil.rmtree(setup.venv)
    setup.say(f"making .venv with {python}")
    if uv:
        setup.run(uv, "venv", "--python", python, str(setup.venv))
    elif not setup.tries(python, "-m", "venv", str(setup.venv)):
        # Debian's Python comes without ensurepip; its pip, where there is one, can fill the environment from outside.
        setup.run(python, "-m", "venv", "--clear", "--without-pip", str(setup.venv))
        if not setup.tries(python, "-m", "pip", "--python", setup.python, "install", "pip"):
            shutil.rmtree(setup.venv)
            raise SetupFailed("this Python can make no environment: install its venv module (apt install python3-venv)")


def install_lock(setup: Setup, uv: str | None) -> None:
    """Install every locked package, each with its hash checked; the lock is whole, so nothing is resolved.

    Byte code is left to the first import: compiling all of it takes 20 s, and most is never imported.
    """
    locked = ("--no-deps", "--require-hashes", "-r", str(setup.root / "requirements.lock"))
    setup.say(f"installing the locked packages with {'uv' if uv else 'pip (a minute or two)'}")
    if uv:
        setup.run(uv, "pip", "install", "--python", setup.python, *locked)
    else:
        setup.pip("install", "--no-compile", *locked)


def install_torch(setup: Setup, uv: str | None) -> None:
    """Install the pinned version of PyTorch, unless it is there."""
    version = torch_requirement((setup.root / "pyproject.toml").read_text())
    probe = "import sys, importlib.metadata as m; sys.exit(m.version('torch').split('+')[0] != sys.argv[1])"
    if setup.tries(setup.python, "-c", probe, version):
        return
    is_here = has_cuda()
    with_cuda = is_here if setup.build == "auto" else setup.build == "cuda"
    automatic = ("pip", "install", "--python", setup.python, "--torch-backend", "auto", f"torch=={version}")
    if uv and with_cuda and is_here:
        setup.say(f"installing PyTorch {version} (this machine has a CUDA device: the build for its driver)")
        if setup.tries(uv, *automatic):
            return
    offered = setup.versions()
    is_found = with_cuda or f"{version}+cpu" in offered
    has_cpu_builds = not is_found and f"{version}+cpu" in setup.versions("--index-url", CPU_INDEX, *IMPATIENT)
    choice = choose_build(version, offered, with_cuda=with_cuda, has_cpu_builds=has_cpu_builds)
    reason = choice.reason if setup.build == "auto" else f"the {setup.build} build, as asked"
    setup.say(f"installing PyTorch {version} ({reason})")
    setup.pip("install", "--no-compile", *choice.arguments)


def make_environment(root: Path, *, build: str = "auto", is_verbose: bool = False) -> None:
    """Make or mend the environment of the project in `root`."""
    setup = Setup(root, build=build, is_verbose=is_verbose)
    for folder in (setup.log.parent.parent, setup.log.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
    setup.log.write_text("")
    uv = shutil.which("uv")
    make_venv(setup, find_python(), uv)
    install_lock(setup, uv)
    install_torch(setup, uv)
    setup.say("installing deepdlt itself")
    setup.pip("install", "--no-deps", "--no-build-isolation", "--editable", str(root))
    setup.pip("check")
    # Written last, with the folder in it: make takes an environment without it, or from elsewhere, as not made.
    (setup.venv / ".stamp").write_text(str(root))
    setup.say(
        f"the environment is ready; to have deepdlt and prefect found by name: export PATH={setup.venv}/bin:$PATH"
    )


def main() -> int:
    """Run the set-up from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description="Make the environment of deepdlt in .venv.")
    builds = "of PyTorch: what fits this machine, or what the machine needs that an image is made for"
    parser.add_argument("--torch", choices=("auto", "cpu", "cuda"), default="auto", help=f"build {builds}")
    parser.add_argument("--verbose", action="store_true", help="print every line of pip")
    arguments = parser.parse_args()
    os.environ.update(PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", PIP_ROOT_USER_ACTION="ignore")
    os.environ.pop("VIRTUAL_ENV", None)
    try:
        make_environment(ROOT, build=arguments.torch, is_verbose=arguments.verbose)
    except SetupFailed as failure:
        print(f"The set-up stopped: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nThe set-up was interrupted; run it again and it goes on from here.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
