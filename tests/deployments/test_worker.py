"""What a worker does of its own, without a server."""

import asyncio
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.states import Cancelling

from deployments import worker


class Client:
    """A client whose server fails on the first run, stays silent on the second and marks the others."""

    def __init__(self) -> None:
        self.asked: list[UUID] = []
        self.marked: list[UUID] = []

    async def set_flow_run_state(self, run: UUID, state: Any, *, force: bool) -> None:
        assert (state.name, force) == ("Cancelling", False)
        self.asked.append(run)
        if len(self.asked) == 1:
            raise ConnectionError("as asked")
        if len(self.asked) == 2:
            await asyncio.sleep(60)
        self.marked.append(run)


def test_a_run_that_cannot_be_marked_does_not_keep_the_others_from_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said; all of them take as long as one."""
    monkeypatch.setattr(worker, "ANSWER_S", 0.2)
    client, runs = Client(), [uuid4() for _ in range(4)]
    asyncio.run(worker.put_all(cast("PrefectClient", client), runs, Cancelling))
    assert client.marked == runs[2:]
    assert [str(run) in caplog.text for run in runs] == [True, True, False, False]
