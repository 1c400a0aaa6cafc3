"""docs/reliability.md: every promise names a test that exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from verdicts import read_verdicts

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
PROMISES = [line for line in DOCUMENT.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`( \(long\))?")


@cache
def functions_of(path: str) -> dict[str, bool]:
    """Return the tests of a file, and whether each is left to `make test-long`."""
    body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    is_long = any(ast.unparse(node) == "pytestmark = pytest.mark.long" for node in body)
    functions = [node for node in body if isinstance(node, ast.FunctionDef)]
    marks = {one.name: {ast.unparse(mark) for mark in one.decorator_list} for one in functions}
    return {name: is_long or "pytest.mark.long" in of_test for name, of_test in marks.items()}


@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise_names_tests_that_exist(promise: str) -> None:
    """By file and name, and whether only the long run has them."""
    named = NAMED.findall(promise)
    assert named
    for path, name, long in named:
        assert functions_of(path)[name] == bool(long), f"{path}::{name}"


def test_the_number_of_bad_inputs_is_that_of_the_table() -> None:
    """The document counts as the table does."""
    assert f"each of {len(read_verdicts())} bad inputs" in DOCUMENT
