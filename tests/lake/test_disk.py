"""A full disk is told as what it is."""

import errno
from pathlib import Path

from lake.disk import is_full
from lake.errors import StatementFailed


def test_an_error_that_came_from_a_full_disk_is_one(tmp_path: Path) -> None:
    """However many errors wrap it, with words of their own."""
    error = StatementFailed("rows", "not written")
    assert not is_full(error, tmp_path)
    error.__cause__ = StatementFailed("a file", "not written")
    error.__cause__.__cause__ = OSError(errno.ENOSPC, "of another wording")
    assert is_full(error, tmp_path)
