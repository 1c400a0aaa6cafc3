"""Rows for a lake, filled up to whole rows."""

from datetime import UTC, datetime
from typing import Any

import polars as pl

from lake import Lake, Transaction

NOW = datetime(2026, 1, 2, 3, tzinfo=UTC)
TEXT = "x"


def complete(transaction: Transaction, table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Give rows the columns they leave out: a value of the column's type."""
    columns = transaction.query(f"SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = '{table}'")
    defaults = {"VARCHAR": TEXT, "JSON": "{}", "INTEGER": 1, "BIGINT": 1, "DOUBLE": 0.5, "BOOLEAN": False}
    full = {name: defaults.get(kind, NOW) for name, kind in columns.rows()}
    return pl.DataFrame([full | row for row in rows], infer_schema_length=None)


def fill(lake: Lake, **tables: list[dict[str, Any]]) -> None:
    """Put rows into tables."""
    with lake.write("fill") as transaction:
        for table, rows in tables.items():
            key = [name for name in rows[0] if all(row[name] is not None for row in rows)]
            transaction.replace(table, complete(transaction, table, rows), key)


def run_rows(run_id: str, fold: int, losses: dict[str, float], **more: Any) -> list[dict[str, Any]]:
    """Rows of fold_metrics: one per split; the train row has its loss only."""
    empty = dict.fromkeys(["mse", "psnr_db", "ssim", "psnr_paper_db", "ssim_paper", "floor_mse", "flat_mse"])
    named = {"run_id": run_id, "fold": fold, "scheme": "grouped", "label": "NP", "profile": "quick", "kl": None}
    return [
        named | {"split": split, "loss": loss} | (empty | {"is_below_flat": None} if split == "train" else {}) | more
        for split, loss in losses.items()
    ]
