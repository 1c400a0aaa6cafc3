"""Lakes to test on. Opening one costs half a second, so most tests share one that is emptied between them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from lake import Lake


@pytest.fixture(scope="session")
def shared_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """One lake for the session."""
    with Lake.open(tmp_path_factory.mktemp("shared") / "lake") as opened:
        yield opened


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an empty lake, made once and copied."""
    root = tmp_path_factory.mktemp("template") / "lake"
    Lake.open(root).close()
    return root


@pytest.fixture
def lake(shared_lake: Lake) -> Iterator[Lake]:
    """An empty lake whose tables, folder and catalog the test leaves in place."""
    before = shared_lake.snapshot_id()
    yield shared_lake
    if shared_lake.snapshot_id() == before:
        return
    kept = ("migrations", "meta", "published")  # what migrations write
    tables = shared_lake.tables().filter(pl.col("kind") == "table", pl.col("rows") > 0)["name"].to_list()
    with shared_lake.write("empty the tables") as transaction:
        for table in set(tables) - set(kept):
            transaction.execute(f"TRUNCATE {table}")


@pytest.fixture
def own_lake(template: Path, tmp_path: Path) -> Iterator[Lake]:
    """An empty lake to move, damage or change the schema of."""
    root = tmp_path / "lake"
    shutil.copytree(template, root)
    with Lake.open(root) as opened:
        yield opened


@pytest.fixture
def night_runs() -> pl.DataFrame:
    """Three rows for the smallest table."""
    return pl.DataFrame({"night_id": ["a", "a", "b"], "run_id": ["1", "2", "1"], "is_reused": [False, True, True]})
