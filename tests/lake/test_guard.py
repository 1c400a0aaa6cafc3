"""The read-only door for SQL that people type."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from lake import Lake
from lake.connection import connect
from lake.errors import StatementFailed, StatementRefused

READS = [
    "SELECT 1",
    "FROM images",
    "TABLE images",
    "VALUES (1), (2)",
    "DESCRIBE images",
    "SUMMARIZE images",
    "SHOW TABLES",
    "-- why\nSELECT count(*) FROM lake.main.images -- so",
    "WITH a AS (FROM images), b AS (FROM a) SELECT * FROM b, range(3) AS r(i)",
    "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT * FROM t",
    "PIVOT (FROM images) ON file_format IN ('PNG', 'BMP') USING count(*)",
    "FROM ducklake_snapshots('lake')",
    "FROM lake.snapshots()",
    "FROM images AT (VERSION => 3)",
    "SELECT * FROM information_schema.tables",
    "FROM duckdb_tables()",
    "SELECT list_transform([1, 2], lambda x: x + 1), '$1'",
]

REFUSED = {
    "INSERT INTO meta VALUES ('a', 'b')": "INSERT",
    "UPDATE meta SET value = ''": "UPDATE",
    "DELETE FROM meta": "DELETE",
    "DROP TABLE meta": "DROP",
    "CREATE TABLE t AS SELECT 1": "CREATE",
    "CREATE TEMP TABLE t AS SELECT 1": "CREATE",
    "ALTER TABLE meta ADD COLUMN x INTEGER": "ALTER",
    "COPY meta TO '{out}'": "COPY",
    "COPY (SELECT 1) TO '{tables}/x.parquet'": "COPY",
    "EXPORT DATABASE '{out}'": "EXPORT",
    "ATTACH '{out}' AS other": "ATTACH",
    "DETACH lake": "DETACH",
    "USE memory": "SET",
    "INSTALL httpfs": "LOAD",
    "LOAD sqlite_scanner": "LOAD",
    "SET threads = 1": "SET",
    "PRAGMA database_list": "PRAGMA",
    "PRAGMA table_info('meta')": "PRAGMA",
    "CALL ducklake_expire_snapshots('lake', older_than => now())": "CALL",
    "CALL sqlite_attach('{catalog}')": "CALL",
    "BEGIN": "TRANSACTION",
    "EXPLAIN ANALYZE DELETE FROM meta": "EXPLAIN",
    "PREPARE p AS DELETE FROM meta": "PREPARE",
    "SELECT 1; SELECT 2": "2 statements",
    "SELECT 1; DROP TABLE meta": "2 statements",
    "": "no statement",
    " -- nothing": "no statement",
    "FROM read_csv('{secret}')": "read_csv",
    "FROM read_text('{secret}')": "read_text",
    "FROM read_blob('{catalog}')": "read_blob",
    "FROM read_text('{tables}/../catalog.sqlite')": "read_text",
    "FROM glob('/*')": "glob",
    "FROM '{secret}'": "secret",
    "FROM sqlite_scan('{catalog}', 'ducklake_snapshot')": "sqlite_scan",
    "FROM sqlite_query('lake', 'SELECT 1')": "sqlite_query",
    "FROM query('DROP TABLE meta')": "query",
    "FROM query_table('meta')": "query_table",
    "FROM duckdb_secrets()": "duckdb_secrets",
    "FROM duckdb_settings": "duckdb_settings",
    "FROM pragma_database_list()": "pragma_database_list",
    "FROM __ducklake_metadata_lake.ducklake_snapshot": "ducklake_snapshot",
    "DESCRIBE FROM read_csv('{secret}')": "read_csv",
    "SELECT (SELECT max(content) FROM read_text('{secret}'))": "read_text",
    "WITH t AS MATERIALIZED (FROM read_text('{secret}')) FROM t": "read_text",
    "SELECT 1 WHERE EXISTS (FROM read_text('{secret}'))": "read_text",
    "SELECT 1 UNION ALL SELECT content FROM read_text('{secret}')": "read_text",
    "FROM images ORDER BY (SELECT content FROM read_text('{secret}'))": "read_text",
    "SELECT * FROM ducklake_add_data_files('lake', 'meta', '{secret}')": "ducklake_add_data_files",
    "FROM ducklake_delete_orphaned_files('lake', cleanup_all => true)": "ducklake_delete_orphaned_files",
}


@pytest.mark.parametrize("sql", READS)
def test_statements_that_read_the_lake_run(lake: Lake, sql: str) -> None:
    """Every form of reading is open."""
    assert lake.query(sql).width >= 1


@pytest.mark.parametrize("sql", REFUSED)
def test_statements_that_do_more_are_refused_by_name(lake: Lake, tmp_path: Path, sql: str) -> None:
    """The message names what was refused; nothing was written, read or left anywhere."""
    secret = tmp_path / "secret.csv"
    secret.write_text("canary\n")
    out = tmp_path / "out"
    filled = sql.format(secret=secret, out=out, tables=lake.location.tables, catalog=lake.location.catalog)
    before = lake.snapshot_id()
    with pytest.raises(StatementRefused) as caught:
        lake.query(filled)
    assert REFUSED[sql] in str(caught.value)
    assert "canary" not in str(caught.value)
    assert lake.snapshot_id() == before
    assert not out.exists()
    assert not (lake.location.tables / "x.parquet").exists()


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO meta VALUES ('a', 'b')",
        "FROM read_csv('{secret}')",
        "FROM '{secret}'",
        "COPY meta TO '{out}'",
        "ATTACH '{out}' AS other",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "RESET lock_configuration",
    ],
)
def test_the_connection_holds_even_where_the_check_is_passed_by(lake: Lake, tmp_path: Path, sql: str) -> None:
    """DuckDB itself refuses to write, to leave the tables' folder and to change settings."""
    secret = tmp_path / "secret.csv"
    secret.write_text("canary\n")
    with connect(lake.location, "guarded") as connection, pytest.raises(duckdb.Error):
        connection.execute(sql.format(secret=secret, out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_variables_of_the_program_are_not_tables(lake: Lake) -> None:
    """A frame that happens to be in scope is not reached by its name."""
    images2 = pl.DataFrame({"canary": [1]})
    with pytest.raises(StatementFailed, match="images2"):
        lake.query("FROM images2")
    assert images2.height == 1


def test_values_are_bound(lake: Lake) -> None:
    """Values are values, whatever they look like, by place or by name."""
    nasty = "'; DROP TABLE meta; --"
    assert lake.query("SELECT ? AS x", [nasty]).item() == nasty
    assert lake.query("SELECT $x AS x", {"x": nasty}).item() == nasty


def test_a_mistake_is_explained_in_duckdb_s_words(lake: Lake) -> None:
    """Syntax errors and unknown tables come with DuckDB's own hint."""
    with pytest.raises(StatementFailed, match="syntax error"):
        lake.query("SELEC 1")
    with pytest.raises(StatementFailed, match='Did you mean "images"'):
        lake.query("FROM imagez")
