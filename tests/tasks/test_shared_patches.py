"""Where patches that processes share lie while they are trained on."""

import tempfile
from pathlib import Path

import numpy as np
import pytest

from lake import Lake
from lake.location import locate
from lake.shards import write_shards
from tasks.shared_patches import SCRATCH, laid_out, scratch_folder


def test_patches_lie_beside_a_lake_of_this_machine_and_not_across_a_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A shared lake's folder is a mount: there the system's temporary folder is taken, and always the one told."""
    near, far = locate(tmp_path), locate(f"postgres://me@db.lab/lake+{tmp_path}")
    monkeypatch.delenv(SCRATCH, raising=False)
    assert (scratch_folder(near), scratch_folder(far)) == (tmp_path, Path(tempfile.gettempdir()))
    monkeypatch.setenv(SCRATCH, str(tmp_path / "scratch"))
    assert {scratch_folder(near), scratch_folder(far)} == {tmp_path / "scratch"}


def test_patches_laid_out_are_those_of_the_manifest_and_stay_mapped(lake: Lake) -> None:
    """In its order, out of several shards, in a file without a name that lies on the disk and not in memory."""
    pixels = np.random.default_rng(0).integers(0, 256, (12, 8, 8), dtype=np.uint8)
    manifest = write_shards(lake.files, pixels, [str(number) for number in range(12)], rows_per_shard=5)
    order = np.random.default_rng(1).permutation(12)
    with laid_out(lake, manifest[order.tolist()], size_px=8) as shared:
        mapped = shared.map()
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, pixels[order])
    assert [path for path in lake.root.iterdir() if path.is_file() and path.stat().st_size == pixels.nbytes] == []
