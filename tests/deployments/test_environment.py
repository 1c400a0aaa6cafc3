"""The set-up script: what it decides, on its own."""

import os
import sys
from pathlib import Path

import pytest

from deployments import environment
from deployments.environment import Setup, SetupFailed, choose_build, is_whole, python_version, torch_requirement

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("offered", "with_cuda", "has_cpu_builds", "expected"),
    [
        pytest.param(["2.13.0", "2.12.0"], True, False, "torch===2.13.0", id="CUDA takes the plain build"),
        pytest.param(["2.13.0+cpu", "2.13.0"], True, False, "torch===2.13.0", id="CUDA passes a CPU build by"),
        pytest.param(["2.13.0+cu126"], True, False, "torch==2.13.0", id="CUDA takes a build for another CUDA"),
        pytest.param(["2.13.0+cpu", "2.13.0"], False, False, "torch==2.13.0+cpu", id="a CPU build that pip found"),
        pytest.param(["2.13.0"], False, True, "torch==2.13.0+cpu", id="a CPU build of PyTorch's own index"),
        pytest.param(["2.13.0"], False, False, "torch==2.13.0", id="no CPU build to be had"),
    ],
)
def test_the_build_of_torch_fits_the_machine(
    monkeypatch: pytest.MonkeyPatch, offered: list[str], with_cuda: bool, has_cpu_builds: bool, expected: str
) -> None:
    """A machine without CUDA gets no CUDA packages where that can be avoided, one with CUDA gets no CPU build."""
    monkeypatch.setattr(sys, "platform", "linux")
    choice = choose_build("2.13.0", offered, with_cuda=with_cuda, has_cpu_builds=has_cpu_builds)
    assert choice.arguments[-1] == expected


def test_the_pinned_torch_is_read_from_the_project() -> None:
    """The script installs the version that pyproject.toml pins, and says so where it pins none."""
    assert torch_requirement((ROOT / "pyproject.toml").read_text()).count(".") == 2
    with pytest.raises(SetupFailed, match="pins no PyTorch"):
        torch_requirement('dependencies = ["torchvision==0.28"]')


def make_venv(folder: Path, *, made_in: Path) -> Path:
    """Lay out what is looked at in an environment."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / "bin" / "pip").write_text(f"#!{made_in}/bin/python\n")
    return folder


def test_an_environment_in_its_place_is_kept(tmp_path: Path) -> None:
    """One that runs and lies where it was made is whole."""
    assert is_whole(make_venv(tmp_path / ".venv", made_in=tmp_path / ".venv"))


def test_a_moved_environment_is_not_whole(tmp_path: Path) -> None:
    """Its scripts name another folder."""
    assert not is_whole(make_venv(tmp_path / "new", made_in=tmp_path / "old"))


def test_an_environment_whose_python_is_gone_is_not_whole(tmp_path: Path) -> None:
    """The link to the Python leads nowhere."""
    venv = make_venv(tmp_path / ".venv", made_in=tmp_path / ".venv")
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to(tmp_path / "gone")
    assert not is_whole(venv)


def test_what_is_no_python_has_no_version(tmp_path: Path) -> None:
    """A program that fails, as a launcher without a Python behind it does, is passed by."""
    stub = tmp_path / "python3"
    stub.write_text("#!/bin/sh\nexit 127\n")
    stub.chmod(0o755)
    assert python_version(str(stub)) is None
    assert python_version(sys.executable) == sys.version_info[:2]


def test_an_old_python_looks_for_a_newer_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the running Python is too old, the first on the path that is new enough is taken."""
    (tmp_path / "python3.11").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    assert environment.find_python(("python3.9", "python3.11")) == str(tmp_path / "python3.11")
    with pytest.raises(SetupFailed, match="make PYTHON="):
        environment.find_python(("python3.9",))


def test_a_step_that_fails_shows_the_end_of_its_output(tmp_path: Path) -> None:
    """The message has the last lines; the file has all of them."""
    setup = Setup(tmp_path)
    setup.log.parent.mkdir(parents=True)
    code = "[print('line', n) for n in range(40)]; raise SystemExit(3)"
    with pytest.raises(SetupFailed, match="line 39") as failure:
        setup.run(sys.executable, "-c", code)
    assert "line 5\n" not in str(failure.value)
    assert "line 5\n" in setup.log.read_text()
    assert os.fspath(setup.log) in str(failure.value)
