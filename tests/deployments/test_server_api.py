"""What the command line asks a server, where the server is slow to answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from deployments.errors import ServerSilent
from deployments.server_api import ASKED_AT_MOST, ServerApi

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


def test_what_would_be_made_twice_is_asked_for_once() -> None:
    """A server that took a request may have done it, whatever it says."""
    with server_silent_for(1) as (api, asked), pytest.raises(ServerSilent):
        api.ask("POST", "automations/", {"name": "watch"})
    assert len(asked) == 1


def test_a_server_that_stays_silent_is_given_up() -> None:
    """The error says that it took the request, and for how long it was waited for."""
    with server_silent_for(99) as (api, asked), pytest.raises(ServerSilent, match=r"no answer within 0\.2 s"):
        api.run("any")
    assert len(asked) == ASKED_AT_MOST
