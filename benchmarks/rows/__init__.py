"""The rows of the table, in its order."""

from importlib import import_module

from benchmarks.row import Row

MODULES = (
    "prepare",
    "export",
    "training",
    "folds",
    "together",
    "load",
    "night",
    "few_new",
    "query",
    "evaluation",
    "scale",
    "streaming",
    "start",
)


def all_rows() -> list[Row]:
    """Return every row, in the order of the table."""
    return [row for name in MODULES for row in import_module(f"benchmarks.rows.{name}").ROWS]
