"""The doctor's look at a lake's bucket."""

from pathlib import Path

import pytest
from stores import SECRET, running_store

from deployments.doctor import bucket_check
from lake.location import Location


def test_the_doctor_writes_reads_and_removes_an_object_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it can, all is well and nothing is left; else it says what the store answered, and never the key."""
    with running_store() as store:
        for name, value in store.variables.items():
            monkeypatch.setenv(name, value)
        check = bucket_check(Location(tmp_path, "postgres://db/lake", "s3://lab/results"))
        assert (check.level, check.name) == ("ok", "bucket")
        assert f"s3://lab/results is read and written; copies of its files are in {tmp_path}" in check.text
        assert store.keys("s3://lab/results") == {}
        missing = bucket_check(Location(tmp_path, "postgres://db/lake", "s3://nowhere/results"))
        assert missing.level == "fail"
        assert f"s3://nowhere/results at {store.endpoint} cannot be reached: PutObject was refused" in missing.text
        assert SECRET not in missing.text
        assert "many-machines" in missing.remedy
