"""When a task's earlier result stands in for running it again.

A key is made of what the result depends on: the task's name, its inputs (digests and small records),
the code of the modules that do its work, the versions of the libraries that shape its result, and the
lake that it writes to. What stands in a key is, word for word, what the ledger notes of the step.
Prefect's cache is only an index of results: a hit counts once the lake confirms it.
"""

import inspect
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from prefect import Task
from prefect.cache_policies import CachePolicy
from prefect.context import TaskRunContext

from deepdlt.digest import digest_json
from deepdlt.provenance import CODE_OF, source_digest
from tasks.dependence import depends_on_code
from tasks.lake_access import open_lake
from tasks.ledger import StepRecord

R = TypeVar("R")

logger = logging.getLogger(__name__)

AGAIN = "again"
"""Input of a task that tells it to do everything anew; it says how to go about it, and is in no key."""


@dataclass
class ContentKey(CachePolicy):
    """Key a task by its inputs, the code that it runs and the lake that it writes to.

    Parameters
    ----------
    modules : tuple of str
        The deepdlt modules that do the task's work; their imports are followed.
    work : tuple of str
        Modules of ``tasks`` that do it, beside the task's own; their imports are not followed.
    libraries : tuple of str
        Libraries whose version can change the result.
    apart : tuple of str
        Inputs that do not count: they say where to look, or how to go about it, not what comes of it. One in a
        record is named after both, e.g. ``dataset snapshot_id``.
    """

    modules: tuple[str, ...] = ()
    work: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()

    def depends_on(self, task: Task[..., Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return by name all that a task's result depends on, records taken apart: the ledger's inputs.

        Parameters
        ----------
        task : Task
        inputs : mapping
            Its arguments by name.
        """
        counted = {name: value for name, value in _flat(inputs).items() if name not in {AGAIN, *self.apart}}
        own = {f"{CODE_OF}{task.fn.__module__}": source_digest(Path(inspect.getfile(task.fn)))}
        return counted | own | depends_on_code(self.modules, work=self.work, libraries=self.libraries)

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],  # noqa: ARG002 - what a task depends on, it takes as an input
        **kwargs: Any,  # noqa: ARG002 - Prefect's signature
    ) -> str:
        """Return the key of one call.

        Raises
        ------
        TypeError
            If an input is not JSON: tasks exchange records, not arrays.
        """
        named = {"task": task_ctx.task.name, "lake": open_lake().lake_id}
        return digest_json({**named, "inputs": self.depends_on(task_ctx.task, inputs)})


def _flat(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs by name, those of a record one by one: ``recipe size_px``."""
    flat: dict[str, Any] = {}
    for name, value in inputs.items():
        flat |= {f"{name} {key}": part for key, part in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def call_cached(
    work: Task[..., R], *inputs: Any, confirm: Callable[[R], bool], again: bool = False
) -> tuple[R, StepRecord]:
    """Call a cached task; where it is a hit that the lake does not confirm, or it is asked for, run it.

    Parameters
    ----------
    work : Task
        A task with a `ContentKey` policy.
    *inputs
        Its inputs.
    confirm : callable
        Asked only on a hit: whether the lake holds what the record speaks of.
    again : bool
        Run it whatever stands; the task is told so, and does anew what it would find done.

    Returns
    -------
    record : the task's record
    step : StepRecord
        For the ledger: whether an earlier result was used, and all that the result depends on.

    Raises
    ------
    Exception
        Whatever the task raised.
    """
    if again:
        made = work.with_options(refresh_cache=True)(*inputs, **{AGAIN: True})
        return made, step_of(work, *inputs, is_hit=False, is_asked_for=True)
    state: Any = work(*inputs, return_state=True)
    record: R = state.result()
    is_hit = state.name == "Cached"
    if is_hit and not confirm(record):
        logger.warning("the lake no longer holds what an earlier %r left there: doing it again", work.name)
        record, is_hit = work.with_options(refresh_cache=True)(*inputs), False
    return record, step_of(work, *inputs, is_hit=is_hit)


def step_of(work: Task[..., Any], *inputs: Any, is_hit: bool, is_asked_for: bool = False) -> StepRecord:
    """Return the ledger's record of a call of a cached task: its inputs are those of its key."""
    given = inspect.signature(work.fn).bind(*inputs)
    given.apply_defaults()
    policy = work.cache_policy
    if not isinstance(policy, ContentKey):
        raise TypeError(f"task {work.name!r} is keyed by {policy!r}, not by its content")
    inputs_by_name = policy.depends_on(work, given.arguments)
    return StepRecord(step=work.name, is_hit=is_hit, is_asked_for=is_asked_for, inputs=inputs_by_name)
