"""Upkeep of a lake whose files are in an S3 bucket: what no row refers to goes, and nothing else."""

import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from stores import Store

from lake import Lake
from lake.maintenance import maintain
from lake.shards import write_shards

PIXELS = np.arange(4 * 64, dtype=np.uint8).reshape(4, 8, 8)
ROWS = pl.DataFrame({"run_id": ["1"], "is_reused": [True]})
PUBLISH = """
import sys, time
import numpy as np
from lake import Lake
from lake.shards import write_shards
lake = Lake.open(sys.argv[1])
places = write_shards(lake.files, np.full((1, 4, 4), 7, np.uint8), ["p"])
print(places["shard"][0], flush=True)
time.sleep(60)
"""


@pytest.mark.long
def test_a_writer_killed_between_file_and_row_leaves_an_orphan_that_upkeep_removes(
    bucket_lake: Lake, store: Store
) -> None:
    """Not while it is young, for its row may be on the way; and never what a row refers to."""
    with subprocess.Popen(
        [sys.executable, "-c", PUBLISH, str(bucket_lake.location)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        orphan = writer.stdout.readline().strip()
        writer.kill()
    kept = write_shards(bucket_lake.files, PIXELS, list("abcd"))["shard"][0]
    row = {"patch_id": "p", "image_id": "i", "recipe_id": "r", "shard": kept}
    required = bucket_lake.query("DESCRIBE patches").filter(null="NO")
    filled = {name: 0 for name, kind in required.select("column_name", "column_type").rows() if kind != "VARCHAR"}
    with bucket_lake.write("patches") as transaction:
        transaction.replace("patches", pl.DataFrame([filled | row]), ("patch_id",))
    place = str(bucket_lake.location.bucket)
    store.client.put_object(
        Bucket="lab", Key=f"{place.removeprefix('s3://lab/')}/tables/main/patches/x.parquet", Body=b"x"
    )
    assert {orphan, kept, "tables/main/patches/x.parquet"} <= store.keys(place).keys()
    maintain(bucket_lake, grace_hours=24)
    assert {orphan, kept, "tables/main/patches/x.parquet"} <= store.keys(place).keys()
    dry = maintain(bucket_lake, grace_hours=0, dry_run=True).frame()
    assert dry.filter(step="remove shard")["what"].to_list() == [orphan]
    assert dry.filter(step="remove orphan").rows() == [("remove orphan", "tables/main/patches/x.parquet", 1)]
    maintain(bucket_lake, grace_hours=0)
    left = store.keys(place).keys()
    assert orphan not in left
    assert "tables/main/patches/x.parquet" not in left
    assert kept in left
    assert bucket_lake.query("SELECT shard FROM patches").item() == kept


@pytest.mark.long
def test_merged_tables_read_as_before_and_their_old_files_go(bucket_lake: Lake, store: Store) -> None:
    """The second upkeep removes what the first one merged."""
    for name in ("a", "b", "c"):
        with bucket_lake.write(name) as transaction:
            transaction.replace("night_runs", ROWS.with_columns(night_id=pl.lit(name)), ("night_id", "run_id"))
    before = store.keys(str(bucket_lake.location.bucket))
    for _ in range(2):
        maintain(bucket_lake, keep_days=0, grace_hours=0)
    assert len(store.keys(str(bucket_lake.location.bucket))) < len(before)
    assert bucket_lake.query("SELECT night_id FROM night_runs ORDER BY ALL")["night_id"].to_list() == ["a", "b", "c"]
