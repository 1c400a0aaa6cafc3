"""What goes wrong is told, once and to whom it was asked to be told; new images start a night."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from answers import answering
from prefect.events.schemas.automations import AutomationCore
from stacks import RunningStack, wait_until

from deployments import automations, doctor
from deployments.automations import BLOCK, declared, ensure_watching
from deployments.deploy import OURS
from deployments.server_api import Json, ServerApi
from deployments.watching import LANDED, Watch, Watcher, is_night_due, state_of, tell

ROOT = Path(__file__).parents[2]
NIGHTLY = next(
    one
    for one in yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text())["deployments"]
    if "schedules" in one
)


@pytest.mark.parametrize("automation", declared(), ids=lambda one: one["name"].removeprefix("deepdlt: "))
def test_an_automation_is_one_that_prefect_takes(automation: dict[str, object]) -> None:
    """With its trigger as declared: nothing is dropped on the way."""
    read = AutomationCore.model_validate(automation | {"actions": [{"type": "do-nothing"}]})
    assert read.trigger.type == "event"
    assert set(automation["trigger"]) <= set(type(read.trigger).model_fields)  # type: ignore[call-overload]


def test_each_thing_that_can_go_wrong_is_watched() -> None:
    """Failure, silence for 26 h, a run that does not end, the disk, a metric."""
    watched = {one["name"].removeprefix("deepdlt: "): one["trigger"] for one in declared()}
    assert watched["a night failed"]["expect"][:2] == ["prefect.flow-run.Failed", "prefect.flow-run.Crashed"]
    silence = watched["no night for 26 h"]
    assert (silence["posture"], silence["within"]) == ("Proactive", 26 * 3600)
    assert watched["a run is stuck"]["for_each"] == ["prefect.resource.id"]
    assert {one["expect"][0] for one in watched.values()} >= {"deepdlt.disk.low", "deepdlt.metric.regression"}


def test_the_night_starts_on_the_event_that_is_told() -> None:
    """With the folder that it is told of."""
    (trigger,) = NIGHTLY["triggers"]
    assert (NIGHTLY["name"], trigger["expect"]) == ("nightly", [LANDED])
    assert trigger["parameters"] == {"source": "{{ event.payload.source }}"}


def test_a_change_is_news_once_it_has_been_still() -> None:
    """Not while files come in, not what was there from the start, and until it is told."""
    watch = Watch(still_s=10, told="a")
    seen = [("a", 0), ("a", 50), ("b", 60), ("c", 65), ("c", 74), ("c", 75), ("c", 99), ("d", 100), ("d", 110)]
    assert [now for state, now in seen if watch.is_news(state, now)] == [75, 99, 110]
    watch.told = "d"
    assert not watch.is_news("d", 120)


class Server:
    """What a Prefect server says to those who watch a folder: whether a night is under way, or an error."""

    def __init__(self) -> None:
        self.status = 200
        self.is_night_under_way = False
        self.told: list[str] = []

    def answer(self, path: str, body: Any) -> tuple[int, Any]:
        if self.status != 200:
            return self.status, {"detail": "as asked"}
        if path.startswith("deployments/name/"):
            return 200, {"id": "nightly"}
        if path == "flow_runs/filter":
            assert body["flow_runs"]["deployment_id"] == {"any_": ["nightly"]}
            return 200, [{"id": "night"}] * self.is_night_under_way
        self.told += [event["payload"]["source"] for event in body]
        return 204, b""


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[Watcher, Server, list[str]]]:
    """A folder in which an image has landed, what watches it, the server, and what was said."""
    server, said = Server(), list[str]()
    with answering(server.answer) as api_url:
        watcher = Watcher(tmp_path, ServerApi(api_url, timeout_s=0.2), said.append, Watch(0, told=state_of(tmp_path)))
        (tmp_path / "1-1.png").write_bytes(b"1")
        yield watcher, server, said


def test_what_lands_while_a_night_runs_starts_the_next_one(watched: tuple[Watcher, Server, list[str]]) -> None:
    """A night that was asked for now would be cancelled; it is asked for once, when the other one has ended."""
    watcher, server, said = watched
    server.is_night_under_way = True
    for now_s in (1, 2):
        watcher.look(now_s)
    assert (server.told, len(said)) == ([], 1)
    assert "a night follows the one that is under way" in said[0]
    server.is_night_under_way = False
    for now_s in (3, 4):
        watcher.look(now_s)
    assert (server.told, len(said)) == ([str(watcher.folder)], 2)


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_a_server_that_refuses_does_not_end_the_watching(
    status: int, watched: tuple[Watcher, Server, list[str]]
) -> None:
    """It is said, once, and the images are told when the server is well again."""
    watcher, server, said = watched
    server.status = status
    for now_s in (1, 2):
        watcher.look(now_s)
    assert len(said) == 1
    server.status = 200
    watcher.look(3)
    assert server.told == [str(watcher.folder)]


def test_a_file_that_goes_while_it_is_looked_at_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copying programs rename what they have written."""
    (tmp_path / "1-1.png.part").write_bytes(b"1")
    look = Path.stat

    def look_and_lose(path: Path, **how: Any) -> Any:
        found = look(path, **how)
        path.unlink() if path.suffix == ".part" else None
        return found

    monkeypatch.setattr(Path, "stat", look_and_lose)
    state_of(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_a_night_that_is_under_way_or_waits_is_seen(lab: RunningStack) -> None:
    """By a real server; one that a schedule has made for later does not count."""
    name = "lab-single/single"
    assert not is_night_due(lab.api, name)
    run_id = lab.start(name, seconds=60)
    assert is_night_due(lab.api, name)
    lab.wait(run_id, state="Running")
    assert is_night_due(lab.api, name)
    lab.api.set_state(run_id, "CANCELLING", "seen")
    lab.wait(run_id)
    assert not is_night_due(lab.api, name)


def test_a_folder_is_as_its_files_are(tmp_path: Path) -> None:
    """A new, a changed and a removed one make another state; hidden ones and folders do not."""
    states = [state_of(tmp_path / "gone"), state_of(tmp_path)]
    (tmp_path / ".part").write_bytes(b"x")
    (tmp_path / "more").mkdir()
    states.append(state_of(tmp_path))
    assert len(set(states)) == 1
    for content in (b"1", b"22"):
        (tmp_path / "more" / "1-1.png").write_bytes(content)
        states.append(state_of(tmp_path))
    assert len(set(states)) == 3
    (tmp_path / "more" / "1-1.png").unlink()
    assert state_of(tmp_path) == states[0]


def again(act: Callable[[], None], is_done: Callable[[], object], *, every_s: float = 4, limit_s: float = 90) -> None:
    """Do something now and then until it has come to what it should: a server takes a moment to know its triggers."""
    deadline = time.monotonic() + limit_s
    while not is_done() and time.monotonic() < deadline:
        act()
        with suppress(AssertionError):
            wait_until(is_done, limit_s=every_s)
    assert is_done()


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[str]]]:
    """An address on this machine, and what was posted to it."""
    heard: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", heard
    server.shutdown()
    server.server_close()


def test_an_event_reaches_the_webhook_and_each_automation_stands_once(
    stack: RunningStack, webhook: tuple[str, list[str]]
) -> None:
    """Made twice, it stands once; the address is kept as a secret; the doctor finds nothing to say."""
    url, heard = webhook
    ensure_watching(stack.api, "http://127.0.0.1:9/elsewhere")
    ensure_watching(stack.api, url)
    names = [one["name"] for one in declared()]
    found = stack.api.ask("POST", "automations/filter", {"automations": {"name": {"any_": names}}, "limit": 50})
    assert sorted(one["name"] for one in found) == sorted(names)
    blocks = json.dumps(stack.api.ask("POST", "block_documents/filter", {}))
    assert (BLOCK in blocks, url in blocks) == (True, False)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(doctor, "known_server", lambda: stack.api_url)
        checks = [*doctor.check_watching(), *doctor.check_clock()]
    assert {check.name: check.level for check in checks} == {"watching": "ok", "clock": "ok"}, checks
    again(lambda: stack.api.emit("deepdlt.disk.low", "deepdlt.lake.test", {"n_free_bytes": 1}), lambda: heard)
    assert json.loads(heard[0]) == {"text": "deepdlt: the disk is nearly full, deepdlt.disk.low"}


def sooner(automation: dict[str, Any]) -> dict[str, Any]:
    """Return an automation that watches the lab's deployments, and waits for seconds where it would wait for hours."""
    trigger = dict(automation["trigger"])
    if "match_related" in trigger:
        lab = {"prefect.resource.role": "deployment", "prefect.resource.name": ["lab", "single"]}
        trigger["match_related"] = [OURS, lab]
    return automation | {"trigger": trigger | {"within": min(trigger["within"], 12)}}


@pytest.mark.long
def test_failure_silence_and_a_run_that_does_not_end_are_told(
    lab: RunningStack, webhook: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As declared, but for the hours: a real server sees each of them, and posts it."""
    url, heard = webhook

    def told(what: str) -> bool:
        return any(what in json.loads(text)["text"] for text in heard)

    try:
        with monkeypatch.context() as patch:
            patch.setattr(automations, "declared", lambda: [sooner(one) for one in declared()])
            ensure_watching(lab.api, url)
        wait_until(lambda: told("no night for 26 h, nothing heard"), limit_s=90)
        again(lambda: lab.run("lab-talk/lab", fails=True), lambda: told("a night failed, prefect.flow-run.Failed"))
        stuck = lab.start("lab-talk/lab", seconds=60)
        wait_until(lambda: told("a run is stuck"), limit_s=90)
        lab.api.set_state(stuck, "CANCELLING", "seen")
        lab.wait(stuck)
    finally:
        ensure_watching(lab.api, url)


@pytest.mark.long
def test_images_that_land_start_a_run(lab: RunningStack, tmp_path: Path) -> None:
    """Of the deployment that has the trigger, with what the event says."""
    before = {run["id"] for run in lab.api.runs({})}

    def started() -> list[Json]:
        return [run for run in lab.api.runs({}) if run["id"] not in before]

    again(lambda: tell(lab.api, tmp_path, event="lab.images.landed", seconds=0.25), started)
    assert started()[0]["parameters"] == {"seconds": 0.25}
    for run in started():
        lab.wait(run["id"])


@pytest.mark.long
def test_the_doctor_sees_whether_the_limit_is_held(lab: RunningStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the run that is under way."""
    monkeypatch.setattr(doctor, "known_server", lambda: lab.api_url)
    monkeypatch.setattr(doctor, "NIGHT", "lab-single/single")
    run_id = lab.start("lab-single/single", seconds=5)
    lab.wait(run_id, state="Running")
    (held,) = doctor.check_limit()
    assert (held.level, held.text[:16]) == ("ok", "1 of 1 slots of ")
    lab.wait(run_id)
    (free,) = doctor.check_limit()
    assert (free.level, free.text[:16]) == ("ok", "0 of 1 slots of ")
