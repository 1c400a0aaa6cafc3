"""Lakes to test on. Opening one costs half a second, so most tests share one that is emptied between them.

Some are done three times: with the catalog in SQLite, and, where all tests are done, in Postgres, with the files in a
folder and in a bucket.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from postgres import Postgres, find_programs, running_postgres
from stores import Store, running_store

from lake import Lake

CATALOGS = ["sqlite", *(pytest.param(name, marks=pytest.mark.long) for name in ("postgres", "bucket"))]
"""Of a lake, where they differ; fixtures of those that are not in a folder alone are in `FAR`."""
FAR = {"postgres": "far_lake", "bucket": "bucket_lake"}
FAR_TEMPLATE = "template_lake"
BUCKET_TEMPLATE = "template_bucket_lake"
TEMPLATE_FILES = "s3://lab/template"
ON_ALL = ("test_processes", "test_transaction")
"""Modules whose tests are done on all."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A Postgres for the session, with what clients know of it in the environment."""
    programs = find_programs()
    if programs is None:
        pytest.skip("there is no Postgres on this machine: install Debian's `postgresql`")
    pytest.importorskip("psycopg", reason="the extra `many` is not installed")
    with running_postgres(programs) as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.variables.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture(scope="session")
def shared_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """One lake for the session."""
    with Lake.open(tmp_path_factory.mktemp("shared") / "lake") as opened:
        yield opened


@pytest.fixture(scope="session")
def far_template(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an empty lake whose database is `FAR_TEMPLATE`, made once and copied."""
    root = tmp_path_factory.mktemp("template") / "lake"
    Lake.open(f"{postgres.make_database(FAR_TEMPLATE)}+{root}").close()
    return root


@pytest.fixture
def far_lake(postgres: Postgres, far_template: Path, tmp_path: Path) -> Iterator[Lake]:
    """An empty lake with its catalog in a Postgres database of its own."""
    root = tmp_path / "lake"
    shutil.copytree(far_template, root)
    with Lake.open(f"{postgres.make_database(f'far_{os.urandom(4).hex()}', FAR_TEMPLATE)}+{root}") as opened:
        yield opened


@pytest.fixture(scope="session")
def store() -> Iterator[Store]:
    """An S3 server for the session, with what clients know of it in the environment."""
    pytest.importorskip("moto", reason="the extra `dev` is not installed")
    with running_store() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.variables.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture(scope="session")
def bucket_template(postgres: Postgres, store: Store, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the files of an empty lake are whose database is `BUCKET_TEMPLATE`, made once and copied."""
    address = f"{postgres.make_database(BUCKET_TEMPLATE)}+{TEMPLATE_FILES}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPDLT_CACHE", str(tmp_path_factory.mktemp("template")))
        Lake.open(address).close()
    return TEMPLATE_FILES


@pytest.fixture
def bucket_lake(
    postgres: Postgres, store: Store, bucket_template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lake]:
    """An empty lake with its catalog in a database, and its files below a prefix, of its own."""
    monkeypatch.setenv("DEEPDLT_CACHE", str(tmp_path / "cache"))
    name = f"bucket_{os.urandom(4).hex()}"
    store.copy(bucket_template, f"s3://lab/{name}")
    with Lake.open(f"{postgres.make_database(name, BUCKET_TEMPLATE)}+s3://lab/{name}") as opened:
        yield opened


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an empty lake, made once and copied."""
    root = tmp_path_factory.mktemp("template") / "lake"
    Lake.open(root).close()
    return root


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have what is about writers and readers done on all kinds of lake."""
    if metafunc.module.__name__.rpartition(".")[2] in ON_ALL:
        for name in {"lake", "own_lake"} & set(metafunc.fixturenames):
            metafunc.parametrize(name, CATALOGS, indirect=True)


@pytest.fixture
def lake(request: pytest.FixtureRequest) -> Iterator[Lake]:
    """An empty lake whose tables, folder and catalog the test leaves in place."""
    if far := FAR.get(getattr(request, "param", "")):
        yield request.getfixturevalue(far)
        return
    shared: Lake = request.getfixturevalue("shared_lake")
    before = shared.snapshot_id()
    yield shared
    if shared.snapshot_id() == before:
        return
    kept = ("migrations", "meta", "published")  # what migrations write
    tables = shared.tables().filter(pl.col("kind") == "table", pl.col("rows") > 0)["name"].to_list()
    with shared.write("empty the tables") as transaction:
        for table in set(tables) - set(kept):
            transaction.execute(f"TRUNCATE {table}")


@pytest.fixture
def own_lake(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lake]:
    """An empty lake to move, damage or change the schema of."""
    if far := FAR.get(getattr(request, "param", "")):
        yield request.getfixturevalue(far)
        return
    root = tmp_path / "lake"
    shutil.copytree(request.getfixturevalue("template"), root)
    with Lake.open(root) as opened:
        yield opened


@pytest.fixture
def night_runs() -> pl.DataFrame:
    """Three rows for the smallest table."""
    return pl.DataFrame({"night_id": ["a", "a", "b"], "run_id": ["1", "2", "1"], "is_reused": [False, True, True]})
