"""What the command line asks a server, where the server is slow to answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from answers import answering

from deployments.errors import ServerRefused, ServerSilent, ServerUnreachable
from deployments.server_api import PATIENCE, ServerApi, authorisation

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\nConnection: close\r\n\r\n{"name": "late"}'


@contextmanager
def server_silent_for(n_requests: int) -> Iterator[tuple[ServerApi, list[bytes]]]:
    """Give a server that takes that many requests without a word and answers the next, and what it was asked."""
    asked: list[bytes] = []
    kept: list[socket.socket] = []

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            asked.append(connection.recv(4096))
            if len(asked) > n_requests:
                connection.sendall(ANSWER)
                connection.close()
            else:
                kept.append(connection)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        yield ServerApi(f"http://127.0.0.1:{listener.getsockname()[1]}/api", timeout_s=0.2), asked
    for connection in kept:
        connection.close()


def test_a_request_that_got_no_answer_is_asked_again() -> None:
    """A server that is busy for a moment is not taken for one that is gone."""
    with server_silent_for(1) as (api, asked):
        assert api.run("any") == {"name": "late"}
    assert len(asked) == 2
    assert asked[0] == asked[1]


@pytest.mark.parametrize("status", [429, 502, 503])
def test_a_busy_server_is_asked_again_for_longer_than_one_answer_takes(status: int) -> None:
    """Its database may be held by one write for a minute, and by the next one after it."""
    busy = [status] * 2  # at once, and after `RETRY_S`: more than the 0.2 s, and far from the end of its patience

    def serve(*_: Any) -> tuple[int, Any]:
        return (busy.pop(), {"detail": "Service Unavailable"}) if busy else (200, {"name": "late"})

    with answering(serve) as api_url:
        assert ServerApi(api_url, timeout_s=0.2).run("any") == {"name": "late"}
    assert not busy


def test_a_server_that_stays_busy_is_given_up() -> None:
    """With what it said."""
    refusal = pytest.raises(ServerRefused, match="Service Unavailable")
    with answering(lambda *_: (503, {"detail": "Service Unavailable"})) as api_url, refusal:
        ServerApi(api_url, timeout_s=0.01).run("any")


def test_what_would_be_made_twice_is_asked_for_once() -> None:
    """A server that took a request may have done it, whatever it says."""
    with server_silent_for(1) as (api, asked), pytest.raises(ServerSilent):
        api.ask("POST", "automations/", {"name": "watch"})
    assert len(asked) == 1


def test_a_run_is_asked_for_again_under_its_key() -> None:
    """The server knows the key again, and makes no second run."""
    with server_silent_for(1) as (api, asked):
        api.ask("POST", "deployments/1/create_flow_run", {"idempotency_key": "k"})
    assert len(asked) == 2


def test_a_server_that_stays_silent_is_given_up() -> None:
    """The error says that it took the request, and for how long it was waited for."""
    with server_silent_for(99) as (api, asked), pytest.raises(ServerSilent, match=r"no answer within 0\.2 s"):
        api.run("any")
    assert len(asked) == PATIENCE


def test_what_answers_in_no_json_is_no_prefect_server() -> None:
    """As Prefect's own pages do, where the address lacks its end; it is said, and it is not healthy."""
    with answering(lambda *_: (200, b"<!doctype html><title>Prefect</title>")) as api_url:
        api = ServerApi(api_url)
        with pytest.raises(ServerUnreachable, match=r"no Prefect server; does the address end in /api\?"):
            api.run("any")
        assert not api.is_healthy()


def test_what_speaks_no_http_is_no_server() -> None:
    """As a database on that port would."""

    def serve(listener: socket.socket) -> None:
        for _ in range(3):
            connection, _ = listener.accept()
            connection.recv(4096)
            connection.sendall(b"E\0\0\0\x09SFATAL\r\n\r\n")
            connection.close()

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        api = ServerApi(f"http://127.0.0.1:{listener.getsockname()[1]}/api")
        with pytest.raises(ServerUnreachable):
            api.run("any")
        with pytest.raises(ServerUnreachable):
            api.clock()
        assert not api.is_healthy()


@pytest.mark.parametrize("n_rows", [0, 199, 200, 450])
def test_rows_that_do_not_fit_into_an_answer_are_asked_for_in_pages(n_rows: int) -> None:
    """The server gives 200 at most: log lines of a busy quarter of a minute, tasks of a large night, runs that wait."""

    def answer(path: str, body: Any) -> tuple[int, Any]:
        rows = [{"id": f"{path} {number}"} for number in range(n_rows)]
        assert body["limit"] <= 200
        return 200, rows[body["offset"] :][: body["limit"]]

    with answering(answer) as api_url:
        api = ServerApi(api_url)
        logs = api.logs(["run"], since=datetime.now(UTC), min_level=20)
        assert [one["id"] for one in logs] == [f"logs/filter {number}" for number in range(n_rows)]
        assert len(api.task_runs(["run"])) == n_rows
        assert len(api.runs({})) == n_rows


@pytest.mark.parametrize("key", [None, "pnu_key"])
@pytest.mark.parametrize("pair", [None, "me:secret"])
def test_a_server_is_told_who_asks_as_prefects_own_client_tells_it(
    key: str | None, pair: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a key and a password set both send the same one."""
    from prefect.client.orchestration import SyncPrefectClient

    for name, value in (("PREFECT_API_KEY", key), ("PREFECT_API_AUTH_STRING", pair)):
        monkeypatch.setenv(name, value or "")
    client = SyncPrefectClient("http://127.0.0.1:9/api", api_key=key, auth_string=pair)
    assert authorisation().get("Authorization") == client._client.headers.get("Authorization")
