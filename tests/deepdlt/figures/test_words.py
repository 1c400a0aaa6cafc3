"""What a picture says of itself, inside its file."""

import io

import pytest
from figure_inputs import GREY
from PIL import Image
from png_pixels import pixels

from deepdlt.figures.imagined import samples_figure
from deepdlt.figures.words import put_words, read_words

PNG = samples_figure(GREY)
TITLE, ALT = "EP1, µJ: folds", "14 µJ is harder than 94 µJ — by 0.01"


def test_words_come_back() -> None:
    """Whatever letters they have, from the file's first bytes alone."""
    said = put_words(PNG, title=TITLE, alt=ALT)
    assert read_words(said) == (TITLE, ALT)
    assert read_words(said[:400]) == (TITLE, ALT)


def test_other_programs_read_them() -> None:
    """Pillow finds both under the keywords of the specification."""
    with Image.open(io.BytesIO(put_words(PNG, title=TITLE, alt=ALT))) as picture:
        picture.load()
        assert (picture.text["Title"], picture.text["Description"]) == (TITLE, ALT)


def test_the_picture_stays_as_it_is() -> None:
    """Words change no pixel."""
    assert (pixels(put_words(PNG, title=TITLE, alt=ALT)) == pixels(PNG)).all()


def test_a_picture_without_words_says_nothing() -> None:
    """Two empty texts, no error."""
    assert read_words(PNG) == ("", "")


def test_what_is_no_png_is_refused() -> None:
    """No file is spoiled."""
    with pytest.raises(ValueError, match="no PNG"):
        put_words(b"GIF89a", title=TITLE, alt=ALT)
