"""Bitmaps are those of Pillow."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from deepdlt.dataset.bitmap import encode_bitmaps


@settings(deadline=None)
@given(st.integers(0, 3), st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**32))
def test_every_byte_is_what_pillow_writes(n: int, height: int, width: int, seed: int) -> None:
    """Whatever the size, padded rows included, the files equal Pillow's."""
    patches = np.random.default_rng(seed).integers(0, 256, (n, height, width), dtype=np.uint8)
    files = encode_bitmaps(patches)
    assert len(files) == n
    for patch, content in zip(patches, files, strict=True):
        expected = io.BytesIO()
        Image.fromarray(patch).save(expected, "BMP")
        assert content.tobytes() == expected.getvalue()


def test_a_reader_gets_the_pixels_back() -> None:
    """Pillow opens a file as 8-bit grey with the same pixels the right way up."""
    patch = np.arange(64 * 64, dtype=np.uint16).astype(np.uint8).reshape(1, 64, 64)
    with Image.open(io.BytesIO(encode_bitmaps(patch)[0].tobytes())) as image:
        assert image.mode == "L"
        assert np.array_equal(np.asarray(image), patch[0])


@pytest.mark.parametrize(
    "patches",
    [np.zeros((2, 2), np.uint8), np.zeros((1, 2, 2)), np.zeros((1, 0, 2), np.uint8)],
    ids=["2-D", "float", "empty"],
)
def test_only_stacks_of_grey_images_are_encoded(patches: np.ndarray) -> None:
    """Anything else has no such file."""
    with pytest.raises(ValueError, match="uint8 of shape"):
        encode_bitmaps(patches)
