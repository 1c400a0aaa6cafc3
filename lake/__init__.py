"""Storage: a DuckLake of tables, shards of patches and checkpoints.

>>> from lake import Lake
>>> Lake.open("results").query("SELECT * FROM fold_summary")  # doctest: +SKIP

The tables can be read with any DuckDB client, while a night is writing. In the stock ``duckdb``
command line two statements do (with a network, DuckDB fetches its ``ducklake`` extension by itself)::

    ATTACH 'ducklake:sqlite:results/catalog.sqlite' AS lake (READ_ONLY);
    USE lake;

Where there is no network, `attach_statements` gives the same lines with the extensions of this very
environment loaded first, ready to paste.

This module imports nothing heavy: DuckDB comes with the first lake, polars with the first frame.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lake.connection import attach_statements
    from lake.errors import LakeError
    from lake.maintenance import maintain
    from lake.store import Lake
    from lake.transaction import Transaction

__all__ = ["Lake", "LakeError", "Transaction", "attach_statements", "maintain"]

_HOMES = {
    "Lake": "lake.store",
    "LakeError": "lake.errors",
    "Transaction": "lake.transaction",
    "attach_statements": "lake.connection",
    "maintain": "lake.maintenance",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use."""
    if name not in _HOMES:
        msg = f"module 'lake' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_HOMES[name]), name)
