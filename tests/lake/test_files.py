"""Whole files and paths that stay inside."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake.errors import PathEscapes
from lake.files import atomic_write, inside, replacing


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    """New and old content are replaced, and nothing else is left."""
    path = tmp_path / "a.bin"
    for content in (b"one", b"", b"two" * 1000):
        atomic_write(path, content)
        assert path.read_bytes() == content
    assert [each.name for each in tmp_path.iterdir()] == ["a.bin"]


def test_a_write_that_fails_leaves_the_old_content(tmp_path: Path) -> None:
    """An error half way is not seen in the file, and leaves no temporary one."""
    path = tmp_path / "a.bin"
    atomic_write(path, b"old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_bytes(b"ne")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.bin"]


def test_a_file_is_private_to_the_user(tmp_path: Path) -> None:
    """Others cannot read it."""
    atomic_write(tmp_path / "a.bin", b"x")
    assert (tmp_path / "a.bin").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "relative",
    ["", "/etc/passwd", "..", "../x", "a/../../x", "a/../b", "x\0y", "..\\x", "C:\\x", "link/x", "link"],
)
def test_paths_that_lead_out_are_refused(tmp_path: Path, relative: str) -> None:
    """Absolute, upwards, with NUL or backslash, or over a link that leads out."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(PathEscapes):
        inside(root, relative)


@pytest.mark.parametrize("relative", ["a", "a/b.parquet", "..a/b..", "a b/\N{SNOWMAN}", "here/x"])
def test_paths_that_stay_inside_are_given(tmp_path: Path, relative: str) -> None:
    """Names that look odd are names; a link within the folder is fine; nothing need exist."""
    (tmp_path / "real").mkdir()
    (tmp_path / "here").symlink_to(tmp_path / "real")
    assert inside(tmp_path, relative) == tmp_path / relative


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(relative=st.text(st.sampled_from("./\\a\0~"), max_size=12))
def test_no_path_gets_out(tmp_path: Path, relative: str) -> None:
    """Whatever the text, the result is below the folder or an error."""
    try:
        found = inside(tmp_path, relative)
    except PathEscapes:
        return
    assert os.path.normpath(found).startswith(str(tmp_path))
