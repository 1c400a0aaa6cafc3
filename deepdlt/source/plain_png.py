"""The common case, read fast: an 8-bit grey PNG, one picture, not interlaced."""

import struct

import numpy as np
from kornia_rs import io as kornia
from numpy.typing import NDArray

_HEADER = struct.Struct(">4xI4sIIBBBBB")
"""Past the signature's first half: length of the first chunk, its kind, width, height, and how pixels are packed."""
_PACKED = (8, 0, 0, 0, 0)
"""Bits a sample, colour type (grey), compression, filter method, interlacing (none)."""


def read_plain_png(content: bytes) -> NDArray[np.uint8] | None:
    """Return the pixels of a plain PNG, in a third of the time that Pillow takes; None for any other file.

    None, too, for one that is damaged: the reader that takes all kinds says what is wrong with it.

    Parameters
    ----------
    content : bytes
        Of a PNG file whose size has been found within the limits and whose chunks are whole.

    Returns
    -------
    ndarray of uint8, shape (M, N), or None
        Grey levels.
    """
    if len(content) < _HEADER.size + 4:
        return None
    _, kind, width_px, height_px, *packed = _HEADER.unpack_from(content, 4)
    if kind != b"IHDR" or tuple(packed) != _PACKED or b"tRNS" in content:
        return None
    try:
        pixels = kornia.decode_image_png_u8(content, (height_px, width_px), "mono")  # (M, N, 1)
    except Exception:  # noqa: BLE001 - it raises no narrower one
        return None
    return np.ascontiguousarray(pixels[..., 0])
