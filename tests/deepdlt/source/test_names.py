"""Names in sheets and of files: the key that joins a row to its picture."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepdlt.source.names import NameUnusable, join_key


@settings(deadline=None)
@given(st.text(max_size=30))
def test_a_key_never_leaves_the_folder(name: str) -> None:
    """A key is a relative path without `..`, or the name is refused; making it twice changes nothing."""
    try:
        key = join_key(name)
    except NameUnusable:
        return
    assert key
    assert not key.startswith("/")
    assert ".." not in key.split("/")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a/1-1.bmp", "a/1-1.png"),
        ("a\\b\\1.TIF", "a/b/1.tiff"),
        ("./a//1.bmp", " a / 1 .bmp"),
        ("re\u0301sume\u0301.bmp", "r\u00e9sum\u00e9.png"),
    ],
    ids=["suffix", "backslashes", "blanks and dots", "unicode"],
)
def test_spellings_of_one_path_share_a_key(one: str, other: str) -> None:
    """Suffix, slashes, blanks and Unicode form do not tell pictures apart."""
    assert join_key(one) == join_key(other)


def test_a_number_after_a_point_is_no_suffix() -> None:
    """`spot 1.5` and `spot 1.6` are two pictures."""
    assert join_key("spot 1.5") != join_key("spot 1.6")
