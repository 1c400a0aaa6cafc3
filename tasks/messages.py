"""What passes between the flow that hands out trainings and the processes that train: one JSON object a line."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from deepdlt.night import RunPlan
from tasks.shared_patches import SharedPatches

Kind = Literal["ready", "log", "epoch", "trained", "failed", "free", "done", "died", "ended"]
"""ready: the process can train; log: a line for the log; epoch, trained, failed: what came of a plan; free: it waits
for the next order; done: there is no next one. The flow's side adds died (the process is gone) and ended (the flow
ended it)."""


@dataclass(frozen=True)
class Order:
    """What a process is to train.

    Parameters
    ----------
    plans : tuple of RunPlan
        As one network, where there are several.
    patches : SharedPatches
    flow_run_id : str
        The flow run that asks; '' outside Prefect.
    n_threads : int
        Of torch, on a CPU.
    """

    plans: tuple[RunPlan, ...]
    patches: SharedPatches
    flow_run_id: str
    n_threads: int

    def to_line(self) -> str:
        """Return the order as a line."""
        fields = {"plans": [plan.model_dump(mode="json") for plan in self.plans], "patches": vars(self.patches)}
        return json.dumps(vars(self) | fields) + "\n"

    @classmethod
    def from_line(cls, line: str) -> "Order":
        """Read an order."""
        fields = json.loads(line)
        plans = tuple(RunPlan.model_validate(plan) for plan in fields.pop("plans"))
        return cls(plans=plans, patches=SharedPatches(**fields.pop("patches")), **fields)


@dataclass(frozen=True)
class Event:
    """Something that happened in a process that trains.

    Parameters
    ----------
    kind : str
        See `Kind`.
    run_id : str
        Whose training; '' where it is of none.
    text : str
        A log line, why a training failed, or the kind of device that a ready process has.
    level : int
        Of a log line.
    logger : str
        Of a log line.
    numbers : dict
        An epoch's record, the test loss of a training, or the memory that is free on a ready process's GPU.
    """

    kind: Kind
    run_id: str = ""
    text: str = ""
    level: int = 0
    logger: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)

    def to_line(self) -> str:
        """Return the event as a line."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_line(cls, line: str) -> "Event":
        """Read an event."""
        return cls(**json.loads(line))
