"""The state file and the lock of the stack, and what `down` touches."""

import sys
import threading
from pathlib import Path

import pytest

from deployments import processes, stack
from deployments.processes import Started
from deployments.settings import SETTINGS_HEADER, StackPaths
from deployments.stack_state import StackState, alone, read_state, write_state


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackPaths:
    """A stack's folder of this test's own."""
    monkeypatch.setenv("DEEPDLT_STACK", str(tmp_path / "stack"))
    monkeypatch.delenv("PREFECT_API_URL")
    return StackPaths(tmp_path / "stack")


def test_the_state_comes_back_as_it_was_written(paths: StackPaths) -> None:
    """Address, parts and variables survive the file."""
    state = StackState("http://127.0.0.1:4200/api", True, (Started("server", 12, "345"),), {"DEEPDLT_LAKE": "/lake"})
    write_state(paths, state)
    assert read_state(paths) == state


@pytest.mark.parametrize("text", ["", "{", "[]", '{"parts": [1]}', '{"parts": [], "later": 1}'])
def test_a_torn_or_foreign_state_file_counts_as_none(paths: StackPaths, text: str) -> None:
    """A file that was cut off does not stop `up`."""
    paths.folder.mkdir()
    paths.state.write_text(text)
    assert read_state(paths) == StackState()


def test_a_part_started_again_takes_the_place_of_the_old_one() -> None:
    """There is one part of each name."""
    state = StackState().with_part(Started("server", 1, "1")).with_part(Started("server", 2, "2"))
    assert state.parts == (Started("server", 2, "2"),)


def test_of_two_commands_the_second_waits_and_says_so(paths: StackPaths) -> None:
    """While one holds the lock the other stands still."""
    said: list[str] = []
    order: list[str] = []
    holds, is_free = threading.Event(), threading.Event()

    def first() -> None:
        with alone(paths, said.append):
            holds.set()
            is_free.wait(10)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    holds.wait(10)
    threading.Timer(0.2, is_free.set).start()
    with alone(paths, said.append):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]
    assert "waiting" in said[0]


def test_down_ends_its_own_parts_and_nothing_else(paths: StackPaths) -> None:
    """A process of the same kind that another stack started goes on, and so does a settings file of the user's."""
    command = [sys.executable, "-c", "import time; time.sleep(60)"]

    def begin(name: str, mark: str) -> Started:
        log = paths.logs / f"{name}.log"
        paths.folder.mkdir(exist_ok=True)
        return processes.start(name, command, environment={"DEEPDLT_STACK": mark}, log=log, folder=paths.folder)

    own, foreign = begin("worker-cpu", str(paths.folder)), begin("worker-cpu", "/another")
    write_state(paths, StackState("http://127.0.0.1:9/api", True, (own,)))
    paths.settings_file.write_text("[api]\n")
    stack.down(lambda _: None)
    assert not processes.is_alive(own)
    assert processes.is_alive(foreign)
    assert paths.settings_file.exists()
    processes.stop([foreign], grace_s=5, variable="DEEPDLT_STACK", value="/another")
    for part in (own, foreign):
        processes.CHILDREN.pop(part.pid).wait()


def test_down_removes_the_settings_file_that_up_wrote(paths: StackPaths) -> None:
    """Commands typed later do not look for a server that is gone."""
    paths.settings_file.parent.mkdir(exist_ok=True)
    paths.settings_file.write_text(SETTINGS_HEADER + "\n")
    stack.down(lambda _: None)
    assert not paths.settings_file.exists()


def test_down_without_a_stack_says_that_nothing_runs(paths: StackPaths) -> None:
    """Two `down` in a row are no error."""
    said: list[str] = []
    stack.down(said.append)
    assert said == ["nothing of the stack runs"]
