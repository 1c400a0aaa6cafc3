"""The fast reader gives what Pillow gives, or leaves the file to it."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from deepdlt.source.image_errors import ImageRejected
from deepdlt.source.images import decode_image
from deepdlt.source.plain_png import read_plain_png

PICTURES = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def packed(picture: NDArray[np.uint8], filters: list[int], *, bits: int = 8, colour: int = 0, laced: int = 0) -> bytes:
    """Return a PNG whose rows are said to be filtered so; any bytes are some picture's."""
    rows = b"".join(bytes([filters[row % len(filters)]]) + line.tobytes() for row, line in enumerate(picture))
    height, width = picture.shape
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, laced)
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        content += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return content


def by_pillow(content: bytes) -> NDArray[np.uint8]:
    """Return what Pillow reads."""
    return np.asarray(Image.open(io.BytesIO(content)))


@given(PICTURES, st.lists(st.integers(0, 4), min_size=1, max_size=4))
@settings(max_examples=60)
def test_every_row_filter_is_undone_as_pillow_does(picture: NDArray[np.uint8], filters: list[int]) -> None:
    """None, left, upper, average and Paeth, in any order, also in the first row and at the left edge."""
    content = packed(picture, filters)
    found = read_plain_png(content)
    assert found is not None
    np.testing.assert_array_equal(found, by_pillow(content))


def saved(image: Image.Image, **options: object) -> bytes:
    """Return an image as PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)


@pytest.mark.parametrize(
    "content",
    [
        saved(Image.fromarray(GREY.astype(np.uint16))),
        saved(Image.fromarray(GREY).convert("RGB")),
        saved(Image.fromarray(GREY).convert("P")),
        saved(Image.fromarray(GREY).convert("1")),
        saved(Image.fromarray(GREY), transparency=7),
        packed(GREY, [0], laced=1),
        packed(GREY, [0], bits=4),
        packed(GREY, [9]),
        packed(GREY[:8], [0]).replace(struct.pack(">II", 16, 8), struct.pack(">II", 16, 9)),
        b"",
        b"\x89PNG\r\n\x1a\n",
    ],
    ids=["16 bit", "colour", "palette", "bits", "transparent", "laced", "4 bit", "filter", "height", "empty", "name"],
)
def test_anything_else_is_left_to_pillow(content: bytes) -> None:
    """Other pixels than plain 8-bit grey, and what is damaged."""
    assert read_plain_png(content) is None


@given(st.data())
@settings(max_examples=150)
def test_nothing_that_pillow_refuses_is_taken(data: st.DataObject) -> None:
    """Whatever bytes are changed or cut off: where a file is taken, its pixels are those that Pillow reads."""
    content = bytearray(packed(GREY, [4, 3, 0]))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    changed = bytes(content[: data.draw(st.just(len(content)) | st.integers(0, len(content)))])
    try:
        found = decode_image(changed, path="a", max_pixels=10_000).pixels
    except ImageRejected:
        return
    image = Image.open(io.BytesIO(changed))
    image.load()
    np.testing.assert_array_equal(found, np.asarray(image.convert("L")))
