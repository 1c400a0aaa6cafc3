"""Digests that name content: pixels, rows, recipes, settings."""

import hashlib
import json
from typing import Any

DIGEST_BYTES = 16
"""128 bits: no collision to expect below 1e18 names (birthday bound)."""


def digest_bytes(*chunks: bytes | memoryview) -> str:
    """Return the BLAKE2b-128 digest of the chunks, each preceded by its length.

    Parameters
    ----------
    *chunks : bytes or memoryview
        Content in order; of a C-contiguous array, its ``.data``. Lengths are part of the digest,
        so ``(b"ab", b"c")`` and ``(b"a", b"bc")`` differ.

    Returns
    -------
    str
        32 hexadecimal digits.

    Examples
    --------
    >>> digest_bytes(b"ab", b"c") == digest_bytes(b"a", b"bc")
    False
    """
    state = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for chunk in chunks:
        view = memoryview(chunk).cast("B")
        state.update(view.nbytes.to_bytes(8, "little"))
        state.update(view)
    return state.hexdigest()


def digest_json(value: Any) -> str:
    """Return the digest of a JSON-able value in canonical form: sorted keys, no spaces.

    Parameters
    ----------
    value : JSON-able
        Numbers keep their Python spelling (``repr`` of a float is exact); NaN is refused.

    Returns
    -------
    str
        32 hexadecimal digits.

    Raises
    ------
    ValueError
        If a number is NaN or infinite.
    TypeError
        If something has no JSON form.

    Examples
    --------
    >>> digest_json({"a": 1, "b": 2}) == digest_json({"b": 2, "a": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return digest_bytes(text.encode())
