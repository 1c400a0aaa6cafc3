"""From any picture to 8-bit grey, and a record of how."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION

from deepdlt.source.faults import Remark

_REMEDY = "Export 8-bit grey from the microscope if its grey levels are to stay as they are."
_SPREAD = "Export the picture with its grey levels spread over the full range of its file, or as 8-bit grey."
_DROPS_ALPHA = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})

WHITE_16_BITS = 65_535

FEW_LEVELS = 64
"""Grey levels, of 256, below which 16-bit grey is remarked on: 14 bits in a file of 16 keep as many."""


class NothingFinite(Exception):
    """Not one pixel of a picture is a finite number."""


def to_grey(image: Image.Image) -> tuple[NDArray[np.uint8], tuple[Remark, ...]]:
    """Return the picture as 8-bit grey.

    8-bit grey is taken as it is. 16-bit grey is scaled by 1/257, rounded: the full 16-bit range onto
    the full 8-bit range, the same for every image. Integers of 32 bits and floats have no agreed
    range: the image's own finite range goes onto 0 to 255, and what is not finite becomes 0. Colour
    becomes luma (ITU-R 601: 0.299 R + 0.587 G + 0.114 B), which leaves grey stored as colour as it was.
    Transparency is dropped. A TIFF in which white is zero is inverted where Pillow does not do so itself: 16-bit grey,
    integers and floats.

    Parameters
    ----------
    image : PIL.Image.Image
        M pixels high, N pixels wide, any mode.

    Returns
    -------
    pixels : ndarray of uint8, shape (M, N)
        Grey levels, 0 to 255.
    remarks : tuple of Remark
        How it was converted; empty for 8-bit grey. One more where 16-bit grey keeps fewer than
        `FEW_LEVELS` levels and less than half of its own, such as 12 bits in a file of 16.

    Raises
    ------
    ValueError
        If the mode has no grey form (CIE L*a*b*).
    NothingFinite
        If not one pixel is a finite number.
    """
    if image.mode == "L":
        return np.array(image, dtype=np.uint8), ()
    lost: tuple[Remark, ...] = ()
    is_white_zero = getattr(image, "tag_v2", {}).get(PHOTOMETRIC_INTERPRETATION) == 0
    if image.mode.startswith("I;16"):
        values = WHITE_16_BITS - np.asarray(image) if is_white_zero else np.asarray(image)
        pixels, how = _from_16_bits(values)
        lost = _levels_lost(values)
    elif image.mode in {"I", "F"}:
        pixels, how = _from_own_range(np.asarray(image), is_white_zero=is_white_zero)
    else:
        pixels, how = np.array(image.convert("L"), dtype=np.uint8), _how_converted(image.mode)
    negative = ", of which 0 is white," if is_white_zero else ""
    message = f"The file holds {image.mode} pixels{negative}; {how}."
    return pixels, (Remark("converted-to-grey", image.mode, message, _REMEDY), *lost)


def _from_16_bits(values: NDArray[np.generic]) -> tuple[NDArray[np.uint8], str]:
    """Return round(values / 257): 257 is odd, so there are no ties."""
    levels = values.astype(np.uint32)
    pixels = _scaled(levels)
    return pixels, f"16-bit grey, here from {levels.min()} to {levels.max()}, was scaled by 1/257"


def _scaled(levels: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return 16-bit levels on the 8-bit range."""
    return ((levels + 128) // 257).astype(np.uint8)


def _levels_lost(values: NDArray[np.generic]) -> tuple[Remark, ...]:
    """Return the remark on 16-bit grey of which scaling leaves few levels of many."""
    is_there = np.zeros(1 << 16, dtype=bool)
    for row in values:
        is_there[row] = True
    levels = np.flatnonzero(is_there).astype(np.uint32)
    n_before, n_after = len(levels), len(np.unique(_scaled(levels)))
    if n_after >= FEW_LEVELS or 2 * n_after >= n_before:
        return ()
    message = (
        f"The file's 16-bit grey goes from {levels[0]} to {levels[-1]} only: "
        f"of its {n_before} levels {n_after} of 256 are left."
    )
    return (Remark("few-grey-levels", f"{n_after} of 256 levels", message, _SPREAD),)


def _from_own_range(values: NDArray[np.generic], *, is_white_zero: bool) -> tuple[NDArray[np.uint8], str]:
    """Return the values with their finite range stretched onto 0 to 255, or 255 to 0."""
    levels = values.astype(np.float64)
    is_finite = np.isfinite(levels)
    if not is_finite.any():
        raise NothingFinite
    low, high = float(levels[is_finite].min()), float(levels[is_finite].max())
    above_black = high - levels if is_white_zero else levels - low
    scaled = above_black * (255.0 / (high - low)) if high > low else np.zeros_like(levels)
    pixels = np.rint(np.where(is_finite, scaled, 0.0)).astype(np.uint8)
    n_lost = int(is_finite.size - is_finite.sum())
    lost = f", and {n_lost} pixels that are not finite became 0" if n_lost else ""
    return pixels, f"their range from {low:g} to {high:g} was scaled to 0 to 255{lost}"


def _how_converted(mode: str) -> str:
    """Return in words what conversion to grey does to a mode."""
    if mode == "1":
        return "black and white became 0 and 255"
    if mode in _DROPS_ALPHA:
        return "they became their luma (ITU-R 601) and transparency was dropped"
    return "they became their luma (ITU-R 601)"
