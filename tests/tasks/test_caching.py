"""Cache keys: they change with what a result depends on, and with nothing else."""

import ast
import json
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prefect import task

from deepdlt.night import TRAINING_MODULES
from deepdlt.provenance import NUMERIC_LIBRARIES, library_versions, modules_behind
from lake import Lake
from tasks import dependence
from tasks.caching import ContentKey, step_of
from tasks.ingest import INGEST_LIBRARIES, INGEST_MODULES
from tasks.lake_access import open_lake
from tasks.pictures import DRAWING_LIBRARIES, DRAWING_MODULES
from tasks.prepare import FOLD_MODULES
from tasks.prepared import CUT_LIBRARIES, CUT_MODULES, FOLD_LIBRARIES, FREEZE_LIBRARIES, FREEZE_MODULES
from tasks.questions import LIBRARIES, MODULES

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@task(name="one")
def one() -> None:
    """Do nothing."""


@task(name="other")
def other() -> None:
    """Do nothing either."""


def spelt(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def key(work: Any = one, modules: tuple[str, ...] = ("deepdlt.digest",), **inputs: Any) -> str:
    return ContentKey(modules=modules).compute_key(SimpleNamespace(task=work), inputs, {})  # type: ignore[arg-type]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=json_values)
def test_equal_inputs_have_equal_keys(lake: Lake, value: Any) -> None:
    """The same call gives the same key, whatever the order of its arguments."""
    assert key(a=value, b=1) == key(b=1, a=value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=json_values, changed=json_values)
def test_other_inputs_have_other_keys(lake: Lake, value: Any, changed: Any) -> None:
    """A key differs exactly when an input does."""
    assert (key(a=value) == key(a=changed)) == (spelt(value) == spelt(changed))


def test_two_tasks_with_equal_inputs_share_nothing(lake: Lake) -> None:
    """The key holds the task."""
    assert key(one, a=1) != key(other, a=1)


def test_other_code_is_another_key(lake: Lake) -> None:
    """The key holds the digest of the modules that run."""
    assert key(a=1) != key(modules=("deepdlt.digest", "deepdlt.dataset.patches"), a=1)


def test_a_changed_module_of_tasks_is_another_key(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does a task's work in another file than the task's counts, as its code and not as its name."""
    policy = ContentKey(work=("tasks.cutting",))
    before = policy.compute_key(SimpleNamespace(task=one), {}, {})  # type: ignore[arg-type]
    assert before == policy.compute_key(SimpleNamespace(task=one), {}, {})  # type: ignore[arg-type]
    monkeypatch.setattr(dependence, "source_digest", lambda path: f"another {path.name}")
    assert before != policy.compute_key(SimpleNamespace(task=one), {}, {})  # type: ignore[arg-type]
    monkeypatch.undo()
    with pytest.raises(FileNotFoundError):
        dependence.work_digests("tasks.nowhere")


def test_another_lake_is_another_key(lake: Lake, tmp_path_factory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in one lake does not stand in another."""
    before = key(a=1)
    monkeypatch.setenv("DEEPDLT_LAKE", str(tmp_path_factory.mktemp("lake")))
    assert open_lake().lake_id != lake.lake_id
    assert key(a=1) != before


def test_an_input_that_is_no_record_is_an_error_and_never_a_key(lake: Lake) -> None:
    """Arrays and objects do not pass between tasks."""
    with pytest.raises(TypeError):
        key(a=object())


def test_the_ledger_notes_what_stands_in_the_key(lake: Lake) -> None:
    """Records are taken apart; what is kept apart is in neither."""

    @task(cache_policy=ContentKey(apart=("source", "record when")))
    def work(source: str, record: dict[str, int], n: int = 2) -> None:
        """Do nothing."""

    inputs = step_of(work, "here", {"what": 1, "when": 7}, is_hit=False)["inputs"]
    assert {name: value for name, value in inputs.items() if not name.startswith("code of")} == {
        "record what": 1,
        "n": 2,
        **library_versions(()),
    }


STEPS = {
    "ingest images": (INGEST_MODULES, INGEST_LIBRARIES),
    "cut patches": (CUT_MODULES, CUT_LIBRARIES),
    "freeze data set": (FREEZE_MODULES, FREEZE_LIBRARIES),
    "assign folds": (FOLD_MODULES, FOLD_LIBRARIES),
    "draw pictures": (DRAWING_MODULES, DRAWING_LIBRARIES),
    "train": (TRAINING_MODULES, NUMERIC_LIBRARIES),
    **{question: (MODULES[question], LIBRARIES[question]) for question in MODULES},
}
DISTRIBUTIONS = {"PIL": "pillow", "sklearn": "scikit-learn", "umap": "umap-learn"}
SHAPE_NOTHING = {"pydantic"}
BESIDE = {"cut patches": {"fastexcel"}, "train": {"polars", "safetensors", "threadpoolctl"}}
"""What a step's modules can do beside what the step does: read sheets; hold and keep numbers, lend cores."""


@pytest.mark.parametrize("step", STEPS)
def test_the_libraries_of_a_step_are_those_that_its_modules_import(step: str) -> None:
    """None is forgotten, none is there for nothing; what only declares settings shapes no result."""
    modules, libraries = STEPS[step]
    imported = {
        name
        for path in modules_behind(*modules).values()
        for node in ast.walk(ast.parse(path.read_bytes()))
        for name in _imported(node)
    }
    third = imported - sys.stdlib_module_names - {"deepdlt"} - SHAPE_NOTHING - BESIDE.get(step, set())
    assert sorted(DISTRIBUTIONS.get(name, name) for name in third) == sorted(libraries)


def _imported(node: ast.AST) -> list[str]:
    """Return the top-level names that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    return [node.module.split(".")[0]] if isinstance(node, ast.ImportFrom) and node.module else []
