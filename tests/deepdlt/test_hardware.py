"""What a training ran on, in words."""

import os
from pathlib import Path

import pytest

from deepdlt import hardware
from deepdlt.hardware import describe_hardware


def test_a_processor_has_its_name_and_the_cores_that_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the system lists them; one core is one."""
    listed = tmp_path / "cpuinfo"
    listed.write_text("processor\t: 0\nmodel name\t: Zuse Z3\nmodel name\t: Zuse Z4\n")
    monkeypatch.setattr(hardware, "_CPU_INFO", listed)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    assert describe_hardware("cpu") == "Zuse Z3, 2 cores"
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1})
    assert describe_hardware("cpu") == "Zuse Z3, 1 core"


@pytest.mark.parametrize("text", [None, "processor: 0\n"], ids=["no list", "no name"])
def test_where_no_name_is_known_the_architecture_stands(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never empty."""
    listed = tmp_path / "cpuinfo"
    if text:
        listed.write_text(text)
    monkeypatch.setattr(hardware, "_CPU_INFO", listed)
    monkeypatch.setattr("platform.processor", lambda: "")
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert describe_hardware("cpu").startswith("riscv64, ")
