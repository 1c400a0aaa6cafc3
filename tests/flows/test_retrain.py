"""The order of a night, read from its flow."""

import ast
from inspect import getsource
from textwrap import dedent

from prefect import Task

from flows import retrain as flow


def test_what_shows_a_night_cannot_fail_it() -> None:
    """Once its row stands, each task's failure is its own, so that the night still says which trainings are missing."""
    (body,) = ast.parse(dedent(getsource(flow.retrain.fn))).body
    assert isinstance(body, ast.FunctionDef)
    calls = [node for node in ast.walk(body) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    calls.sort(key=lambda call: call.lineno)
    names = [call.func.id for call in calls if isinstance(call.func, ast.Name)]
    shown = calls[names.index("record_night") + 1 :]
    tasks = {
        call.func.id: {word.arg for word in call.keywords}
        for call in shown
        if isinstance(call.func, ast.Name) and isinstance(getattr(flow, call.func.id, None), Task)
    }
    assert {"write_page_of_night", "report_night"} <= tasks.keys()
    assert [name for name, words in tasks.items() if "return_state" not in words] == []
    assert names.index("refuse_gaps") > names.index("report_night")
