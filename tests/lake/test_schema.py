"""Migrations once each, views as their files say, what there is to read."""

import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import polars as pl
import pytest

from lake import Lake, schema, statements
from lake.connection import connect
from lake.errors import LakeTooOld
from lake.location import Location
from lake.schema import SqlFile
from lake.tables import purposes

REVISIONS = {
    1: "0c87d1f1b93d5a0ec3662889d7d1edb0",
    2: "1123ab0f4c13d0887d7f92044bb1315a",
    3: "429d710a51d91b2943ad836bcb43a330",
    4: "9996788fb2b0ded16629876a0ece580d",
}
"""Digest of the views of each revision; those that were are not changed."""


@pytest.fixture
def more_migrations(monkeypatch: pytest.MonkeyPatch) -> list[SqlFile]:
    """Migrations after those that there are; what a test appends is known from then on."""
    known = list(schema.migrations())
    monkeypatch.setattr(schema, "migrations", lambda: tuple(known))
    monkeypatch.setattr(schema, "wanted_views_digest", lambda: str([each.name for each in known]))
    return known


def test_migrations_are_numbered_without_gaps() -> None:
    """0000 makes the books; each file has the next number and a purpose."""
    files = schema.migrations()
    assert [each.version for each in files] == list(range(len(files)))
    assert all(each.header.startswith("Purpose:") for each in files)


def test_a_new_migration_is_applied_once(own_lake: Lake, more_migrations: list[SqlFile]) -> None:
    """An existing lake gets it at the next opening, with a record; the opening after does nothing."""
    version = more_migrations[-1].version + 1
    name = f"{version:04}_more"
    more_migrations.append(SqlFile(name, "", "CREATE TABLE more (x INTEGER); INSERT INTO more VALUES (1);"))
    for _ in range(2):
        with Lake.open(own_lake.root) as lake:
            assert lake.query("FROM more").rows() == [(1,)]
            snapshot = lake.snapshot_id()
            last = lake.query("SELECT version, name FROM migrations ORDER BY version DESC LIMIT 1").rows()
    assert last == [(version, name)]
    assert own_lake.snapshot_id() == snapshot


def test_a_migration_that_fails_leaves_nothing(own_lake: Lake, more_migrations: list[SqlFile]) -> None:
    """Table and record are one transaction; corrected, it is applied."""
    version = more_migrations[-1].version + 1
    more_migrations.append(SqlFile(f"{version:04}_bad", "", "CREATE TABLE more (x INTEGER); SELECT * FROM nowhere;"))
    with pytest.raises(duckdb.CatalogException, match="nowhere"):
        Lake.open(own_lake.root)
    assert "more" not in own_lake.tables()["name"]
    assert own_lake.query("SELECT max(version) FROM migrations").item() == version - 1
    more_migrations[-1] = SqlFile(f"{version:04}_good", "", "CREATE TABLE more (x INTEGER);")
    with Lake.open(own_lake.root) as lake:
        assert "more" in lake.tables()["name"]


def test_a_lake_of_older_code_stays_as_it_is_where_it_must_not_be_migrated(
    own_lake: Lake, more_migrations: list[SqlFile]
) -> None:
    """It is refused with the remedy, and not a snapshot is added."""
    version, before = more_migrations[-1].version + 1, own_lake.snapshot_id()
    more_migrations.append(SqlFile(f"{version:04}_more", "", "CREATE TABLE more (x INTEGER);"))
    with pytest.raises(LakeTooOld, match="without --dry-run"):
        Lake.open(own_lake.root, migrates=False)
    assert own_lake.snapshot_id() == before


def test_views_follow_their_files(own_lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed text replaces the view, a file that is gone drops it, a new one adds one; rows stay."""
    kept = [each for each in schema.views() if each.name not in {"manifest", "history"}]
    history = SqlFile("history", "", "CREATE OR REPLACE VIEW history AS SELECT 42 AS answer;")
    added = SqlFile("added", "", "CREATE OR REPLACE VIEW added AS SELECT * FROM history;")
    monkeypatch.setattr(schema, "views", lambda: (*kept, history, added))
    monkeypatch.setattr(schema, "wanted_views_digest", lambda: "another")
    with Lake.open(own_lake.root) as lake:
        assert lake.query("FROM history").rows() == [(42,)]
        assert lake.query("FROM added").rows() == [(42,)]
        assert "manifest" not in lake.tables()["name"]


def test_views_of_later_code_are_left_as_they_are(own_lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code of before, with the same tables, opens the lake to write and puts no text of its own back."""
    later = (*schema.views(), SqlFile("added", "", "CREATE OR REPLACE VIEW added AS SELECT 42 AS answer;"))
    with monkeypatch.context() as patch:
        patch.setattr(schema, "views", lambda: later)
        patch.setattr(schema, "wanted_views_digest", lambda: "of later code")
        patch.setattr(schema, "VIEWS_REVISION", schema.VIEWS_REVISION + 1)
        Lake.open(own_lake.root).close()
    before = own_lake.snapshot_id()
    with Lake.open(own_lake.root) as lake:
        assert lake.snapshot_id() == before
        assert lake.query("FROM added").rows() == [(42,)]


def test_a_change_of_the_views_has_a_revision_of_its_own() -> None:
    """Where this fails, views have changed: raise `schema.VIEWS_REVISION`, and add a line to `REVISIONS`."""
    assert list(REVISIONS) == list(range(1, schema.VIEWS_REVISION + 1))
    assert REVISIONS[schema.VIEWS_REVISION] == schema.wanted_views_digest()


def test_a_view_is_made_after_those_it_reads() -> None:
    """Alphabetical order would make fold_summary before latest_night."""
    names = [each.name for each in schema.views()]
    assert names.index("latest_night") < names.index("fold_summary")
    assert names.index("latest_night") < names.index("label_summary")


def test_the_digest_of_the_views_follows_text_and_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment alone does not remake them; a statement or a migration does."""
    views = schema.views()

    def digest() -> str:
        return schema.wanted_views_digest.__wrapped__()

    first = digest()
    monkeypatch.setattr(schema, "views", lambda: tuple(SqlFile(v.name, "other", v.text) for v in views))
    assert digest() == first
    monkeypatch.setattr(schema, "views", lambda: tuple(SqlFile(v.name, v.header, v.text + " ") for v in views))
    assert digest() != first
    monkeypatch.setattr(schema, "views", lambda: views)
    monkeypatch.setattr(schema, "wanted_version", lambda: 9999)
    assert digest() != first


def test_every_statement_has_a_header_and_runs_alone() -> None:
    """Queries and views say purpose and grain; each file is one statement."""
    folder = Path(schema.__file__).parent
    files = sorted([*folder.glob("queries/*.sql"), *folder.glob("views/*.sql")])
    assert len(files) > 10
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert text.startswith("-- Purpose: "), path
        assert "\n-- Grain: " in text or path.stem.startswith("mark_"), path
        assert len(duckdb.extract_statements(text)) == 1, path
        if path.parent.name == "queries":
            assert statements.load(path.stem) == text


def test_every_view_is_named_after_its_file() -> None:
    """So that the file can be found, and the purpose too."""
    for view in schema.views():
        assert view.text.startswith(f"CREATE OR REPLACE VIEW {view.name} AS\n")


def test_an_unknown_statement_lists_those_that_there_are() -> None:
    """A typing mistake is answered with the names."""
    with pytest.raises(KeyError, match="schema_version"):
        statements.load("../migrations/0001_tables")


def test_tables_and_views_are_described(lake: Lake) -> None:
    """Every table and view has a purpose from its file, its kind and its number of rows."""
    found = lake.tables()
    assert found.columns == ["name", "kind", "rows", "purpose"]
    assert set(found["name"]) == set(purposes())
    assert (found["purpose"].str.len_chars() > 10).all()
    described = {name: (kind, rows) for name, kind, rows, _ in found.rows()}
    assert described["images"] == ("table", 0)
    assert described["fold_summary"] == ("view", 0)
    assert described["migrations"] == ("table", len(schema.migrations()))
    assert purposes()["latest_night"] == "the newest night."


def test_a_catalog_without_tables_is_made_whole(tmp_path: Path) -> None:
    """A process killed before the first migration leaves an empty catalog; the next opening finishes it."""
    place = Location(tmp_path)
    place.make_folders()
    connect(place, "write").close()
    with Lake.open(tmp_path) as lake:
        assert lake.query("FROM images").is_empty()


def test_a_new_lake_has_statistics_of_tables_that_stay_empty(tmp_path: Path) -> None:
    """DuckLake would ask for them column by column at every look; the rows that they come from are gone."""
    names = {"rejected", "warnings", "forgotten", "leftovers", "champions", "drift", "exports"}
    with Lake.open(tmp_path / "lake") as lake:
        rows = lake.tables().filter(pl.col("name").is_in(names))
        assert dict(rows.select("name", "rows").iter_rows()) == dict.fromkeys(names, 0)
        with closing(sqlite3.connect(f"{lake.location.catalog.as_uri()}?mode=ro", uri=True)) as catalog:
            asked = "SELECT table_name FROM ducklake_table JOIN ducklake_table_stats USING (table_id)"
            assert names <= {name for (name,) in catalog.execute(asked)}


def test_what_needs_a_commit_before_it_has_one(tmp_path: Path) -> None:
    """A lake is made in as few transactions as that takes, and one for the views; each step has its record."""
    with Lake.open(tmp_path / "lake") as lake:
        moments = lake.query("SELECT DISTINCT applied_at FROM migrations")
        assert moments.height == len(schema.AFTER_A_COMMIT) + 1
        assert lake.query("SELECT version FROM migrations ORDER BY version")["version"].to_list() == [
            each.version for each in schema.migrations()
        ]
        assert lake.snapshot_id() == moments.height + 1
