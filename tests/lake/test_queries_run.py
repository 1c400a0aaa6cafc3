"""Writing asks the catalog no more often than it must."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from lake import Lake
from lake import transaction as transactions


def test_tables_are_listed_only_for_a_name_that_no_migration_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two transactions with two writes each look no list up; a name that is not known, once."""
    statements: list[str] = []
    run = transactions.Transaction._run

    def noted(self: transactions.Transaction, sql: str, *rest: object) -> duckdb.DuckDBPyConnection:
        statements.append(sql)
        return run(self, sql, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(transactions.Transaction, "_run", noted)
    row = pl.DataFrame({"key": ["k"], "value": ["v"]})
    with Lake.open(tmp_path / "lake") as lake:
        for _ in range(2):
            with lake.write("test") as transaction:
                transaction.replace("meta", row, ["key"])
                transaction.replace("meta", row, ["key"])
        assert sum("duckdb_tables" in sql for sql in statements) == 0
        with pytest.raises(transactions.TableUnknown, match="meta"), lake.write("test") as transaction:
            transaction.replace("nowhere", row, ["key"])
        assert sum("duckdb_tables" in sql for sql in statements) == 1
