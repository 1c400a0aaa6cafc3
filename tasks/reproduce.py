"""Do a stored training again, in a process of its own, and say whether its numbers come out again, or what differs.

Torch is not imported here, and the lake is not written.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, cast

from deepdlt.errors import DeepdltError
from deepdlt.hardware import describe_hardware
from deepdlt.night import TRAINING_MODULES, training_code
from deepdlt.provenance import library_versions, module_digests
from lake import Lake
from lake.statements import load
from tasks.agreement import Agreement
from tasks.lake_access import environment_with
from tasks.messages import Event
from tasks.replay import agreements
from tasks.stored_run import StoredRun

Told = Callable[[Event], None]
DIGITS = 12
"""Of a digest, for people."""


class ReplayFailed(DeepdltError):
    """A training could not be done again."""

    def __init__(self, run_id: str, reason: str) -> None:
        super().__init__(f"run {run_id} could not be done again: {reason}")


@dataclass(frozen=True)
class Difference:
    """Something that numbers depend on, when the run was trained and here."""

    what: str
    then: str
    here: str


@dataclass(frozen=True)
class Reproduction:
    """What came of doing a training again.

    Attributes
    ----------
    run : StoredRun
    tables : tuple of Agreement
        Of each table of its numbers.
    differences : tuple of Difference
        Versions, code and machine that are not those of then; it may be equal all the same.
    """

    run: StoredRun
    tables: tuple[Agreement, ...]
    differences: tuple[Difference, ...]

    @property
    def is_equal(self) -> bool:
        """Whether every number is the same to the last bit."""
        return all(table.is_equal for table in self.tables)


def reproduce(lake: Lake, run: StoredRun, *, on_event: Told = lambda _: None) -> Reproduction:
    """Train and score a run again from the data and settings of then, and compare every number that stands.

    Parameters
    ----------
    lake : Lake
        Holds the run; it is not changed.
    run : StoredRun
        From `tasks.stored_run.find_run`.
    on_event : callable
        Takes each epoch and log line.

    Returns
    -------
    Reproduction

    Raises
    ------
    ReplayFailed
        If it cannot be trained here, or its data are gone.
    """
    last: Event | None = None
    for event in _events(lake, run):
        last = event
        on_event(event)
    if last is None or last.kind != "trained":
        said = last.text if last is not None and last.kind == "failed" else "its process ended before it was done"
        raise ReplayFailed(run.plan.run_id, said)
    return judge(lake, run, last)


def judge(lake: Lake, run: StoredRun, done: Event) -> Reproduction:
    """Return what the last event of a replay means.

    Parameters
    ----------
    lake : Lake
    run : StoredRun
    done : Event
        From `tasks.replay.replay`.
    """
    found = tuple(one for one in then_and_here(lake, run, done) if one.then != one.here)
    return Reproduction(run, tuple(agreements(done)), found)


def _events(lake: Lake, run: StoredRun) -> Iterator[Event]:
    """Run the process that trains, and yield what it says."""
    env = environment_with(lake)
    if run.where["device"] == "cpu":
        env["DEEPDLT_DEVICE"] = "cpu"
    command = [sys.executable, "-m", "tasks.replay", run.plan.run_id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=env) as process:
        try:
            for line in cast("IO[str]", process.stdout):
                yield Event.from_line(line)
        finally:
            process.terminate()


def then_and_here(lake: Lake, run: StoredRun, done: Event) -> Iterator[Difference]:
    """Yield all that the numbers may depend on, as it was then and as it is here.

    Parameters
    ----------
    lake : Lake
    run : StoredRun
    done : Event
        The last one of the replay: says on what it ran.
    """
    where = run.where
    then, here = json.loads(where["versions"]), library_versions()
    for name in sorted(then.keys() | here.keys()):
        yield Difference(name, then.get(name, "not recorded"), here.get(name, "not asked for"))
    yield from _code(lake, where["code_digest"])
    yield Difference("device", where["device"], done.text)
    yield Difference("hardware", where["hardware"] or "not recorded", describe_hardware(done.text))
    if done.text == "cpu":
        yield Difference("threads", str(where["n_threads"] or "not recorded"), str(done.numbers["n_threads"]))
    yield Difference("trained as one network with", *(f"{n - 1} others" for n in (where["n_together"] or 1, 1)))
    if done.numbers["is_of_then"]:
        yield Difference("data", f"snapshot {run.snapshot_id}, which was taken", "rows have changed since")
    if not done.numbers["is_labels_sure"]:
        yield Difference("labels", f"snapshot {run.snapshot_id}, which was taken", "other ones, or other code")


def _code(lake: Lake, code: str) -> Iterator[Difference]:
    """Yield the modules of the training code that are not those of then."""
    if code == training_code():
        return
    then = dict(lake.query(load("modules_of_code"), [code]).iter_rows())
    if not then:
        yield Difference("training code", code[:DIGITS], training_code()[:DIGITS])
        return
    here = module_digests(*TRAINING_MODULES)
    for name in sorted(then.keys() | here.keys()):
        yield Difference(f"code of {name}", *(part.get(name, "not there")[:DIGITS] for part in (then, here)))
