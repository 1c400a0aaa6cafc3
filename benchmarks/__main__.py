"""``python -m benchmarks``: run rows, print the table, keep the results; ``python -m benchmarks document``."""

import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.machine import describe_machine
from benchmarks.pairs import Pairs, SideFailed, run_pairs, run_side
from benchmarks.peaks import Peaks
from benchmarks.results import write_result
from benchmarks.row import BASELINE, Row
from benchmarks.rows import all_rows
from benchmarks.sources import Stage
from benchmarks.table import lines_of, render

ROOT = Path(__file__).parents[1]
os.environ.setdefault("DEEPDLT_STILL_S", "0")  # sources of a benchmark are whole: none is waited for
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else every process compiles anew what it imports

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def run(
    rows: Annotated[list[str] | None, typer.Argument(help="Rows to run; all unless told.")] = None,
    source: Annotated[Path | None, typer.Option(help="Folder with images and one label sheet.")] = None,
    pairs: Annotated[int | None, typer.Option(help="Pairs a row; 5 for less than a minute, else 3.", min=1)] = None,
    work: Annotated[Path, typer.Option(help="Folder for what is made on the way.")] = ROOT / "build" / "benchmarks",
    gpu: Annotated[bool, typer.Option(help="The rows for a CUDA device, instead of the others.")] = False,
) -> None:
    """Run both sides of each row in turn, print the table, keep results as JSON."""
    chosen = choose(rows or [], is_for_gpu=gpu)
    settle(work)
    stage = Stage(work.resolve(), source)
    peaks = Peaks(stage.source)
    has_failed = False
    lines: list[tuple[str, ...]] = []
    for row in chosen:
        typer.echo(f"{row.name}: {row.work} ...", err=True)
        try:
            lines += lines_of(measure(row, stage, peaks, pairs))
        except SideFailed as error:
            has_failed = True
            typer.echo(str(error), err=True)
    typer.echo(render(lines))
    raise typer.Exit(1 if has_failed else 0)


@app.command()
def document() -> None:
    """Write docs/performance.md from the results that are kept."""
    from benchmarks.document import write_document

    typer.echo(write_document(ROOT / "docs" / "performance.md"))


@app.command()
def rows() -> None:
    """List the rows."""
    for row in all_rows():
        typer.echo(f"{row.name:<14} {row.work}")


def choose(names: list[str], *, is_for_gpu: bool) -> list[Row]:
    """Return the rows of these names; all of a kind where none is named."""
    there = {row.name: row for row in all_rows()}
    unknown = [name for name in names if name not in there]
    if unknown:
        raise typer.BadParameter(f"no row is called {', '.join(unknown)}; there are {', '.join(there)}")
    return [there[name] for name in names] or [row for row in there.values() if row.is_for_gpu == is_for_gpu]


def settle(work: Path) -> None:
    """Let everything that Prefect or a lake writes lie in the work folder."""
    (work / "prefect").mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "PREFECT_HOME": str(work.resolve() / "prefect"),
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }


def measure(row: Row, stage: Stage, peaks: Peaks, n_pairs: int | None) -> dict[str, object]:
    """Run one row, judge it, and keep what it found."""
    parameters = row.parameters(stage)
    machine = describe_machine()
    try:
        checked = run_side(row.check, parameters, has_packages=True) if row.check else None
        is_baseline = row.other_name == BASELINE
        other = partial(run_side, row.other, parameters, has_packages=is_baseline) if row.other else None
        pairs = run_pairs(partial(run_side, row.ours, parameters), other, n_pairs=n_pairs or row.n_pairs)
    finally:
        if row.finish:
            row.finish(parameters)
    if checked is not None:
        first = replace(pairs.ours[0], said=pairs.ours[0].said | {"check": checked.said})
        pairs = Pairs((first, *pairs.ours[1:]), pairs.other)
    findings = [judge(pairs) for judge in row.judges]
    limit = row.limit(pairs, peaks, parameters) if row.limit else None
    return write_result(row, pairs, findings, limit, machine=machine, source=row.data or stage.what)


if __name__ == "__main__":
    sys.exit(app())
