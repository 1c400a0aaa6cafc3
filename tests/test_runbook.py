"""docs/runbook.md: what it tells people to type is there."""

import re
from pathlib import Path

import compose
import pytest
from typer.testing import CliRunner

from deployments.cli import app

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
CODE = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) + re.findall(r"`([^`\n]+(?:\n[^`\n]+)?)`", TEXT)
LINES = [line.partition(" #")[0].strip() for block in CODE for line in block.splitlines()]
TYPED = sorted({found for line in LINES for found in re.findall(r"(?:^|[\s/])deepdlt ([a-z]+[^|;&>]*)", line)})


@pytest.mark.parametrize("typed", TYPED)
def test_a_command_of_the_runbook_exists_with_its_options(typed: str) -> None:
    """`deepdlt COMMAND`, and each --option after it."""
    command, *arguments = typed.split()
    done = CliRunner().invoke(app, [command, "--help"])
    assert done.exit_code == 0
    assert [one for one in arguments if one.startswith("--") and one not in done.output] == []


def test_every_target_of_make_exists() -> None:
    """`make TARGET`, as the Makefile has it."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    typed = {target for line in LINES for target in re.findall(r"\bmake (?:-C \S+ )?([a-z.][\w./-]*)", line)}
    assert ".venv/.stamp" in typed
    assert [
        target for target in sorted(typed) if not re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE)
    ] == []


def test_every_file_and_unit_exists() -> None:
    """Paths under deployments/, documents that are linked, tests that are named, units of systemd."""
    paths = {name for line in LINES for name in re.findall(r"(?:deployments|tests)/[\w./*-]*[\w*]", line)}
    paths |= {f"docs/{name}" for name in re.findall(r"\]\(([\w-]+\.md)", TEXT)}
    assert len(paths) > 8
    assert [name for name in sorted(paths - {"deployments/.env"}) if not list(ROOT.glob(name))] == []
    units = {
        re.sub(r"@\w+", "@", name) for name in re.findall(r"deepdlt(?:-\w+@?\w*)?\.(?:service|target|timer)", TEXT)
    }
    assert units
    assert [name for name in sorted(units) if not (ROOT / "deployments" / "systemd" / name).is_file()] == []


def services_of(line: str) -> list[str]:
    """Return the services that a line of `dc` names."""
    verb, *words = [word for word in line.split()[1:] if not word.startswith("-")]
    return words[:1] if verb == "exec" else words


def test_every_service_that_is_named_is_one_of_compose() -> None:
    """After `dc exec`, `dc stop` and the like."""
    known = compose.read()["services"].keys()
    typed = [line for line in LINES if re.match(r"dc (?:exec|stop|start|restart)\b", line)]
    named = {service for line in typed for service in services_of(line)}
    assert named >= {"postgres", "cpu-worker", "gpu-worker"}
    assert sorted(named - known) == []
