"""What a child process is told of its parent's lake."""

from dataclasses import replace
from pathlib import Path

import pytest

from lake import Lake
from lake.location import locate
from tasks.lake_access import environment_with


@pytest.mark.parametrize("database", [None, "postgres://lab@db.lab/lake"], ids=["a file", "Postgres"])
def test_a_child_is_told_where_the_catalog_is(tmp_path: Path, database: str | None) -> None:
    """Not the folder alone: beside a catalog in Postgres, that would make a second lake."""
    with Lake.open(tmp_path / "lake") as lake:
        place = replace(lake.location, database=database)
        lake.location = place
        assert locate(environment_with(lake)["DEEPDLT_LAKE"]) == place
