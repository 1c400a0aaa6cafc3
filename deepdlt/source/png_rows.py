"""Has a PNG all the rows that its header promises? Pillow does not ask: rows that never came are black."""

import struct
import zlib
from collections.abc import Iterator

from PIL import Image

_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # a pixel, by colour type
_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""Passes of an interlaced image: first row, first column, step down, step right."""


def has_all_rows(image: Image.Image, content: bytes) -> bool:
    """Tell whether the data of a PNG reach down to its last row.

    A last row that is not black has been decoded; only where it is black, or the image is interlaced, are the data
    unpacked once more and counted.

    Parameters
    ----------
    image : PIL.Image.Image
        Decoded from the content.
    content : bytes
        A PNG file whose chunks are whole.

    Returns
    -------
    bool
    """
    header = struct.unpack_from(">IIBBBBB", content, 16)
    is_interlaced = bool(header[6])
    last_row = image.crop((0, image.height - 1, image.width, image.height))
    if not is_interlaced and last_row.getbbox(alpha_only=False) is not None:
        return True
    wanted = _packed_bytes(*header[:4], is_interlaced=is_interlaced)
    unpacker = zlib.decompressobj()
    return len(unpacker.decompress(b"".join(_image_data(content)), wanted)) >= wanted


def _packed_bytes(width_px: int, height_px: int, depth: int, colour: int, *, is_interlaced: bool) -> int:
    """Return the bytes of all rows, each with its filter's byte before it."""
    n_bits = depth * _SAMPLES[colour]
    total = 0
    for top, left, down, right in _ADAM7 if is_interlaced else ((0, 0, 1, 1),):
        n_rows, n_columns = -(-(height_px - top) // down), -(-(width_px - left) // right)
        total += n_rows * (1 + -(-n_columns * n_bits // 8)) if n_rows > 0 and n_columns > 0 else 0
    return total


def _image_data(content: bytes) -> Iterator[bytes]:
    """Yield the bodies of the chunks that hold pixels."""
    place = 8
    while place + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        if kind == b"IDAT":
            yield content[place + 8 : place + 8 + length]
        place += 12 + length
