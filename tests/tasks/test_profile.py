"""Which profile a night takes when it is not told."""

import ast
from collections.abc import Callable
from inspect import getsource
from pathlib import Path

import pytest

from deployments import environment
from tasks import profile
from tasks.profile import ProfileUnknown, pick_profile

RULES = pytest.mark.parametrize("has_cuda", [profile.has_cuda, environment.has_cuda], ids=["night", "set-up"])


def test_what_is_asked_for_counts_before_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """And that before the machine."""
    monkeypatch.setattr(profile, "has_cuda", lambda: True)
    monkeypatch.setenv("DEEPDLT_PROFILE", "quick")
    assert (pick_profile("paper"), pick_profile("auto")) == ("paper", "quick")


@pytest.mark.parametrize(("is_here", "expected"), [(True, "paper"), (False, "quick")])
def test_an_empty_variable_counts_as_not_set(is_here: bool, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers hand on what is not set as an empty text: the machine decides."""
    monkeypatch.setenv("DEEPDLT_PROFILE", "")
    monkeypatch.setattr(profile, "has_cuda", lambda: is_here)
    assert pick_profile("auto") == expected


def test_a_profile_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says which there are."""
    monkeypatch.setenv("DEEPDLT_PROFILE", "papers")
    with pytest.raises(ProfileUnknown, match="quick, paper"):
        pick_profile("auto")


@pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="this machine has a CUDA device")
@RULES
@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param("", False, id="no tool"),
        pytest.param("exit 9", False, id="a tool that finds no driver"),
        pytest.param("echo 'GPU 0: one'", True, id="a tool that lists a card"),
    ],
)
def test_a_tool_without_a_driver_is_no_device(
    has_cuda: Callable[[], bool], script: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in many images: that it lies on the path says nothing."""
    if script:
        (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert has_cuda() is expected


def test_the_set_up_and_the_nights_go_by_one_rule() -> None:
    """PyTorch's build and the profile belong together; the set-up cannot import what it is to install."""
    ours, theirs = (ast.dump(ast.parse(getsource(one))) for one in (profile.has_cuda, environment.has_cuda))
    assert ours == theirs
