"""How soon the command line answers."""

import subprocess
import sys
from typing import Any

from benchmarks.child import Clock
from benchmarks.row import Row, said_always, within
from benchmarks.sources import Stage

HEAVY = ("torch", "prefect", "polars", "pyarrow", "matplotlib", "skimage", "sklearn", "pandas")
"""What an answer of the command line has no need of."""


def parameters(stage: Stage) -> dict[str, Any]:
    """Return the lake that is asked."""
    return {"lake": str(stage.lake())}


def help_text(clock: Clock, lake: str) -> None:
    """Ask for help."""
    _run(clock, lake, "--help")


def query(clock: Clock, lake: str) -> None:
    """Ask the lake a question."""
    _run(clock, lake, "sql", "FROM fold_summary")


def _run(clock: Clock, lake: str, *arguments: str) -> None:
    """Run the command line to its end, and once more to see what it imports."""
    import os

    env = os.environ | {"DEEPDLT_LAKE": lake}
    command = [sys.executable, "-m", "deployments.cli", *arguments]
    with clock.running():
        subprocess.run(command, env=env, capture_output=True, check=True)
    code = (
        "import sys, atexit; from deployments.cli import app;"
        f"atexit.register(lambda: print('HEAVY', *({set(HEAVY)!r} & set(sys.modules))));"
        f"sys.argv = ['deepdlt', *{list(arguments)!r}]; app()"
    )
    said = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    heavy = said.rpartition("HEAVY")[2].split()
    clock.say(heavy=heavy, is_light=not heavy)


ROWS = (
    Row(
        name="start-help",
        work="cold start: `deepdlt --help`",
        ours="benchmarks.rows.start:help_text",
        parameters=parameters,
        judges=(within(0.3), said_always("is_light", goal="nothing heavy imported")),
        works_elsewhere=True,
    ),
    Row(
        name="start-sql",
        work="cold start: `deepdlt sql`",
        ours="benchmarks.rows.start:query",
        parameters=parameters,
        judges=(within(0.8), said_always("is_light", goal="nothing heavy imported")),
        works_elsewhere=True,
    ),
)
