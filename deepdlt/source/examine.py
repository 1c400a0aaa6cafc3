"""Read, digest and decode the image files of a source, a few at a time."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepdlt.digest import digest_bytes
from deepdlt.source.faults import Fault, Remark
from deepdlt.source.file_content import read_content
from deepdlt.source.image_errors import ImageRejected
from deepdlt.source.images import decode_image, image_id_of

PixelTaker = Callable[[str, NDArray[np.uint8]], None]
"""Takes image_id and grey levels, (M, N), of an image that has just been decoded."""


@dataclass(frozen=True)
class ImageFile:
    """One image file in a source.

    Attributes
    ----------
    file : Path
        Where it is read.
    path : str
        Relative to the source, forward slashes.
    key : str
        What joins it with a row of the sheet.
    """

    file: Path
    path: str
    key: str


@dataclass(frozen=True)
class KnownImage:
    """What is known of a file's content from before, so that it need not be decoded.

    Attributes
    ----------
    image_id : str
        Digest of its pixels.
    height_px, width_px : int
        Its size.
    remarks : tuple of Remark
        What was remarked when it was decoded; said again, since it still holds.
    """

    image_id: str
    height_px: int
    width_px: int
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True)
class ExaminedImage:
    """An image file that can be used.

    Attributes
    ----------
    source : ImageFile
        The file.
    file_digest : str
        Digest of its bytes.
    n_bytes : int
        Their number.
    image : KnownImage
        Identity, size, remarks.
    file_format, source_mode : str
        As in `DecodedImage`; empty where the content was known and not decoded.
    """

    source: ImageFile
    file_digest: str
    n_bytes: int
    image: KnownImage
    file_format: str = ""
    source_mode: str = ""


def examine_images(
    files: Sequence[ImageFile],
    *,
    unlabelled: frozenset[str],
    known: Mapping[str, KnownImage],
    min_size_px: int,
    max_pixels: int,
    max_bytes: int,
    n_threads: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    on_decoded: PixelTaker | None = None,
) -> tuple[list[ExaminedImage], list[Fault]]:
    """Return the files that can be used, in the order given, and why the others cannot.

    Parameters
    ----------
    files : sequence of ImageFile
        What to read.
    unlabelled : frozenset of str
        Keys that no row of the sheet has: their files are digested and rejected, not decoded.
    known : mapping of str to KnownImage
        By digest of the file's bytes: these are not decoded either.
    min_size_px : int
        Least height and width, in pixels.
    max_pixels, max_bytes : int
        Limits for one image and for one file.
    n_threads : int, optional
        By default one per core, two to four.
    on_progress : callable, optional
        Called in this thread with files done and files in all.
    on_decoded : callable, optional
        Called with image_id and pixels of every image that is decoded, by several threads at once.

    Returns
    -------
    usable : list of ExaminedImage
        In the order of `files`.
    faults : list of Fault
        One for each of the others.
    """

    def examine(source: ImageFile) -> ExaminedImage | Fault:
        digest = ""
        try:
            content = read_content(source.file, shown_as=source.path, max_bytes=max_bytes)
            digest = digest_bytes(content)
            if source.key in unlabelled:
                return _without_row(source).at(source.path, digest=digest)
            examined = _examine(source, content, digest, known, max_pixels, on_decoded)
        except ImageRejected as error:
            return error.remark.at(source.path, digest=digest)
        too_small = _too_small(examined.image, min_size_px)
        return examined if too_small is None else too_small.at(source.path, digest=digest)

    results: list[ExaminedImage | Fault] = []
    with ThreadPoolExecutor(n_threads or min(4, max(2, os.cpu_count() or 2))) as pool:
        for result in pool.map(examine, files):
            results.append(result)
            if on_progress is not None:
                on_progress(len(results), len(files))
    usable = [result for result in results if isinstance(result, ExaminedImage)]
    return usable, [result for result in results if isinstance(result, Fault)]


def _examine(
    source: ImageFile,
    content: bytes,
    digest: str,
    known: Mapping[str, KnownImage],
    max_pixels: int,
    on_decoded: PixelTaker | None,
) -> ExaminedImage:
    """Return what is known of the content, or decode it to find out."""
    if digest in known:
        return ExaminedImage(source, digest, len(content), known[digest])
    decoded = decode_image(content, path=source.path, max_pixels=max_pixels)
    height_px, width_px = decoded.pixels.shape
    image = KnownImage(image_id_of(decoded.pixels), height_px, width_px, decoded.remarks)
    if on_decoded is not None:
        on_decoded(image.image_id, decoded.pixels)
    return ExaminedImage(source, digest, len(content), image, decoded.file_format, decoded.source_mode)


def _without_row(source: ImageFile) -> Remark:
    """Return the remark on an image that the sheet does not name."""
    message = f"No row of the sheet names {source.key}, so its labels are not known."
    return Remark("image-without-row", source.key, message, "Add a row for it, or take the file out of the folder.")


def _too_small(image: KnownImage, min_size_px: int) -> Remark | None:
    """Return the remark on an image that no patch fits in."""
    if min(image.height_px, image.width_px) >= min_size_px:
        return None
    size = f"{image.width_px} x {image.height_px} px"
    message = f"The image is {size}, smaller than a patch of {min_size_px} x {min_size_px} px."
    return Remark("image-too-small", size, message, "Take the image larger, or choose smaller patches.")
