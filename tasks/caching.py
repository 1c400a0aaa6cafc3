"""When a task's earlier result stands in for running it again.

A key is made of what the result depends on: the task's name and its own source, its inputs
(digests and small records), the code of the deepdlt modules that it runs, the versions of the
numeric libraries, and the lake that it writes to. Prefect's cache is only an index of results: a
hit counts once the lake confirms it.
"""

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from prefect import Task
from prefect.cache_policies import CachePolicy
from prefect.context import TaskRunContext

from deepdlt.digest import digest_json
from deepdlt.provenance import code_digest, library_versions, source_digest
from tasks.lake_access import open_lake

R = TypeVar("R")

logger = logging.getLogger(__name__)


@dataclass
class ContentKey(CachePolicy):
    """Key a task by its inputs, the code that it runs and the lake that it writes to.

    Parameters
    ----------
    modules : tuple of str
        The deepdlt modules that do the task's work; their imports are followed.
    work : tuple of str
        Modules of ``tasks`` that do it, beside the task's own; their imports are not followed.
    """

    modules: tuple[str, ...] = ()
    work: tuple[str, ...] = ()

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
        return digest_json(
            {
                "task": task_ctx.task.name,
                "source": source_digest(Path(inspect.getfile(task_ctx.task.fn))),
                "inputs": inputs,
                "work": work_digests(*self.work),
                "code": code_digest(*self.modules) if self.modules else "",
                "libraries": library_versions(),
                "lake": open_lake().lake_id,
            }
        )


def work_digests(*names: str) -> dict[str, str]:
    """Return the digest of the code of each of some modules of ``tasks``, by its name; none is imported.

    Parameters
    ----------
    *names : str
        E.g. ``"tasks.cutting"``.

    Raises
    ------
    FileNotFoundError
        If there is no such module: a hit must not rest on code that is not there.
    """
    folder = Path(__file__).parents[1]
    return {name: source_digest(folder.joinpath(*name.split(".")).with_suffix(".py")) for name in names}


def call_cached(work: Task[..., R], *inputs: Any, confirm: Callable[[R], bool], **named: Any) -> tuple[R, bool]:
    """Call a cached task; where it is a hit that the lake does not confirm, run it.

    Parameters
    ----------
    work : Task
        A task with a `ContentKey` policy.
    *inputs, **named
        Its inputs.
    confirm : callable
        Asked only on a hit: whether the lake holds what the record speaks of.

    Returns
    -------
    record : the task's record
    is_hit : bool
        Whether an earlier result was used.

    Raises
    ------
    Exception
        Whatever the task raised.
    """
    state = work(*inputs, return_state=True, **named)
    record: R = state.result()
    if state.name != "Cached":
        return record, False
    if confirm(record):
        return record, True
    logger.warning("the lake no longer holds what an earlier %r left there: doing it again", work.name)
    return work.with_options(refresh_cache=True)(*inputs, **named), False
