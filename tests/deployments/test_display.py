"""What is seen of a run, in a terminal and elsewhere."""

import os
import pty
import subprocess
import sys

import pytest

from deployments.display import PlainDisplay

SHOW = """
from deployments.display import make_display
display = make_display()
display.status("count 1/3\\ntraining: ####  50 %")
display.line("[night] is Running")
display.close()
"""


def test_a_terminal_gets_a_status_that_is_drawn_in_place() -> None:
    """The line stays and is shown as it is, brackets too; the status is removed at the end."""
    own, other = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    subprocess.run([sys.executable, "-c", SHOW], stdout=other, env=environment, check=True, timeout=60)
    os.close(other)
    said = os.read(own, 100_000).decode()
    os.close(own)
    assert "[night] is Running" in said
    assert "\x1b[2K" in said  # a line cleared to be drawn anew


def test_without_a_terminal_there_are_plain_lines() -> None:
    """In a log file there is nothing but text."""
    done = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[   0 s] [night] is Running\n"


def test_the_status_is_told_when_it_has_been_quiet_for_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once for each status, in one line."""
    display = PlainDisplay()
    display.status("count 1/3")
    monkeypatch.setattr("deployments.display.QUIET_S", -1.0)
    display.status("count 2/3\nhalf")
    display.status("count 2/3\nhalf")
    assert [line[9:] for line in capsys.readouterr().out.splitlines()] == ["  ... count 2/3; half"]
