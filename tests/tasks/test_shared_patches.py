"""Where patches that processes share lie while they are trained on."""

import tempfile
from pathlib import Path

import pytest

from lake.location import locate
from tasks.shared_patches import SCRATCH, scratch_folder


def test_patches_lie_beside_a_lake_of_this_machine_and_not_across_a_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A shared lake's folder is a mount: there the system's temporary folder is taken, and always the one told."""
    near, far = locate(tmp_path), locate(f"postgres://me@db.lab/lake+{tmp_path}")
    monkeypatch.delenv(SCRATCH, raising=False)
    assert (scratch_folder(near), scratch_folder(far)) == (tmp_path, Path(tempfile.gettempdir()))
    monkeypatch.setenv(SCRATCH, str(tmp_path / "scratch"))
    assert {scratch_folder(near), scratch_folder(far)} == {tmp_path / "scratch"}
