"""From image to patches with as little work as can be: each file read once, each image decoded once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from counting import count_calls, opened_files
from PIL import Image
from sources import Source

from deepdlt.config import PatchRecipe
from deepdlt.source import examine
from deepdlt.source import images as decoding
from deepdlt.source.images import image_id_of
from lake import Lake
from lake.shards import read_patches
from tasks.cutting import EARLY, Cut, EarlyCuts, cut_image
from tasks.ingest import ingest_source
from tasks.prepare import cut_missing

SMALL = PatchRecipe(n_per_image=2, size_px=8)


def pixels(number: int, edge_px: int = 16) -> np.ndarray:
    """An image of its own."""
    return np.random.default_rng(number).integers(0, 256, (edge_px, edge_px), dtype=np.uint8)


@pytest.fixture(autouse=True)
def nothing_early() -> None:
    """No cut is left from another test."""
    EARLY.clear()


def test_two_files_of_equal_pixels_take_the_room_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are cut at once, and one of the cuts is kept: what is let go of leaves room for as much."""
    early = EarlyCuts(SMALL, max_bytes=2 * SMALL.n_per_image * SMALL.size_px**2)
    both = threading.Barrier(2)

    def cut(image_id: str, grey: np.ndarray, recipe: PatchRecipe) -> Cut:
        both.wait(60)
        return cut_image(image_id, grey, recipe)

    with monkeypatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setattr("tasks.cutting.cut_image", cut)
        for done in [pool.submit(early.offer, "a", pixels(0)) for _ in range(2)]:
            done.result()
    early.offer("b", pixels(1))
    assert early.take("b", SMALL) is not None


def test_an_image_is_read_and_decoded_once_from_ingest_to_patches(
    source: Source, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its patches are cut while the ingest has its pixels, and its file is digested from the same bytes."""
    decoded = count_calls(monkeypatch, (examine, "decode_image"), (decoding, "decode_image"))
    with opened_files() as opened:
        cut = cut_missing(ingest_source(source.folder)["source"], PatchRecipe())
    images = [path for path in opened if path.endswith(".png")]
    assert cut["n_new_patches"] == 12 * 100
    assert decoded == [12]
    assert len(images) == 12
    assert {opened[path] for path in images} == {1}


def test_ten_new_images_are_ten_decodings(source: Source, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images that have their patches are digested and left alone."""
    hidden = [source.image(row) for row in range(10)]
    for path in hidden:
        path.rename(path.with_suffix(".away"))
    cut_missing(ingest_source(source.folder)["source"], PatchRecipe())
    for path in hidden:
        path.with_suffix(".away").rename(path)
    decoded = count_calls(monkeypatch, (examine, "decode_image"), (decoding, "decode_image"))
    cut = cut_missing(ingest_source(source.folder)["source"], PatchRecipe())
    assert (cut["n_images"], cut["n_new_patches"]) == (12, 10 * 100)
    assert decoded == [10]


def test_patches_cut_early_are_those_cut_late(source: Source, lake: Lake, tmp_path: Path) -> None:
    """Another process, which has no early cuts, stores the same patches under the same names."""
    folder = ingest_source(source.folder)["source"]
    cut_missing(folder, PatchRecipe())
    stored = lake.query("SELECT * FROM patches ORDER BY patch_id")
    row = stored.row(0, named=True)
    path = lake.query("SELECT path FROM sources WHERE image_id = ?", [row["image_id"]]).item()
    with Image.open(source.folder / path) as image:
        late = cut_image(row["image_id"], np.array(image), PatchRecipe())
    place = late.manifest["patch_id"].to_list().index(row["patch_id"])
    assert np.array_equal(read_patches(lake.root, stored[:1], size_px=64)[0], late.pixels[place])


def test_a_cut_is_handed_over_once_and_for_its_recipe_alone() -> None:
    """Another recipe gets nothing and leaves it there; the second to ask decodes for itself."""
    early = EarlyCuts(SMALL)
    early.offer(image_id_of(pixels(0)), pixels(0))
    assert early.take(image_id_of(pixels(0)), SMALL.model_copy(update={"seed": 1})) is None
    found = early.take(image_id_of(pixels(0)), SMALL)
    assert found is not None
    assert np.array_equal(found.pixels, cut_image(image_id_of(pixels(0)), pixels(0), SMALL).pixels)
    assert early.take(image_id_of(pixels(0)), SMALL) is None


def test_memory_bounds_what_is_cut_early() -> None:
    """What comes beyond the bound is not kept; room that is given back is used again."""
    early = EarlyCuts(SMALL, max_bytes=2 * 2 * 64)
    for number in range(3):
        early.offer(str(number), pixels(number))
    held = [number for number in range(3) if early.take(str(number), SMALL)]
    assert held == [0, 1]
    early.offer("3", pixels(3))
    assert early.take("3", SMALL) is not None


def test_an_image_without_room_for_a_patch_is_not_cut_early() -> None:
    """The survey judges it."""
    early = EarlyCuts(SMALL)
    early.offer("small", pixels(0, edge_px=7))
    assert early.take("small", SMALL) is None
