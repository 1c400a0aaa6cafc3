"""Patches in pictures: their scales, to the pixel."""

import numpy as np
import pytest
from figure_inputs import GREY, NOISE, placed
from png_pixels import count_of, pixels, rgb

from deepdlt.figures.extremes import PATCH_RGB, extremes_figure, place_tile
from deepdlt.figures.imagined import interpolations_figure, samples_figure
from deepdlt.figures.reconstructions import FoldExamples, fold_reconstructions_figure, reconstruction_figure
from deepdlt.figures.tiles import TileRow, draw_tiles, error_tiles, grey_tiles

MID = np.full((1, 8, 8), 0.5)
MID_RGB = (128, 128, 128)
LETTERS = 100
"""Pixels of any one grey that letters may have, for they have soft edges."""


def test_every_pixel_of_a_patch_is_a_square_of_whole_pixels() -> None:
    """No patch is smoothed or resampled: 0, 1/3, 2/3, 1 in four squares of 80 px."""
    (tile,) = grey_tiles(np.array([[[0, 1 / 3], [2 / 3, 1]]]), tile_px=160)
    assert tile.shape == (160, 160, 3)
    assert [np.unique(tile[rows, cols]).tolist() for rows in HALVES for cols in HALVES] == [[0], [85], [170], [255]]


HALVES = (slice(0, 80), slice(80, 160))


def test_patches_that_are_too_large_are_averaged() -> None:
    """A chequerboard of 512 px becomes grey, and fits."""
    board = np.indices((512, 512)).sum(0) % 2
    (tile,) = grey_tiles(board[None].astype(float))
    assert tile.shape == (256, 256, 3)
    assert np.unique(tile).tolist() == [128]


def test_originals_and_reconstructions_share_one_grey_scale() -> None:
    """Black stays black and mid-grey stays mid-grey: no patch is stretched to its own contrast."""
    alone = count_of(reconstruction_figure(MID, MID), MID_RGB)
    beside_black = count_of(reconstruction_figure(np.zeros((1, 8, 8)), MID), MID_RGB)
    assert alone - beside_black == pytest.approx(160 * 160, abs=LETTERS)


def test_folds_share_one_grey_scale() -> None:
    """A fold of low contrast beside one of full contrast keeps its mid-grey."""
    folds = [FoldExamples("fold 1", MID, MID), FoldExamples("fold 2", GREY, GREY)]
    both = count_of(fold_reconstructions_figure(folds), MID_RGB)
    alone = count_of(fold_reconstructions_figure(folds[:1]), MID_RGB)
    assert both >= alone > 2 * 96 * 96 * 0.99


def test_dollar_signs_in_a_name_are_no_formula() -> None:
    """What an image is called is drawn as it stands; as a formula this one would be none."""
    (named, plain) = (fold_reconstructions_figure([FoldExamples(name, MID, MID)]) for name in ("a $_$", "a"))
    assert named != plain


def test_errors_share_one_colour_scale() -> None:
    """An error half as large as the largest has the middle colour in every column, whatever else is in its own."""
    errors = np.concatenate([np.full((1, 8, 8), 0.1), np.full((1, 8, 8), 0.2)])
    both = reconstruction_figure(np.zeros((2, 8, 8)), errors)
    middle, end = (tuple(error_tiles(np.full((1, 8, 8), e), end=0.2)[0, 0, 0].tolist()) for e in (0.1, 0.2))
    assert count_of(both, middle) >= 160 * 160
    assert count_of(both, end) >= 160 * 160


def test_a_perfect_reconstruction_has_a_dark_error_map() -> None:
    """The error scale does not blow up rounding to full brightness."""
    perfect, wrong = reconstruction_figure(GREY, GREY + 1e-6), reconstruction_figure(GREY, GREY + 0.2)
    darkest = (0, 0, 3)
    assert count_of(perfect, darkest) - count_of(wrong, darkest) == pytest.approx(160 * 160, abs=LETTERS)


def test_signed_patches_are_drawn_as_the_unit_ones_they_are() -> None:
    """The picture of x on [-1, 1] is that of (x + 1) / 2 on [0, 1]."""
    unit = reconstruction_figure(GREY, GREY**2)
    signed = reconstruction_figure(2 * GREY - 1, 2 * GREY**2 - 1, target_range="signed")
    np.testing.assert_allclose(pixels(signed).astype(float), pixels(unit), rtol=0, atol=2)


def test_what_a_signed_decoder_makes_up_is_drawn_on_its_range() -> None:
    """Zero of [-1, 1] is grey; on [0, 1] it would be black."""
    assert samples_figure(2 * GREY - 1, target_range="signed") == samples_figure(GREY)


def test_patches_may_have_a_channel() -> None:
    """What comes from a model needs no reshaping."""
    assert samples_figure(GREY[:, None]) == samples_figure(GREY)


def test_a_way_begins_and_ends_with_the_patches_themselves() -> None:
    """First and last column are the originals, not what the decoder makes of them."""
    black, white = np.zeros((1, 8, 8)), np.ones((1, 8, 8))
    png = interpolations_figure(black, np.full((1, 2, 8, 8), 0.5), white, shares=[0, 1])
    row = pixels(png)[-60]
    tiles = [row[at : at + 96].mean() for at in (12, 12 + 102, 12 + 204, 12 + 306)]
    assert tiles == [0, 128, 128, 255]


def test_the_wider_gap_stands_between_pairs() -> None:
    """Original and reconstruction are nearer to each other than to the next pair."""
    tiles = grey_tiles(np.zeros((4, 8, 8)), tile_px=96)
    figure = draw_tiles([TileRow(tiles)], together=2)
    starts = [int(image.ox) for image in figure.images]
    assert np.diff(starts).tolist() == [102, 124, 102]


def test_the_place_of_a_patch_is_to_scale() -> None:
    """A patch in the lower right corner is marked there, inside the frame of its image."""
    tile = place_tile(placed(0), size_px=16, edge_px=130)
    rows, columns = np.nonzero((tile == PATCH_RGB).all(-1))
    frame_rows, frame_columns = np.nonzero((tile != 255).any(-1))
    assert (rows.max(), columns.max()) == (frame_rows.max(), frame_columns.max())
    assert np.ptp(frame_columns) + 1 == 128
    assert np.ptp(frame_rows) + 1 == 96
    assert len(rows) == 16 * 16


def test_rows_of_a_place_count_down_and_columns_to_the_right() -> None:
    """A patch at row 10, column 60 of its image is marked there, counted from the corner of the frame."""
    tile = place_tile(placed(0, origin_row=10, origin_col=60), size_px=16, edge_px=130)
    rows, columns = np.nonzero((tile == PATCH_RGB).all(-1))
    frame_rows, frame_columns = np.nonzero((tile != 255).any(-1))
    assert (rows.min() - frame_rows.min(), columns.min() - frame_columns.min()) == (10, 60)


def test_worst_and_best_stand_in_one_picture_with_their_places() -> None:
    """One mark of place for each patch."""
    marked = count_of(extremes_figure([placed(0), placed(1)], [placed(2)]), PATCH_RGB)
    assert marked == 3 * count_of(extremes_figure([placed(0)], []), PATCH_RGB)
    assert rgb("#D55E00") == PATCH_RGB


@pytest.mark.parametrize("n", [1, 9])
def test_samples_fill_rows(n: int) -> None:
    """Eight a row; a row that is not full leaves white."""
    png = samples_figure(np.zeros((n, 8, 8)))
    assert count_of(png, (0, 0, 0)) == n * 96 * 96  # there is no letter in it


def test_noise_is_kept_to_the_grey_level() -> None:
    """A PNG of patches is lossless."""
    shown = pixels(samples_figure(NOISE[:1]))[..., 0]
    assert shown[12 + 3 : 12 + 96 : 6, 12 + 3 : 12 + 96 : 6].tolist() == np.rint(255 * NOISE[0]).astype(int).tolist()
