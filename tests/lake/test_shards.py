"""Patches in, the same patches out; damage is said."""

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lake.errors import PathEscapes, ShardCorrupt, ShardMissing
from lake.shards import ROWS_PER_GROUP, read_patches, shards_present, write_shard, write_shards


def make(n: int, size_px: int = 8, seed: int = 0) -> tuple[NDArray[np.uint8], list[str]]:
    """Random patches of shape (n, S, S) and their names."""
    pixels = np.random.default_rng(seed).integers(0, 256, (n, size_px, size_px), dtype=np.uint8)
    return pixels, [f"{seed}-{i}" for i in range(n)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    n=st.integers(0, 40),
    size_px=st.integers(1, 9),
    rows_per_shard=st.integers(1, 17),
    seed=st.integers(0, 3),
    data=st.data(),
)
def test_patches_come_back_in_the_manifest_s_order(
    tmp_path: Path, n: int, size_px: int, rows_per_shard: int, seed: int, data: st.DataObject
) -> None:
    """Any number of patches, any size, any shards, any rows in any order, some twice."""
    pixels, patch_ids = make(n, size_px, seed)
    manifest = write_shards(tmp_path, pixels, patch_ids, rows_per_shard=rows_per_shard)
    assert manifest["patch_id"].to_list() == patch_ids
    wanted = data.draw(st.lists(st.integers(0, n - 1), max_size=60)) if n else []
    found = read_patches(tmp_path, manifest[wanted], size_px=size_px)
    np.testing.assert_array_equal(found, pixels[wanted])
    assert found.dtype == np.uint8


def test_only_the_row_groups_asked_for_are_decoded(tmp_path: Path) -> None:
    """A shard of several groups is read over their borders, and damage in another group does not matter."""
    pixels, patch_ids = make(2 * ROWS_PER_GROUP + 5)
    manifest = write_shards(tmp_path, pixels, patch_ids, rows_per_shard=len(pixels))
    path = tmp_path / manifest["shard"][0]
    assert pq.ParquetFile(path).metadata.num_row_groups == 3
    wanted = [ROWS_PER_GROUP - 1, ROWS_PER_GROUP, 2 * ROWS_PER_GROUP + 4]
    np.testing.assert_array_equal(read_patches(tmp_path, manifest[wanted], size_px=8), pixels[wanted])
    content = bytearray(path.read_bytes())
    content[content.index(pixels[ROWS_PER_GROUP + 100].tobytes())] ^= 0xFF
    path.write_bytes(content)
    np.testing.assert_array_equal(read_patches(tmp_path, manifest[:1], size_px=8), pixels[:1])
    with pytest.raises(ShardCorrupt):
        read_patches(tmp_path, manifest, size_px=8)


def test_a_shard_is_named_after_its_content(tmp_path: Path) -> None:
    """Equal patches give one file with equal bytes; other pixels, names or shapes give another."""
    pixels, patch_ids = make(16)
    first = write_shard(tmp_path, pixels, patch_ids)
    content = (tmp_path / first).read_bytes()
    assert write_shard(tmp_path, np.asfortranarray(pixels), patch_ids) == first
    other = write_shard(tmp_path / "other", pixels, patch_ids)
    assert other == first
    assert (tmp_path / "other" / other).read_bytes() == content
    changed = pixels.copy()
    changed[-1, -1, -1] ^= 1
    names = {
        write_shard(tmp_path, changed, patch_ids),
        write_shard(tmp_path, pixels, patch_ids[::-1]),
        write_shard(tmp_path, pixels.reshape(4, 16, 16), patch_ids[:4]),
        first,
    }
    assert len(names) == 4
    assert len(list(tmp_path.glob("shards/*/*"))) == 4, "no temporary file is left"


def test_a_shard_says_which_patches_it_holds(tmp_path: Path) -> None:
    """Without the lake, any Parquet reader finds names and bytes."""
    pixels, patch_ids = make(3)
    table = pq.read_table(tmp_path / write_shard(tmp_path, pixels, patch_ids))
    assert table["patch_id"].to_pylist() == patch_ids
    assert table["pixels"].to_pylist() == [patch.tobytes() for patch in pixels]


def test_a_damaged_shard_is_written_again(tmp_path: Path) -> None:
    """A file cut short does not count as present, and writing heals it."""
    pixels, patch_ids = make(100)
    shard = write_shard(tmp_path, pixels, patch_ids)
    path = tmp_path / shard
    whole = path.read_bytes()
    for n_left in (0, 3, 11, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:n_left])
        assert shards_present(tmp_path, [shard]) == set()
        with pytest.raises(ShardCorrupt, match="Delete the file"):
            read_patches(tmp_path, pl.DataFrame({"shard": [shard], "shard_row": [0]}), size_px=8)
        assert write_shard(tmp_path, pixels, patch_ids) == shard
        assert path.read_bytes() == whole
    assert shards_present(tmp_path, [shard, shard, "shards/00/none.parquet"]) == {shard}


def test_a_flipped_bit_is_found(tmp_path: Path) -> None:
    """Damage inside the pixels is an error with the path, not another picture."""
    pixels, patch_ids = make(64)
    shard = write_shard(tmp_path, pixels, patch_ids)
    path = tmp_path / shard
    content = bytearray(path.read_bytes())
    content[content.index(pixels[40].tobytes()[:16])] ^= 1
    path.write_bytes(content)
    with pytest.raises(ShardCorrupt, match=path.name):
        read_patches(tmp_path, pl.DataFrame({"shard": [shard], "shard_row": [0]}), size_px=8)


def test_a_missing_shard_is_named_with_the_remedy(tmp_path: Path) -> None:
    """The path, and how to get it back."""
    manifest = pl.DataFrame({"shard": ["shards/ab/abc.parquet"], "shard_row": [0]})
    with pytest.raises(ShardMissing, match=r"shards/ab/abc\.parquet is missing: run `deepdlt ingest`"):
        read_patches(tmp_path, manifest, size_px=8)


@pytest.mark.parametrize(("row", "size_px"), [(3, 8), (-1, 8), (0, 16)], ids=["past the end", "negative", "other size"])
def test_what_a_shard_does_not_hold_is_said(tmp_path: Path, row: int, size_px: int) -> None:
    """A row or a size that is not there never gives other pixels."""
    shard = write_shard(tmp_path, *make(3))
    with pytest.raises(ShardCorrupt):
        read_patches(tmp_path, pl.DataFrame({"shard": [shard], "shard_row": [row]}), size_px=size_px)


def test_shards_outside_the_lake_are_not_read(tmp_path: Path) -> None:
    """A path from a table leads nowhere else."""
    with pytest.raises(PathEscapes):
        read_patches(tmp_path, pl.DataFrame({"shard": ["../x.parquet"], "shard_row": [0]}), size_px=8)
    with pytest.raises(PathEscapes):
        shards_present(tmp_path, ["/etc/passwd"])


@pytest.mark.parametrize(
    ("pixels", "patch_ids"),
    [
        (np.zeros((2, 8, 7), np.uint8), ["a", "b"]),
        (np.zeros((8, 8), np.uint8), ["a"]),
        (np.zeros((1, 8, 8), np.float32), ["a"]),
        (np.zeros((0, 8, 8), np.uint8), []),
        (np.zeros((2, 8, 8), np.uint8), ["a"]),
    ],
    ids=["not square", "not a stack", "not bytes", "none", "names"],
)
def test_only_named_square_bytes_are_patches(tmp_path: Path, pixels: NDArray[np.uint8], patch_ids: list[str]) -> None:
    """Other arrays are refused before a file is written."""
    with pytest.raises(ValueError, match="patches"):
        write_shard(tmp_path, pixels, patch_ids)
    assert list(tmp_path.iterdir()) == []


def test_shards_need_room_and_names(tmp_path: Path) -> None:
    """Rows per shard below one, or names that do not match, are refused."""
    for n_names, rows_per_shard in ((2, 0), (1, 4)):
        with pytest.raises(ValueError, match="cannot go into shards"):
            write_shards(tmp_path, make(2)[0], ["x"] * n_names, rows_per_shard=rows_per_shard)
