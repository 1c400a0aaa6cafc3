"""A PNG's own words: its title and a sentence on what it shows, inside the file.

So a picture says what it is wherever it goes, and a list of pictures needs no second file. Reading them needs
neither Matplotlib nor Pillow.
"""

import struct
import zlib
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_END = len(SIGNATURE) + 25
"""The first chunk, IHDR: four bytes of length, four of name, thirteen of content, four of checksum."""

TITLE, ALT = "Title", "Description"
"""Keywords that the PNG specification gives to both."""


class Words(NamedTuple):
    """What a picture says of itself."""

    title: str
    alt: str


def put_words(png: bytes, *, title: str, alt: str) -> bytes:
    """Write a title and a description into a PNG file.

    Parameters
    ----------
    png : bytes
        A PNG file.
    title, alt : str

    Returns
    -------
    bytes
        The same picture.

    Raises
    ------
    ValueError
        If it is no PNG file.

    References
    ----------
    W3C, Portable Network Graphics (PNG) Specification, 11.3.3.4 (iTXt).
    """
    if not png.startswith(SIGNATURE):
        raise ValueError("these bytes are no PNG file")
    return png[:HEADER_END] + _chunk(TITLE, title) + _chunk(ALT, alt) + png[HEADER_END:]


def read_words(head: bytes) -> Words:
    """Read what `put_words` wrote.

    Parameters
    ----------
    head : bytes
        A PNG file, or its first bytes as far as the words go.

    Returns
    -------
    Words
        Empty where there are none.
    """
    found = {TITLE: "", ALT: ""}
    place = HEADER_END
    while head[place + 4 : place + 8] == b"iTXt":
        (length,) = struct.unpack(">I", head[place : place + 4])
        keyword, _, rest = head[place + 8 : place + 8 + length].partition(b"\0")
        found[keyword.decode("latin-1")] = rest[4:].decode("utf-8")  # two flags, no language, no translated keyword
        place += length + 12
    return Words(found[TITLE], found[ALT])


def _chunk(keyword: str, text: str) -> bytes:
    """Return an iTXt chunk, not compressed."""
    body = b"iTXt" + keyword.encode("latin-1") + bytes(5) + text.encode("utf-8")
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
