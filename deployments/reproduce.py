"""The command ``deepdlt reproduce``: a training done again before one's eyes, and what came of it."""

from collections.abc import Callable

from deployments.display import bar, make_display
from deployments.tables import render_table
from lake import Lake
from tasks.messages import Event
from tasks.reproduce import Reproduction, reproduce
from tasks.stored_run import find_run

Say = Callable[[str], None]


def reproduce_run(prefix: str, say: Say) -> bool:
    """Do a run again, show its progress and what came of it, and return whether every number is equal.

    Parameters
    ----------
    prefix : str
        Beginning of its id.
    say : callable
        Takes a line.

    Raises
    ------
    RunUnknown
        If no run, or more than one, begins so.
    ReplayFailed
        If it cannot be trained here.
    """
    lake = Lake.open(is_read_only=True)
    run = find_run(lake, prefix)
    say(f"{run.plan.title}: run {run.plan.run_id}, trained {run.began:%Y-%m-%d %H:%M} on {run.where['hardware']}")
    display = make_display()

    def show(event: Event) -> None:
        if event.kind == "epoch":
            epoch, of = event.numbers["epoch"], run.plan.settings.epochs
            display.status(f"epoch {epoch} of {of}  {bar(100 * epoch / of)}  val loss {event.numbers['val_loss']:.4f}")
        elif event.kind == "log":
            display.line(event.text)

    try:
        found = reproduce(lake, run, on_event=show)
    finally:
        display.close()
    for line in words(found):
        say(line)
    return found.is_equal


def words(found: Reproduction) -> list[str]:
    """Return what came of a replay, in lines for people."""
    columns = ["table", "rows", "values", "unequal", "furthest apart", "in column", "relative", "rows of one side"]
    rows = [
        (one.table, one.n_rows, one.n_values, one.n_unequal, one.largest, one.column, one.relative, one.n_unmatched)
        for one in found.tables
    ]
    differing = [(one.what, one.then, one.here) for one in found.differences]
    lines = [render_table(columns, rows)]
    if differing:
        lines += ["", "What is not as it was then:", render_table(["what", "then", "here"], differing)]
    verdict = "Equal: every number is the same, to the last bit." if found.is_equal else "Not equal."
    if not found.is_equal and not differing:
        verdict += " Versions, code, data and machine are those of then: rows have been changed, or a result is not"
        verdict += " determined by its inputs."
    return [*lines, "", verdict]
