"""The little of the Prefect server's REST interface that the command line needs.

Importing Prefect's own client takes two seconds, longer than all that is asked of the server here; even importing
httpx takes half a second on a busy machine, so this speaks HTTP with the standard library.
"""

import base64
import json
import os
import time
import urllib.request
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from uuid import uuid4

from deployments.errors import DeploymentMissing, ParametersRefused, ServerRefused, ServerSilent, ServerUnreachable

Json = dict[str, Any]
# What a server with a busy database answers for a while.
PASSING = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE})
RETRY_S = 0.5
# A server that is busy, or took a question and did not answer in time, is asked again for so many times as long as an
# answer is waited for: 3 minutes. On a crowded machine one write of Prefect's holds its SQLite database for a minute,
# others may follow it, and whoever only reads waits for a connection.
PATIENCE = 6
NO_PREFECT = "what answers there is no Prefect server; does the address end in /api?"
# The most rows that the server gives in an answer.
PAGE = 200
FINAL = frozenset({"COMPLETED", "FAILED", "CANCELLED", "CRASHED"})


def authorisation() -> dict[str, str]:
    """Return the headers for a server that wants to know who asks, from Prefect's own variables, in Prefect's order."""
    if pair := os.environ.get("PREFECT_API_AUTH_STRING"):
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    if key := os.environ.get("PREFECT_API_KEY"):
        return {"Authorization": f"Bearer {key}"}
    return {}


class ServerApi:
    """A Prefect server, by the address of its interface.

    Parameters
    ----------
    api_url : str
        Address, ending in ``/api``.
    timeout_s : float
        Seconds to wait for an answer; a question may be put `PATIENCE` times.

    Raises
    ------
    ServerUnreachable
        If the address is none of the web.
    """

    def __init__(self, api_url: str, *, timeout_s: float = 30.0) -> None:
        self.api_url = api_url.rstrip("/")
        self.timeout_s = timeout_s
        address = urlsplit(self.api_url)
        if address.scheme not in {"http", "https"}:
            raise ServerUnreachable(api_url, "the address must begin with http:// or https://")
        # This machine is never asked through a proxy.
        own = [urllib.request.ProxyHandler({})] if address.hostname in {"127.0.0.1", "localhost", "::1"} else []
        self.opener = urllib.request.build_opener(*own)

    @property
    def ui_url(self) -> str:
        """Address of the pages that people look at."""
        return self.api_url.removesuffix("/api")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and return the decoded answer; a server that is busy is asked again.

        So is one that stays silent, where the request only reads or has a key by which the server knows it again: else
        what is made would be made twice.

        Raises
        ------
        ServerUnreachable
            If nothing listens there, what listens stays silent, or it is something else than a Prefect server.
        ServerRefused
            If the answer is an error; its text is in the message.
        """
        deadline = time.monotonic() + PATIENCE * self.timeout_s
        is_safe = method == "GET" or path.endswith("/filter") or "idempotency_key" in (body or {})
        n_tries = PATIENCE if is_safe else 1
        while True:
            try:
                return self.ask_once(method, path, body)
            except ServerRefused as error:
                if error.status not in PASSING or time.monotonic() > deadline:
                    raise
            except ServerSilent:
                n_tries -= 1
                if not n_tries:
                    raise
            time.sleep(RETRY_S)

    def ask_once(self, method: str, path: str, body: Any) -> Any:
        """Send a request once, and do not try again where the server is busy."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **authorisation()}
        url = f"{self.api_url}/{path}"
        request = urllib.request.Request(url, data=content, headers=headers, method=method)  # noqa: S310 - web only
        try:
            with self.opener.open(request, timeout=self.timeout_s) as answer:
                text = answer.read()
        except HTTPError as error:
            with error:
                raise ServerRefused(f"{method} {path}", error.code, detail_of(error.read())) from error
        except TimeoutError as error:
            raise ServerSilent(self.api_url, f"no answer within {self.timeout_s:g} s") from error
        except (OSError, HTTPException) as error:
            raise ServerUnreachable(self.api_url, str(error) or type(error).__name__) from error
        try:
            return json.loads(text) if text else None
        except ValueError as error:
            raise ServerUnreachable(self.api_url, NO_PREFECT) from error

    def ask_all(self, path: str, body: Json) -> list[Json]:
        """Return all rows that match a filter, asked for in pages."""
        found: list[Json] = []
        while True:
            page = self.ask("POST", path, body | {"limit": PAGE, "offset": len(found)})
            found += page
            if len(page) < PAGE:
                return found

    def is_healthy(self) -> bool:
        """Tell whether the server is up and its database answers."""
        try:
            return bool(self.ask_once("GET", "health", None))
        except (ServerUnreachable, ServerRefused):
            return False

    def clock(self) -> datetime:
        """Return the time that the server says it is, to the second.

        Raises
        ------
        ServerUnreachable
            If it does not answer, or tells no time.
        """
        try:
            with self.opener.open(f"{self.api_url}/health", timeout=self.timeout_s) as answer:
                return parsedate_to_datetime(answer.headers["Date"] or "")
        except (OSError, HTTPException) as error:
            raise ServerUnreachable(self.api_url, str(error) or type(error).__name__) from error
        except ValueError as error:
            raise ServerUnreachable(self.api_url, NO_PREFECT) from error

    def deployment(self, name: str) -> Json:
        """Return a deployment by its full name, such as ``retrain/nightly``."""
        try:
            found: Json = self.ask("GET", f"deployments/name/{name}")
        except ServerRefused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise DeploymentMissing(name, self.api_url) from error
            raise
        return found

    def create_run(self, name: str, parameters: Json) -> Json:
        """Ask for a run of a deployment, now.

        Raises
        ------
        DeploymentMissing
            If the server knows no such deployment.
        ParametersRefused
            If the parameters do not fit the flow; no run is made.
        """
        # With the key, a request that is sent again because no answer came makes no second run.
        body = {"parameters": parameters, "state": {"type": "SCHEDULED"}, "idempotency_key": str(uuid4())}
        deployment_id = self.deployment(name)["id"]
        try:
            run: Json = self.ask("POST", f"deployments/{deployment_id}/create_flow_run", body)
        except ServerRefused as error:
            if error.status in {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}:
                raise ParametersRefused(name, error.detail) from error
            raise
        return run

    def run(self, run_id: str) -> Json:
        """Return a flow run."""
        found: Json = self.ask("GET", f"flow_runs/{run_id}")
        return found

    def runs(self, flow_runs: Json) -> list[Json]:
        """Return the flow runs that match a filter, in the order of their start."""
        return self.ask_all("flow_runs/filter", {"flow_runs": flow_runs, "sort": "EXPECTED_START_TIME_ASC"})

    def task_runs(self, run_ids: list[str]) -> list[Json]:
        """Return the task runs of some flow runs."""
        body = {"flow_runs": {"id": {"any_": run_ids}}, "sort": "EXPECTED_START_TIME_ASC"}
        return self.ask_all("task_runs/filter", body)

    def logs(self, run_ids: list[str], *, since: datetime, min_level: int) -> list[Json]:
        """Return what some flow runs logged since a moment, oldest first."""
        wanted = {
            "flow_run_id": {"any_": run_ids},
            "timestamp": {"after_": since.isoformat()},
            "level": {"ge_": min_level},
        }
        return self.ask_all("logs/filter", {"logs": wanted, "sort": "TIMESTAMP_ASC"})

    def progress(self, run_ids: list[str]) -> list[Json]:
        """Return the progress bars that some flow runs keep."""
        wanted = {"flow_run_id": {"any_": run_ids}, "type": {"any_": ["progress"]}}
        found: list[Json] = self.ask("POST", "artifacts/filter", {"artifacts": wanted, "limit": 50})
        return found

    def emit(self, event: str, resource_id: str, payload: Json) -> None:
        """Tell the server that something has happened; told twice by a resent request, it has happened once."""
        said = {"event": event, "resource": {"prefect.resource.id": resource_id}, "payload": payload}
        when = {"occurred": datetime.now(UTC).isoformat(), "id": str(uuid4())}
        self.ask("POST", "events", [said | when])

    def set_state(self, run_id: str, kind: str, message: str, *, is_forced: bool = False) -> None:
        """Put a flow run into a state, such as ``CANCELLING``."""
        state = {"type": kind, "name": kind.capitalize(), "message": message}
        self.ask("POST", f"flow_runs/{run_id}/set_state", {"state": state, "force": is_forced})


def detail_of(answer: bytes) -> str:
    """Return what the server says about an error, in a line."""
    text = answer.decode(errors="replace")
    try:
        said = json.loads(text)
    except ValueError:
        return text[:500]
    detail = said.get("detail", said.get("exception_message", said)) if isinstance(said, dict) else said
    return detail if isinstance(detail, str) else str(detail)[:500]
