"""The state file and the lock of the stack, and what `down` touches."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from answers import answering

from deployments import processes, stack
from deployments.errors import ServerUnreachable, StackInUse
from deployments.parts import worker_name
from deployments.processes import Started
from deployments.settings import SETTINGS_HEADER, StackPaths, own_variables
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


NOTES_ITS_END = """
import signal, sys, time
def end(*_):
    with open(sys.argv[2], "a") as ends:
        ends.write(sys.argv[1] + " ")
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(60)
"""
Begin = Callable[[str], Started]


@pytest.fixture
def begin(paths: StackPaths) -> Iterator[Begin]:
    """Start parts of a stack that note their end in the file ``ends``."""
    begun: list[Started] = []

    def start(name: str) -> Started:
        paths.folder.mkdir(exist_ok=True)
        log = paths.logs / f"{name}.log"
        command = [sys.executable, "-c", NOTES_ITS_END, name, str(paths.folder / "ends")]
        part = processes.start(
            name, command, environment={"DEEPDLT_STACK": str(paths.folder)}, log=log, folder=paths.folder
        )
        begun.append(part)
        while processes.tail(log) != "ready":
            assert processes.is_alive(part)
        return part

    yield start
    stack.stop_parts(paths, begun, grace_s=5)
    for part in begun:
        processes.CHILDREN.pop(part.pid).wait()


class Servers:
    """Two Prefect servers: one that a stack works for, with its runs, and another one."""

    def __init__(self, last: ExitStack) -> None:
        self.workers_at_work: list[str] = []
        self.one = last.enter_context(answering(self.answer))
        self.other = last.enter_context(answering(lambda *_: (200, True)))

    def answer(self, path: str, _: Any) -> tuple[int, Any]:
        runs = [{"id": name, "labels": {"prefect.worker.name": name}} for name in self.workers_at_work]
        return 200, runs if path == "flow_runs/filter" else True


@pytest.fixture
def servers() -> Iterator[Servers]:
    """Both of them."""
    with ExitStack() as last:
        yield Servers(last)


@pytest.mark.parametrize("is_own_server", [True, False], ids=["the stack's own server", "a server elsewhere"])
def test_another_server_is_refused_while_the_stack_is_at_work(
    is_own_server: bool, paths: StackPaths, servers: Servers, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the variable, and nothing is stopped; with the runs over, the stack makes way."""
    part = begin("worker-cpu")
    state = StackState(servers.one, is_own_server, (part,), {})
    servers.workers_at_work = [worker_name(paths, "cpu")]
    monkeypatch.setenv("PREFECT_API_URL", servers.other)
    with pytest.raises(StackInUse, match=r"PREFECT_API_URL.*deepdlt down"):
        stack.drop_what_does_not_fit(paths, state, print)
    if not is_own_server:
        monkeypatch.delenv("PREFECT_API_URL")
        with pytest.raises(StackInUse, match="PREFECT_API_URL"):
            stack.drop_what_does_not_fit(paths, state, print)
        servers.workers_at_work = ["another machine's"]
    else:
        servers.workers_at_work = []
    assert processes.is_alive(part)
    left = stack.drop_what_does_not_fit(paths, state, print)
    assert (left.parts, processes.is_alive(part)) == ((), False)


def test_what_answers_where_our_server_was_is_taken_as_it_is(
    paths: StackPaths, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is another's, such as that of a unit: nothing of ours is started beside it."""
    kept = StackState(servers.one, is_own_server=True)
    write_state(paths, kept)
    monkeypatch.setenv("PREFECT_API_URL", servers.one)
    assert stack.find_server() == StackState(servers.one, is_own_server=False)
    assert read_state(paths) == kept


def test_workers_of_a_server_elsewhere_are_not_started_unasked(
    paths: StackPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are managed elsewhere, with a lake that this shell may not have: it is said which one is missing."""
    answers = {"work_pools/filter": [{"name": "cpu"}], "work_pools/cpu/workers/filter": [{"status": "ONLINE"}]}
    said: list[str] = []
    with answering(lambda path, _: (200, answers.get(path, True))) as api_url:
        monkeypatch.setenv("PREFECT_API_URL", api_url)
        assert stack.find_workers(said.append) == StackState(api_url, is_own_server=False)
    (line,) = said
    assert "deepdlt-worker@gpu" in line
    assert not paths.state.exists()


def test_the_address_of_our_server_means_ours_while_it_runs(
    paths: StackPaths, servers: Servers, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So does that of one that does not answer: it is started again."""
    monkeypatch.setenv("PREFECT_API_URL", servers.one)
    assert stack.others_server(StackState(servers.one, True, (begin("server"),))) is None
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert stack.others_server(StackState("http://127.0.0.1:9/api", is_own_server=True)) is None


def test_a_server_that_does_not_answer_stops_nothing(
    paths: StackPaths, servers: Servers, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stack makes way for one that is there."""
    part = begin("worker-cpu")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with pytest.raises(ServerUnreachable, match=r"127\.0\.0\.1:9"):
        stack.drop_what_does_not_fit(paths, StackState(servers.one, True, (part,), {}), print)
    assert processes.is_alive(part)


def test_a_stack_that_makes_way_ends_its_workers_before_their_server(
    paths: StackPaths, servers: Servers, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker has the server cancel its runs."""
    parts = begin("server"), begin("worker-cpu")
    monkeypatch.setenv("PREFECT_API_URL", servers.other)
    said: list[str] = []
    stack.drop_what_does_not_fit(paths, StackState(servers.one, True, parts, {}), said.append)
    assert (paths.folder / "ends").read_text().split() == ["worker-cpu", "server"]
    assert "server, worker-cpu" in said[0]


@pytest.mark.parametrize("name", ["DEEPDLT_LAKE", "DEEPDLT_PROFILE", "DEEPDLT_DEVICE", "DEEPDLT_STILL_S"])
def test_a_variable_of_the_workers_that_changed_has_them_started_again(
    name: str, paths: StackPaths, servers: Servers, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But not while they are at work: then it is refused, by its name."""
    part = begin("worker-cpu")
    state = StackState(servers.one, True, (part,), own_variables())
    monkeypatch.setenv(name, "7")
    servers.workers_at_work = ["cpu"]
    with pytest.raises(StackInUse, match=name):
        stack.drop_what_does_not_fit(paths, state, print)
    assert processes.is_alive(part)
    servers.workers_at_work = []
    assert name in stack.drop_what_does_not_fit(paths, state, print).variables
    assert not processes.is_alive(part)
