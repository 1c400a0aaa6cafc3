"""Server and workers by themselves, for units and containers."""

import os
import subprocess

import pytest
from stacks import DEEPDLT

from deployments.errors import ServerUnreachable
from deployments.foreground import is_loopback, wait_for


def refused(*arguments: str, **variables: str) -> str:
    """Run a command that becomes a part of a stack, and return why it does not."""
    env = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"} | variables
    done = subprocess.run([*DEEPDLT, *arguments], env=env, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 2, done.stdout + done.stderr
    return done.stderr


def test_a_server_that_others_reach_demands_a_password() -> None:
    """Without one it does not start, and says what to set."""
    assert "PREFECT_SERVER_API_AUTH_STRING" in refused("server", "--host", "0.0.0.0")  # noqa: S104


def test_a_worker_is_for_a_server_that_is_named() -> None:
    """It starts none of its own."""
    assert "PREFECT_API_URL" in refused("worker", "cpu")


def test_waiting_for_a_server_has_an_end() -> None:
    """It says which server did not answer."""
    with pytest.raises(ServerUnreachable, match=r"http://127\.0\.0\.1:9/api"):
        wait_for("http://127.0.0.1:9/api", print, limit_s=0.1)


@pytest.mark.parametrize(
    ("host", "is_near"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("10.0.0.1", False), ("::", False), ("db.lab", False)],
)
def test_only_this_machine_reaches_a_loopback_address(host: str, is_near: bool) -> None:
    """A name that cannot be told is taken for one that others reach."""
    assert is_loopback(host) == is_near
