"""Pictures as arrays."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def pixels(png: bytes) -> NDArray[np.uint8]:
    """Return a picture as (rows, columns, RGB)."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def count_of(png: bytes, colour: tuple[int, int, int], *, within: int = 0) -> int:
    """Return how many pixels have a colour, give or take some levels in each channel."""
    return int((np.abs(pixels(png).astype(int) - colour) <= within).all(-1).sum())


def rgb(colour: str) -> tuple[int, int, int]:
    """Return a colour like ``#0072B2`` as three numbers."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue
