"""Image files that a folder may hold by mistake, by age or by malice: name of the case to file name and content."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, TiffImagePlugin

GREY = np.random.default_rng(0).integers(0, 256, (80, 100), dtype=np.uint8)
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encoded(image: Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    """Return an image as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def grey(height_px: int = 80, width_px: int = 100) -> Image.Image:
    """Return a grey image of noise."""
    levels = np.random.default_rng(1).integers(0, 256, (height_px, width_px), dtype=np.uint8)
    return Image.fromarray(levels)


def floats(*spoilt: float, is_all: bool = False) -> Image.Image:
    """Return an image of floats of which the first pixels, or all, are spoilt."""
    levels = GREY.astype(np.float32)
    levels.flat[: len(spoilt)] = spoilt
    if is_all:
        levels[:] = spoilt[0]
    return Image.fromarray(levels)


def chunk(name: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG with its checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width_px: int, height_px: int, body: bytes, *, is_interlaced: bool = False) -> bytes:
    """Return an 8-bit grey PNG with these filtered rows, whatever the header promises."""
    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 0, 0, 0, int(is_interlaced))
    return PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def interlaced() -> bytes:
    """Return an Adam7 PNG, which Pillow reads and does not write."""
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    rows = [
        b"\0" + row.tobytes() for top, left, down, right in passes for row in GREY[top::down, left::right] if row.size
    ]
    return png(100, 80, b"".join(rows), is_interlaced=True)


def with_text(n_bytes: int, *, is_compressed: bool) -> bytes:
    """Return a PNG with a text of so many bytes beside its pixels."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "x" * n_bytes, zip=is_compressed)
    return encoded(grey(), pnginfo=info)


def tiff_of(levels: NDArray[np.generic], *, is_white_zero: bool, sample_format: int = 1) -> bytes:
    """Return a TIFF made by hand, since Pillow writes none of 16 bits in which white is zero.

    `sample_format`: 1 unsigned, 2 signed, 3 float.
    """
    data = levels.astype(levels.dtype.newbyteorder("<")).tobytes()
    height_px, width_px = levels.shape
    bits = 8 * levels.dtype.itemsize
    shorts = {256: width_px, 257: height_px, 258: bits, 259: 1, 262: int(not is_white_zero), 277: 1, 278: height_px}
    tags = [(tag, 3, value) for tag, value in shorts.items()]
    tags += [(273, 4, 8), (279, 4, len(data)), (339, 3, sample_format)]
    entries = [struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in sorted(tags)]
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory


def tiff_with_private_tag(n_bytes: int) -> bytes:
    """Return a TIFF with a microscope's own block of metadata."""
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[34118] = "z" * n_bytes
    return encoded(grey(), "TIFF", tiffinfo=info)


def with_flipped_byte(content: bytes, place: int) -> bytes:
    """Return content with one byte inverted."""
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


def upside_down_bmp() -> bytes:
    """Return a BMP whose height is negative: its rows are stored from the top."""
    content = bytearray(encoded(grey(), "BMP"))
    content[22:26] = struct.pack("<i", -80)
    return bytes(content)


def bmp_of(width_px: int, height_px: int) -> bytes:
    """Return a BMP whose header promises another size."""
    content = bytearray(encoded(grey(), "BMP"))
    content[18:26] = struct.pack("<ii", width_px, height_px)
    return bytes(content)


_PNG, _TIFF, _BMP = (encoded(grey(), kind) for kind in ("PNG", "TIFF", "BMP"))
_COLOUR = Image.fromarray(np.random.default_rng(2).integers(0, 256, (80, 100, 3), dtype=np.uint8))


def cuts(kind: str, content: bytes) -> dict[str, tuple[str, Callable[[], bytes]]]:
    """Return a file cut off after its header, in its header, in its pixels and at its last byte."""
    lengths = {"1": 1, "8": 8, "30": 30, "60": 60, "half": len(content) // 2, "last byte": len(content) - 1}
    return {
        f"{kind} cut at {name}": (f"1-1.{kind}", lambda length=length: content[:length])
        for name, length in lengths.items()
    }


IMAGES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "empty file": ("1-1.png", lambda: b""),
    **cuts("png", _PNG),
    **cuts("tif", _TIFF),
    **cuts("bmp", _BMP),
    "text named png": ("1-1.png", lambda: b"this is no image"),
    "jpeg named png": ("1-1.png", lambda: encoded(grey(), "JPEG")),
    "gif named bmp": ("1-1.bmp", lambda: encoded(grey(), "GIF")),
    "web page named tif": ("1-1.tif", lambda: b"<!doctype html><title>404</title>"),
    "png named bmp": ("1-1.bmp", lambda: _PNG),
    "wrong magic": ("1-1.png", lambda: b"\x88" + _PNG[1:]),
    "flipped byte in pixels": ("1-1.png", lambda: with_flipped_byte(_PNG, len(_PNG) // 2)),
    "flipped byte in header": ("1-1.png", lambda: with_flipped_byte(_PNG, 17)),
    "16-bit png": ("1-1.png", lambda: encoded(Image.fromarray(GREY.astype(np.uint16) * 257))),
    "16-bit tiff": ("1-1.tif", lambda: encoded(Image.fromarray(GREY.astype(np.uint16) * 257), "TIFF")),
    "12 bits in a 16-bit png": ("1-1.png", lambda: encoded(Image.fromarray(GREY.astype(np.uint16) * 16))),
    "rgb": ("1-1.png", lambda: encoded(_COLOUR)),
    "16-bit tiff with white as zero": (
        "1-1.tif",
        lambda: tiff_of((255 - GREY).astype(np.uint16) * 257, is_white_zero=True),
    ),
    "cmyk": ("1-1.tif", lambda: encoded(_COLOUR.convert("CMYK"), "TIFF")),
    "lab": ("1-1.tif", lambda: encoded(Image.merge("LAB", _COLOUR.split()), "TIFF")),
    "grey with alpha": ("1-1.png", lambda: encoded(grey().convert("LA"))),
    "colour with alpha": ("1-1.png", lambda: encoded(_COLOUR.convert("RGBA"))),
    "palette": ("1-1.png", lambda: encoded(_COLOUR.convert("P"))),
    "black and white": ("1-1.png", lambda: encoded(grey().convert("1"))),
    "interlaced": ("1-1.png", interlaced),
    "rows from the top": ("1-1.bmp", upside_down_bmp),
    "animated": ("1-1.png", lambda: encoded(grey(), save_all=True, append_images=[grey(80, 100).rotate(180)])),
    "two pages": ("1-1.tif", lambda: encoded(grey(), "TIFF", save_all=True, append_images=[grey(90, 100)])),
    "0 x 0": ("1-1.png", lambda: png(0, 0, b"")),
    "0 x 80": ("1-1.bmp", lambda: bmp_of(0, 80)),
    "1 x 1": ("1-1.png", lambda: encoded(grey(1, 1))),
    "63 x 63": ("1-1.png", lambda: encoded(grey(63, 63))),
    "64 x 64": ("1-1.png", lambda: encoded(grey(64, 64))),
    "65535 x 1": ("1-1.png", lambda: encoded(grey(1, 65535))),
    "decompression bomb": ("1-1.png", lambda: png(30_000, 30_000, bytes(10_000_000))),
    "bomb by header": ("1-1.bmp", lambda: bmp_of(2**31 - 1, 2**31 - 1)),
    "rows missing": ("1-1.png", lambda: png(100, 80, bytes(101 * 40))),
    "nan": ("1-1.tif", lambda: encoded(floats(np.nan, np.inf, -np.inf), "TIFF")),
    "all nan": ("1-1.tif", lambda: encoded(floats(np.nan, is_all=True), "TIFF")),
    "flat": ("1-1.png", lambda: encoded(Image.new("L", (100, 80), 7))),
    "900 kB of text": ("1-1.png", lambda: with_text(900_000, is_compressed=False)),
    "text bomb": ("1-1.png", lambda: with_text(100_000_000, is_compressed=True)),
    "2 MB of microscope data": ("1-1.tif", lambda: tiff_with_private_tag(2_000_000)),
}
"""By name of the case: the file in the place of the image of row 1-1."""
