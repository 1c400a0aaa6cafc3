"""The cached tasks of a night without Prefect's engine: the real keys, the real work, an index of results in memory."""

import inspect
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
from prefect import Task

from tasks.audit import audit_splits
from tasks.ingest import find_source, ingest_images
from tasks.prepared import assign_all_folds, cut_patches_of_new_images, freeze_dataset

INDEX: dict[str, str] = {}
"""Results as JSON, by key; a key holds the lake's id."""


@dataclass(frozen=True)
class Remembered:
    """A task that looks its result up in `INDEX`, as Prefect does in its storage."""

    task: Task[..., Any]
    is_refreshed: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.task, name)

    def with_options(self, *, refresh_cache: bool) -> "Remembered":
        """Return the task as one that does not look."""
        return replace(self, is_refreshed=refresh_cache)

    def __call__(self, *inputs: Any, return_state: bool = False, **named: Any) -> Any:
        given = inspect.signature(self.task.fn).bind(*inputs, **named)
        given.apply_defaults()
        assert self.task.cache_policy is not None
        key = self.task.cache_policy.compute_key(SimpleNamespace(task=self.task), given.arguments, {})  # type: ignore[arg-type]
        assert key is not None
        is_hit = key in INDEX and not self.is_refreshed
        if not is_hit:
            INDEX[key] = json.dumps(self.task.fn(*inputs, **named))
        record = json.loads(INDEX[key])
        state = SimpleNamespace(name="Cached" if is_hit else "Completed", result=lambda: record)
        return state if return_state else record


@contextmanager
def without_a_server() -> Iterator[None]:
    """Let `take_in` and `make_ready` run outside a flow."""
    cached = {"ingest": [ingest_images], "prepare": [cut_patches_of_new_images, freeze_dataset, assign_all_folds]}
    with pytest.MonkeyPatch.context() as patch:
        for flow, tasks in cached.items():
            for task in tasks:
                patch.setattr(f"flows.{flow}.{task.fn.__name__}", Remembered(task))
        patch.setattr("flows.ingest.find_source", find_source.fn)
        patch.setattr("tasks.audit.audit_splits", audit_splits.fn)
        yield
