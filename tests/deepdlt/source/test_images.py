"""Images: decoded within limits, converted to 8-bit grey with a record."""

import io
import struct
import threading
import warnings
import zlib

import numpy as np
import pytest
from bad_images import tiff_of
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from deepdlt.source.image_errors import (
    ImageEmpty,
    ImageModeUnsupported,
    ImageRejected,
    ImageTooLarge,
    ImageTruncated,
    ImageUnreadable,
    NotAnImage,
)
from deepdlt.source.images import (
    DECODING_RULES,
    DecodedImage,
    decode_image,
    image_id_of,
)
from deepdlt.source.recorded_warnings import recorded_warnings

GREY: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8)


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def decoded(image: Image.Image, file_format: str = "PNG", **options: object) -> DecodedImage:
    return decode_image(encoded(image, file_format, **options), path="a.png")


PACKED = {
    "png": encoded(Image.fromarray(GREY), "PNG"),
    "bmp": encoded(Image.fromarray(GREY), "BMP"),
    "tiff": encoded(Image.fromarray(GREY), "TIFF"),
    "lzw": encoded(Image.fromarray(GREY), "TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("packing", PACKED)
def test_8_bit_grey_is_taken_as_it_is(packing: str) -> None:
    """Every format gives back the same grey levels, without a remark, and so the same identity."""
    image = decode_image(PACKED[packing], path="a")
    np.testing.assert_array_equal(image.pixels, GREY)
    assert image.pixels.dtype == np.uint8
    assert (image.source_mode, image.remarks) == ("L", ())
    assert image.file_format == {"lzw": "TIFF"}.get(packing, packing.upper())
    assert image_id_of(image.pixels) == image_id_of(GREY)


def test_16_bit_grey_is_scaled_by_1_over_257() -> None:
    """The 16-bit range maps onto the 8-bit range, rounded, and the remark says how."""
    levels = np.array([[0, 128, 129, 257, 32768, 65406, 65407, 65535]], dtype=np.uint16)
    for file_format in ("PNG", "TIFF"):
        image = decoded(Image.fromarray(levels), file_format)
        np.testing.assert_array_equal(image.pixels, np.rint(levels / 257))
        assert image.source_mode == "I;16"
        assert [remark.rule for remark in image.remarks] == ["converted-to-grey"]
        assert "1/257" in image.remarks[0].message


def ramp(highest: int) -> Image.Image:
    """Return 16-bit grey of 64 x 64 px whose levels go evenly from 0 to the highest."""
    return Image.fromarray(np.linspace(0, highest, 64 * 64).round().astype(np.uint16).reshape(64, 64))


@pytest.mark.parametrize(("n_bits", "n_levels"), [(8, 2), (10, 5), (12, 17)])
@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_16_bit_grey_that_keeps_few_levels_is_remarked_on(n_bits: int, n_levels: int, file_format: str) -> None:
    """Closed form: 2^n - 1 of 65535 is that share of 255; said with the levels that are left, and what to do."""
    image = decoded(ramp(2**n_bits - 1), file_format)
    assert len(np.unique(image.pixels)) == n_levels
    (remark,) = [remark for remark in image.remarks if remark.rule == "few-grey-levels"]
    assert remark.value == f"{n_levels} of 256 levels"
    assert f"from 0 to {2**n_bits - 1} only" in remark.message
    assert "8-bit grey" in remark.remedy


@pytest.mark.parametrize("highest", [2**14 + 200, 2**16 - 1])
def test_16_bit_grey_with_levels_enough_is_not(highest: int) -> None:
    """A quarter of the range has 64 levels."""
    assert "few-grey-levels" not in [remark.rule for remark in decoded(ramp(highest), "PNG").remarks]


def test_few_levels_that_were_few_before_are_not_remarked_on() -> None:
    """A mask of three levels over the full range loses nothing."""
    mask = np.repeat(np.array([[0, 30_000, 65_535]], dtype=np.uint16), 64, axis=0)
    assert [remark.rule for remark in decoded(Image.fromarray(mask), "PNG").remarks] == ["converted-to-grey"]


def test_big_endian_16_bit_grey_gives_the_same_levels() -> None:
    """Byte order is the file's affair."""
    content = encoded(Image.frombytes("I;16B", (2, 1), b"\x01\x01\xff\xff"), "TIFF")
    np.testing.assert_array_equal(decode_image(content, path="a").pixels, [[1, 255]])


@pytest.mark.parametrize(
    ("levels", "sample_format"),
    [
        (np.array([[0, 1, 255]], np.uint8), 1),
        (np.array([[0, 257, 65_535]], np.uint16), 1),
        (np.array([[-1.0, -0.5, 1.0]], np.float32), 3),
    ],
    ids=["8 bits", "16 bits", "float"],
)
def test_a_tiff_in_which_white_is_zero_is_no_negative(levels: NDArray[np.generic], sample_format: int) -> None:
    """What the file calls white is white, whatever holds the levels; where they are converted it is said."""
    black, white = (
        decode_image(tiff_of(levels, is_white_zero=is_zero, sample_format=sample_format), path="a")
        for is_zero in (False, True)
    )
    np.testing.assert_array_equal(white.pixels, 255 - black.pixels.astype(int), strict=False)
    assert ["of which 0 is white" in remark.message for remark in white.remarks] == [True] * len(black.remarks)


def test_floats_are_scaled_from_their_own_finite_range() -> None:
    """The least finite value becomes 0, the greatest 255, and what is not finite 0, all said."""
    levels = np.array([[-1.0, 0.0, 1.0], [np.nan, np.inf, -np.inf]], dtype=np.float32)
    image = decoded(Image.fromarray(levels), "TIFF")
    np.testing.assert_array_equal(image.pixels, [[0, 128, 255], [0, 0, 0]])
    assert [remark.rule for remark in image.remarks] == ["converted-to-grey"]
    assert "from -1 to 1" in image.remarks[0].message
    assert "3 pixels" in image.remarks[0].message


@pytest.mark.parametrize("value", [7.0, 3.4e38])
def test_a_flat_float_image_becomes_black(value: float) -> None:
    """An image without contrast has no range to scale."""
    image = decoded(Image.fromarray(np.full((3, 3), value, dtype=np.float32)), "TIFF")
    np.testing.assert_array_equal(image.pixels, np.zeros((3, 3)))


def test_32_bit_integers_are_scaled_from_their_own_range() -> None:
    """Integers without an agreed range use their own."""
    image = decoded(Image.fromarray(np.array([[-(2**31), 0, 2**31 - 1]], dtype=np.int32)), "TIFF")
    np.testing.assert_array_equal(image.pixels, [[0, 128, 255]])
    assert image.source_mode == "I"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "CMYK"])
def test_grey_stored_as_colour_keeps_its_levels(mode: str) -> None:
    """Colour modes become luma with a remark; grey that was merely stored as colour stays what it was."""
    image = decoded(Image.fromarray(GREY).convert(mode), "TIFF")
    np.testing.assert_array_equal(image.pixels, GREY)
    assert image.source_mode == mode
    assert [remark.value for remark in image.remarks] == [mode]


def test_colour_becomes_luma() -> None:
    """Red, green and blue weigh 0.299, 0.587 and 0.114."""
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], dtype=np.uint8)
    np.testing.assert_array_equal(decoded(Image.fromarray(colours)).pixels, [[76, 150, 29]])


def test_a_palette_with_transparency_is_converted_in_silence() -> None:
    """Pillow's complaint about such palettes does not become a Python warning."""
    image = Image.fromarray(GREY).convert("P")
    found = decode_image(encoded(image, "PNG", transparency=bytes(range(256))), path="a")
    np.testing.assert_array_equal(found.pixels, GREY)


def test_black_and_white_becomes_0_and_255() -> None:
    """One-bit images use the whole range."""
    image = decoded(Image.fromarray(np.array([[True, False]])))
    np.testing.assert_array_equal(image.pixels, [[255, 0]])
    assert image.source_mode == "1"


def test_a_mode_without_grey_form_is_refused() -> None:
    """CIE L*a*b* is refused with a remedy rather than misread."""
    with pytest.raises(ImageModeUnsupported, match="LAB"):
        decoded(Image.new("LAB", (80, 80)), "TIFF")


@pytest.mark.parametrize("file_format", ["TIFF", "PNG"])
def test_of_several_frames_the_first_is_taken(file_format: str) -> None:
    """A stack gives its first frame and a remark with the number of frames."""
    second = Image.fromarray(255 - GREY)
    image = decoded(Image.fromarray(GREY), file_format, save_all=True, append_images=[second, second])
    np.testing.assert_array_equal(image.pixels, GREY)
    assert [(remark.rule, remark.value) for remark in image.remarks] == [("first-frame-only", "3 frames")]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", ImageEmpty),
        (b"Names,NP\na,1\n", NotAnImage),
        (encoded(Image.fromarray(GREY), "JPEG"), NotAnImage),
        (PACKED["png"][:6], ImageUnreadable),
        (PACKED["png"][:20], ImageTruncated),
        (PACKED["png"][:300], ImageTruncated),
        (PACKED["png"][:-12], ImageTruncated),
        (PACKED["bmp"][:-100], ImageTruncated),
        (PACKED["tiff"][:1000], (ImageTruncated, ImageUnreadable)),
        (PACKED["lzw"][:1000], (ImageTruncated, ImageUnreadable)),
    ],
    ids=["empty", "text", "jpeg", "png name", "png header", "png half", "png end", "bmp end", "tiff half", "lzw half"],
)
def test_what_cannot_be_decoded_is_refused(content: bytes, error: type[ImageRejected]) -> None:
    """Empty, foreign and cut-off files are told apart, with rule, value and remedy."""
    with pytest.raises(error) as caught:
        decode_image(content, path="some/file.png")
    assert "some/file.png" in str(caught.value)
    assert caught.value.rule
    assert caught.value.remark.value
    assert caught.value.remedy in str(caught.value)


def test_a_flipped_bit_in_a_png_is_noticed() -> None:
    """A PNG's checksums are verified, which decoding alone does not do."""
    raw = b"".join(b"\0" + row.tobytes() for row in GREY)
    packed = bytearray(zlib.compress(raw, 0))  # stored, so that a flipped pixel still unpacks
    position = len(packed) // 2
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 50, 40, 8, 0, 0, 0, 0)), (b"IDAT", bytes(packed)), (b"IEND", b"")]
    content = bytearray(b"\x89PNG\r\n\x1a\n")
    for name, data in chunks:
        content += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    np.testing.assert_array_equal(decode_image(bytes(content), path="a").pixels, GREY)
    content[content.index(b"IDAT") + 4 + position] ^= 1
    with pytest.raises(ImageUnreadable, match="checksum"):
        decode_image(bytes(content), path="a")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(PACKED)), st.data())
def test_damaged_files_end_in_an_error_of_ours(packing: str, data: st.DataObject) -> None:
    """Whatever bytes are changed or cut off, a file decodes or is refused; nothing else escapes."""
    content = bytearray(PACKED[packing])
    places = st.integers(0, len(content) - 1) | st.integers(0, 150) | st.integers(len(content) - 250, len(content) - 1)
    for place in data.draw(st.lists(places, max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.just(len(content)) | st.integers(0, len(content)))
    try:
        image = decode_image(bytes(content[:end]), path="a", max_pixels=1_000_000)
    except ImageRejected:
        return
    assert image.pixels.dtype == np.uint8
    assert image.pixels.ndim == 2


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    """The header's size counts: a file of 70 bytes that promises 10^10 pixels costs nothing."""
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    content = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    idat = b"IDAT" + zlib.compress(b"\0")
    content += struct.pack(">I", len(idat) - 4) + idat + struct.pack(">I", zlib.crc32(idat))
    with pytest.raises(ImageTooLarge):
        decode_image(content, path="a")


def test_the_pixel_limit_is_the_callers() -> None:
    """An image of exactly the limit is taken, one pixel more is refused with its size."""
    assert decode_image(PACKED["png"], path="a", max_pixels=2000).pixels.size == 2000
    with pytest.raises(ImageTooLarge, match="50 x 40 px") as caught:
        decode_image(PACKED["png"], path="a", max_pixels=1999)
    assert caught.value.value == "50 x 40 px"


def test_what_pillow_warns_of_becomes_a_remark() -> None:
    """A TIFF whose last tag is cut off decodes, and the reader's complaint is kept."""
    image = decode_image(PACKED["lzw"][:-1], path="a")
    assert [remark.rule for remark in image.remarks] == ["reader-remark"]
    assert "EXIF" in image.remarks[0].message


def test_every_remark_of_decoding_has_a_rule_that_is_listed() -> None:
    """Whoever skips decoding knows which remarks to repeat."""
    stack = [Image.fromarray(GREY.astype(np.uint16)), Image.fromarray(GREY.astype(np.uint16))]
    content = encoded(stack[0], "TIFF", compression="tiff_lzw", save_all=True, append_images=stack[1:])
    flat = encoded(Image.new("L", (3, 3), 7), "PNG")
    files = (content, PACKED["lzw"][:-1], flat)
    rules = {remark.rule for file in files for remark in decode_image(file, path="a").remarks}
    assert rules == DECODING_RULES


def test_each_thread_is_handed_its_own_warnings() -> None:
    """Two threads that warn at once do not mix up their warnings, and the filters are put back."""
    both_inside = threading.Barrier(2, timeout=10)
    found: dict[str, list[str]] = {}

    def warn(text: str) -> None:
        with recorded_warnings() as caught:
            both_inside.wait()
            warnings.warn(text, UserWarning, stacklevel=1)
            warnings.warn(text, UserWarning, stacklevel=1)
            both_inside.wait()
        found[text] = [str(item) for item in caught]

    filters, shown = list(warnings.filters), warnings.showwarning
    threads = [threading.Thread(target=warn, args=(text,)) for text in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {"one": ["one"], "two": ["two"]}
    assert list(warnings.filters) == filters
    assert warnings.showwarning is shown


def test_identity_is_that_of_the_pixels_and_their_shape() -> None:
    """One changed grey level or another shape is another image; memory layout is not."""
    changed = GREY.copy()
    changed[3, 4] ^= 1
    ids = [image_id_of(pixels) for pixels in (GREY, changed, GREY.T, GREY.reshape(50, 40))]
    assert len(set(ids)) == 4
    assert image_id_of(np.asfortranarray(GREY)) == ids[0]


@pytest.mark.parametrize("pixels", [GREY.astype(np.float32), GREY[0], GREY[None]])
def test_identity_is_refused_to_what_is_no_grey_image(pixels: NDArray[np.uint8]) -> None:
    """Only (M, N) uint8 has an identity."""
    with pytest.raises(ValueError, match="uint8"):
        image_id_of(pixels)
