"""Decode SEM images: limits first, then 8-bit grey pixels and everything worth a remark."""

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from deepdlt.digest import digest_bytes
from deepdlt.source.faults import Remark
from deepdlt.source.files import find_images, find_sheet, list_inputs
from deepdlt.source.grey import NothingFinite, to_grey
from deepdlt.source.image_errors import (
    ImageEmpty,
    ImageModeUnsupported,
    ImageNotFinite,
    ImageTooLarge,
    ImageTruncated,
    ImageUnreadable,
    NotAnImage,
)
from deepdlt.source.png_rows import has_all_rows
from deepdlt.source.recorded_warnings import recorded_warnings

__all__ = [
    "DECODING_RULES",
    "MAX_PIXELS",
    "DecodedImage",
    "decode_image",
    "find_images",
    "find_sheet",
    "image_id_of",
    "list_inputs",
]

MAX_PIXELS = 100_000_000
"""Default limit for one image. Pillow's own guard, 179 million pixels, stays in force above it."""

DECODING_RULES = frozenset({"converted-to-grey", "few-grey-levels", "first-frame-only", "image-flat", "reader-remark"})
"""Rules of the remarks that decoding makes: they hold as long as the file's bytes do."""

FORMATS = ("PNG", "TIFF", "BMP")
_MAGIC = (b"\x89PNG", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"BM")
_DAMAGE = (
    OSError,
    SyntaxError,  # Pillow's word for a broken header
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    AttributeError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
)
"""What Pillow raises on damaged content, found by cutting off and flipping bytes."""


@dataclass(frozen=True)
class DecodedImage:
    """One SEM image as 8-bit grey.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (M, N)
        Grey levels, 0 to 255.
    file_format : str
        PNG, TIFF or BMP, by content.
    source_mode : str
        Pillow's mode of the file before conversion: L, I;16, RGB, ...
    remarks : tuple of Remark
        How it was converted, frames left out, what Pillow warned of.
    """

    pixels: NDArray[np.uint8]
    file_format: str
    source_mode: str
    remarks: tuple[Remark, ...]


def decode_image(content: bytes, *, path: str, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    """Decode the bytes of an image file to 8-bit grey.

    Parameters
    ----------
    content : bytes
        A PNG, TIFF or BMP file. Of several frames the first counts.
    path : str
        The file's path in messages.
    max_pixels : int
        Limit for height times width, checked before any pixel is decoded.

    Returns
    -------
    DecodedImage
        Pixels and remarks.

    Raises
    ------
    ImageEmpty
        If there are no bytes.
    NotAnImage
        If the content is none of the three formats.
    ImageTooLarge
        If it has more pixels than the limit.
    ImageTruncated
        If it ends too early.
    ImageUnreadable
        If it is damaged otherwise.
    ImageModeUnsupported
        If its pixels have no grey form.
    ImageNotFinite
        If not one pixel is a finite number.
    """
    if not content:
        raise ImageEmpty(path, "0 bytes", "has no content")
    with recorded_warnings() as caught:
        try:
            image = Image.open(io.BytesIO(content), formats=FORMATS)
            _check_size(image, path, max_pixels)
            n_frames = _load(image, content)
        except UnidentifiedImageError as error:
            raise _unidentified(content, path) from error
        except Image.DecompressionBombError as error:
            raise ImageTooLarge(path, "pixels", f"has too many pixels to decode ({error})") from error
        except _DAMAGE as error:
            raise _damaged(error, path) from error
        pixels, remarks = _grey(image, path)
    return DecodedImage(
        pixels=pixels,
        file_format=str(image.format),
        source_mode=image.mode,
        remarks=(*remarks, *_flat(pixels), *_frames_left_out(n_frames), *_said_by_pillow(caught)),
    )


def image_id_of(pixels: NDArray[np.uint8]) -> str:
    """Return the identity of an image: the digest of its shape and grey levels.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (M, N)
        Grey levels.

    Returns
    -------
    str
        32 hexadecimal digits, whatever the file was called and however it was packed.

    Raises
    ------
    ValueError
        If the array is not two-dimensional uint8.

    Examples
    --------
    >>> image_id_of(np.zeros((2, 3), np.uint8)) == image_id_of(np.zeros((3, 2), np.uint8))
    False
    """
    if pixels.ndim != 2 or pixels.dtype != np.uint8:
        raise ValueError(f"pixels must be (M, N) uint8, not {pixels.shape} {pixels.dtype}: decode the image first")
    height_px, width_px = pixels.shape
    return digest_bytes(struct.pack("<QQ", height_px, width_px), np.ascontiguousarray(pixels).data)


def _check_size(image: Image.Image, path: str, max_pixels: int) -> None:
    """Refuse a picture whose header promises more pixels than the limit."""
    n_pixels = image.width * image.height
    if n_pixels > max_pixels:
        size = f"{image.width} x {image.height} px"
        raise ImageTooLarge(path, size, f"is {size}, that is {n_pixels} pixels, and the limit is {max_pixels}")


def _load(image: Image.Image, content: bytes) -> int:
    """Decode the first frame and return the number of frames; a PNG's checksums are verified as well."""
    if image.format == "PNG":  # Pillow decodes a PNG without looking at its checksums
        Image.open(io.BytesIO(content), formats=("PNG",)).verify()
    n_frames = int(getattr(image, "n_frames", 1))
    image.load()
    if image.format == "PNG" and not has_all_rows(image, content):  # Pillow leaves them black and says nothing
        raise EOFError("image file is truncated: rows are missing")
    return n_frames


def _unidentified(content: bytes, path: str) -> NotAnImage | ImageUnreadable:
    """Return the error for content that Pillow takes for none of the formats."""
    if content.startswith(_MAGIC):
        return ImageUnreadable(path, "header", "begins like an image, but its header is damaged or cut off")
    return NotAnImage(path, repr(content[:8]), "is neither PNG nor TIFF nor BMP inside")


def _damaged(error: BaseException, path: str) -> ImageTruncated | ImageUnreadable:
    """Return the error for content that Pillow could not decode to its end."""
    said = " ".join(str(error).split()) or type(error).__name__
    if "truncated" in said.lower():
        return ImageTruncated(path, said, f"ends before its picture does ({said})")
    return ImageUnreadable(path, said, f"cannot be decoded ({said})")


def _grey(image: Image.Image, path: str) -> tuple[NDArray[np.uint8], tuple[Remark, ...]]:
    """Return the picture in grey, or say that its mode has none."""
    try:
        return to_grey(image)
    except ValueError as error:
        raise ImageModeUnsupported(path, image.mode, f"holds {image.mode} pixels, which have no grey form") from error
    except NothingFinite as error:
        raise ImageNotFinite(path, image.mode, f"holds {image.mode} pixels, none of them a finite number") from error


def _flat(pixels: NDArray[np.uint8]) -> tuple[Remark, ...]:
    """Return the remark on a picture that shows nothing."""
    level = pixels[0, 0]
    if (pixels[0] != level).any() or (pixels != level).any():
        return ()
    message = f"Every pixel has the grey level {level}: the picture shows nothing."
    return (Remark("image-flat", f"grey level {level}", message, "Take the image again, or take the file out."),)


def _frames_left_out(n_frames: int) -> tuple[Remark, ...]:
    """Return the remark on a file with several frames."""
    if n_frames <= 1:
        return ()
    message = f"The file holds {n_frames} frames; only the first was taken."
    return (Remark("first-frame-only", f"{n_frames} frames", message, "Save each frame as a file of its own."),)


def _said_by_pillow(caught: list[Warning]) -> tuple[Remark, ...]:
    """Return Pillow's warnings as remarks; the size warning is left out, the limit here is `max_pixels`."""
    said = [" ".join(str(item).split()) for item in caught if not isinstance(item, Image.DecompressionBombWarning)]
    remedy = "Look at the image; if it is good, save it again to be rid of the remark."
    return tuple(Remark("reader-remark", text, f"The image reader said: {text}.", remedy) for text in said)
