"""Grey patches as Windows bitmaps, byte for byte as Pillow writes them."""

import struct

import numpy as np
from numpy.typing import NDArray

HEADER_BYTES = 54
PALETTE_BYTES = 1024
PIXELS_PER_METRE = 3780
"""96 dpi, what Pillow writes when nothing is known."""


def encode_bitmaps(patches: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return 8-bit grey BMP files, one a row.

    All files of one size differ in their pixels alone, so header and palette are written once. Rows
    of a bitmap run from the bottom up and are padded to four bytes.

    Parameters
    ----------
    patches : ndarray of uint8, shape (n, M, N)
        Grey images.

    Returns
    -------
    ndarray of uint8, shape (n, 1078 + M * stride)
        The content of each file; stride is N rounded up to a multiple of 4.

    Raises
    ------
    ValueError
        If `patches` is no three-dimensional uint8 array or an image is empty.
    """
    if patches.ndim != 3 or patches.dtype != np.uint8 or 0 in patches.shape[1:]:
        raise ValueError(f"patches must be uint8 of shape (n, M, N), got {patches.dtype} {patches.shape}")
    n, height, width = patches.shape
    prefix = _header(width, height)
    stride = _stride(width)
    files = np.zeros((n, len(prefix) + height * stride), np.uint8)
    files[:, : len(prefix)] = np.frombuffer(prefix, np.uint8)
    rows = files[:, len(prefix) :].reshape(n, height, stride)  # a view: (n, M, stride)
    rows[:, :, :width] = patches[:, ::-1]
    return files


def _stride(width: int) -> int:
    """Return the bytes of a row, a multiple of 4."""
    return (width + 3) // 4 * 4


def _header(width: int, height: int) -> bytes:
    """Return file header, information header and grey palette."""
    n_bytes = _stride(width) * height
    offset = HEADER_BYTES + PALETTE_BYTES
    file_header = struct.pack("<2sIII", b"BM", offset + n_bytes, 0, offset)
    information = struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, 8, 0, n_bytes, PIXELS_PER_METRE, PIXELS_PER_METRE, 256, 256
    )
    palette = b"".join(bytes((grey, grey, grey, 0)) for grey in range(256))
    return file_header + information + palette
