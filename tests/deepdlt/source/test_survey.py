"""Surveys: every bad file and row of a folder is told, the good ones go on."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from deepdlt.digest import digest_bytes
from deepdlt.sheets.field_of_view import height_misfit, pixel_size_nm
from deepdlt.sheets.sheet import load_spec
from deepdlt.source.errors import NoImages, SheetAmbiguous, SheetMissing, SourceMissing
from deepdlt.source.faults import FAULT_SCHEMA, Fault, Remark, fault_frame
from deepdlt.source.images import image_id_of
from deepdlt.source.survey import KnownImage, Survey, survey

SPEC = load_spec()
HEADER = [SPEC.name_header, *(column.header for column in SPEC.columns)]
DLIP = Path(__file__).parents[3].parent / "shared" / "dlip"


def pixels_of(seed: int, height: int = 80, width: int = 100) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def save(path: Path, seed: int, *, height: int = 80, width: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels_of(seed, height, width)).save(path)
    return path


def row(name: str, n_pulses: object = 10, view_y_um: float = 8.0) -> str:
    """A row for images of 100 x 80 px with pixels of 100 nm."""
    return f'"{name}",{view_y_um},10,1026,150,19,V,0,500,{n_pulses},46,0,H,0'


def write_sheet(path: Path, rows: Sequence[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([",".join(HEADER), *rows]) + "\n", encoding="utf-8")
    return path


def look(root: Path, known: Mapping[str, KnownImage] | None = None, sheet: Path | None = None) -> Survey:
    return survey(root, spec=SPEC, known=known or {}, sheet=sheet)


def rules(frame: pl.DataFrame) -> dict[str, list[str]]:
    """Rule names by path."""
    found: dict[str, list[str]] = {}
    for path, rule in frame.select("path", "rule").rows():
        found.setdefault(path, []).append(rule)
    return found


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in (root, *root.rglob("*"))}


def test_files_and_rows_meet_by_path_without_suffix(tmp_path: Path) -> None:
    """Names are relative to the sheet's folder, paths to the source; labels carry the pixel size."""
    first = save(tmp_path / "images" / "a" / "1-1.png", 1)
    save(tmp_path / "images" / "b" / "1-1.tif", 2)
    write_sheet(tmp_path / "images" / "all.csv", [row("b\\1-1.bmp", 20), row("a/1-1.bmp")])
    before = snapshot(tmp_path)
    found = look(tmp_path)
    assert found.rejected.height == found.warnings.height == 0
    assert found.sources.row(0) == (
        "images/a/1-1.png", digest_bytes(first.read_bytes()), first.stat().st_size, image_id_of(pixels_of(1)),
    )  # fmt: skip
    assert found.images.row(0) == (image_id_of(pixels_of(1)), 80, 100, "PNG", "L")
    assert found.labels["name"].to_list() == ["a/1-1.bmp", "b\\1-1.bmp"]
    assert found.labels.select("image_id", "sheet", "sheet_row", "pixel_size_nm", "n_pulses").row(1) == (
        image_id_of(pixels_of(2)), "images/all.csv", 2, 100.0, 20,
    )  # fmt: skip
    assert snapshot(tmp_path) == before


def test_frames_have_the_columns_and_types_of_the_lake(tmp_path: Path) -> None:
    """Also without a single usable image, every frame has its columns and types."""
    (tmp_path / "a.png").write_bytes(b"")
    write_sheet(tmp_path / "all.csv", [row("a")])
    found = look(tmp_path)
    assert list(found.images.schema) == ["image_id", "height_px", "width_px", "file_format", "source_mode"]
    assert list(found.sources.schema) == ["path", "file_digest", "n_bytes", "image_id"]
    fixed = ["image_id", "name", "sheet", "sheet_row", "row_digest", "pixel_size_nm"]
    assert list(found.labels.schema) == [*fixed, *SPEC.dtypes]
    assert dict(found.rejected.schema) == dict(found.warnings.schema) == FAULT_SCHEMA
    assert found.images.schema["height_px"] == found.labels.schema["sheet_row"] == pl.Int32


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    """One folder with everything that can be wrong, and three good images."""
    root = tmp_path_factory.mktemp("messy") / "source"
    for number in range(3):
        save(root / f"good-{number}.png", number)
    save(root / "unlabelled.png", 10)
    save(root / "small.png", 11, height=63)
    save(root / "large.png", 12, height=120)
    save(root / "label.png", 13)
    save(root / "twice.png", 14)
    save(root / "quarrel.png", 15)
    save(root / "pair.png", 16)
    save(root / "pair.bmp", 17)
    save(root / "same-1.png", 18)
    save(root / "same-2.bmp", 18)
    save(root / "unlike-1.png", 19)
    save(root / "unlike-2.png", 19)
    (root / "empty.png").write_bytes(b"")
    (root / "text.png").write_bytes(b"no picture")
    cut = (root / "good-0.png").read_bytes()
    (root / "cut.png").write_bytes(cut[: len(cut) // 2])
    (root / "broken.png").write_bytes(cut[:200] + bytes(100) + cut[300:])
    Image.fromarray(np.dstack([pixels_of(20)] * 3)).save(root / "colour.png")
    (root / "gone.png").symlink_to(root / "nothing")
    (root / "out.png").symlink_to(save(root.parent / "outside.png", 21))
    Path(os.fsdecode(os.fsencode(root) + b"/bad\xff.png")).write_bytes(cut)
    labelled = ["good-0", "good-1", "good-2", "small", "large", "twice", "twice", "quarrel", "pair"]
    labelled += ["same-1", "same-2", "unlike-1", "empty", "text", "cut", "broken", "colour", "gone"]
    rows = [row(name) for name in labelled]
    rows += [row("label", -10), row("quarrel", 20), row("unlike-2", 20), row("absent"), row("../outside")]
    write_sheet(root / "sheet.csv", rows)
    return look(root)


def test_good_images_go_on_beside_bad_ones(messy: Survey) -> None:
    """Nothing that is wrong with others costs a good image."""
    assert messy.sources["path"].to_list() == [
        "colour.png", "good-0.png", "good-1.png", "good-2.png", "large.png", "same-1.png", "same-2.bmp", "twice.png",
    ]  # fmt: skip
    assert messy.images.height == messy.labels.height == 7


def test_every_bad_file_and_row_is_rejected_by_its_rule(messy: Survey) -> None:
    """Each bad input is named once, with the rule it breaks."""
    assert rules(messy.rejected) == {
        "unlabelled.png": ["image-without-row"],
        "small.png": ["image-too-small"],
        "pair.bmp": ["name-ambiguous"],
        "pair.png": ["name-ambiguous"],
        "unlike-1.png": ["duplicate-image-contradicts"],
        "unlike-2.png": ["duplicate-image-contradicts"],
        "empty.png": ["image-empty"],
        "text.png": ["not-an-image"],
        "cut.png": ["image-truncated"],
        "broken.png": ["image-unreadable"],
        "gone.png": ["file-vanished"],
        "out.png": ["link-leaves-folder"],
        "bad\\udcff.png": ["name-unusable"],
        "sheet.csv#row 9": ["duplicate-row-contradicts"],
        "sheet.csv#row 20": ["label-out-of-bounds"],
        "sheet.csv#row 21": ["duplicate-row-contradicts"],
        "sheet.csv#row 23": ["row-without-image"],
        "sheet.csv#row 24": ["name-unusable"],
    }


def test_every_fault_says_which_value_and_what_to_do(messy: Survey) -> None:
    """No fault is without message and remedy, and none shares path, digest and rule with another."""
    faults = pl.concat([messy.rejected, messy.warnings])
    assert faults.filter((pl.col("message") == "") | (pl.col("remedy") == "") | (pl.col("value") == "")).height == 0
    assert faults.select("path", "digest", "rule").is_duplicated().sum() == 0


def test_what_is_odd_but_usable_is_warned_of(messy: Survey) -> None:
    """Other sizes, conversions, repeated rows and repeated pictures are accepted with a warning."""
    assert rules(messy.warnings) == {
        "colour.png": ["converted-to-grey"],
        "large.png": ["field-of-view-mismatch", "size-differs"],
        "same-2.bmp": ["duplicate-image"],
        "sheet.csv#row 8": ["duplicate-row"],
    }


def test_known_content_is_digested_and_not_decoded(tmp_path: Path) -> None:
    """A file whose digest is known is believed, its remarks stand, and its content is not new."""
    (tmp_path / "a.png").write_bytes(b"not even an image")
    write_sheet(tmp_path / "all.csv", [row("a")])
    remark = Remark("converted-to-grey", "RGB", "Said before.", "Nothing.")
    known = {digest_bytes(b"not even an image"): KnownImage("1" * 32, 80, 100, (remark,))}
    found = look(tmp_path, known)
    assert found.rejected.height == found.images.height == 0
    assert found.sources["image_id"].to_list() == found.labels["image_id"].to_list() == ["1" * 32]
    assert found.warnings["message"].to_list() == ["Said before."]


def test_a_picture_under_a_new_name_or_format_is_not_new(tmp_path: Path) -> None:
    """Identity is that of the pixels: a renamed copy in another format brings a source and no image."""
    save(tmp_path / "a.png", 1)
    write_sheet(tmp_path / "all.csv", [row("a")])
    first = look(tmp_path)
    (digest, image_id) = first.sources.select("file_digest", "image_id").row(0)
    (tmp_path / "a.png").unlink()
    save(tmp_path / "b.bmp", 1)
    write_sheet(tmp_path / "all.csv", [row("b")])
    second = look(tmp_path, {digest: KnownImage(image_id, 80, 100)})
    assert second.images.height == 0
    assert second.sources["image_id"].to_list() == [image_id]
    assert second.labels["name"].to_list() == ["b"]


def test_a_changed_label_row_changes_its_digest_alone(tmp_path: Path) -> None:
    """New labels for an old image: same image, other row digest."""
    save(tmp_path / "a.png", 1)
    write_sheet(tmp_path / "all.csv", [row("a")])
    first = look(tmp_path).labels
    write_sheet(tmp_path / "all.csv", [row("a", 20)])
    second = look(tmp_path).labels
    assert first["image_id"].to_list() == second["image_id"].to_list()
    assert first["row_digest"].to_list() != second["row_digest"].to_list()


def test_a_sheet_beside_the_image_folder_names_paths_from_the_source(tmp_path: Path) -> None:
    """Files that are not below the sheet's folder are named relative to the source."""
    save(tmp_path / "pictures" / "a.png", 1)
    write_sheet(tmp_path / "labels" / "all.csv", [row("pictures/a")])
    assert look(tmp_path).labels["sheet"].to_list() == ["labels/all.csv"]


def test_a_sheet_outside_the_source_can_be_named(tmp_path: Path) -> None:
    """A named sheet may lie anywhere; its names are then relative to the source."""
    save(tmp_path / "source" / "a.png", 1)
    sheet = write_sheet(tmp_path / "all.csv", [row("a")])
    for named in (sheet, Path("../all.csv")):
        assert look(tmp_path / "source", sheet=named).labels["sheet"].to_list() == ["../all.csv"]


def test_a_folder_that_cannot_be_used_as_a_whole_is_refused(tmp_path: Path) -> None:
    """No folder, no images, no sheet and two sheets are exceptions, each naming what it looked at."""
    with pytest.raises(SourceMissing):
        look(tmp_path / "nowhere")
    write_sheet(tmp_path / "all.csv", [row("a")])
    with pytest.raises(NoImages, match=str(tmp_path)):
        look(tmp_path)
    save(tmp_path / "a.png", 1)
    write_sheet(tmp_path / "old.csv", [row("a")])
    with pytest.raises(SheetAmbiguous, match=r"all\.csv, old\.csv"):
        look(tmp_path)
    assert look(tmp_path, sheet=Path("old.csv")).labels.height == 1
    (tmp_path / "all.csv").unlink()
    (tmp_path / "old.csv").unlink()
    with pytest.raises(SheetMissing):
        look(tmp_path)


def test_progress_is_told_file_by_file(tmp_path: Path) -> None:
    """The callback hears of every file in order, with the total."""
    for number in range(3):
        save(tmp_path / f"{number}.png", number)
    write_sheet(tmp_path / "all.csv", [row(str(number)) for number in range(3)])
    heard: list[tuple[int, int]] = []
    survey(tmp_path, spec=SPEC, known={}, on_progress=lambda done, of: heard.append((done, of)))
    assert heard == [(1, 3), (2, 3), (3, 3)]


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(6)), n_threads=st.integers(1, 4))
def test_order_of_rows_and_threads_do_not_count(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], n_threads: int
) -> None:
    """Rows in any order and any number of threads give the same images, sources and labels."""
    root = tmp_path_factory.mktemp("order")
    names = [save(root / f"{number}.png", number % 4).stem for number in range(6)]
    write_sheet(root / "all.csv", [row(names[number]) for number in order])
    found = survey(root, spec=SPEC, known={}, n_threads=n_threads)
    plain = [image_id_of(pixels_of(number % 4)) for number in range(6)]
    assert found.sources["image_id"].to_list() == plain
    assert found.labels["image_id"].to_list() == found.images["image_id"].to_list() == plain[:4]
    assert found.labels["name"].to_list() == names[:4]
    assert found.warnings["path"].to_list() == ["4.png", "5.png"]


def test_limits_reach_every_file(tmp_path: Path) -> None:
    """Files with too many bytes or pixels are rejected, each by its own rule."""
    save(tmp_path / "a.png", 1)
    save(tmp_path / "b.bmp", 2, height=200)
    write_sheet(tmp_path / "all.csv", [row("a"), row("b")])
    found = survey(tmp_path, spec=SPEC, known={}, max_pixels=7_999, max_bytes=15_000)
    assert rules(found.rejected) == {"a.png": ["image-too-large"], "b.bmp": ["file-too-large"]}


def test_pixel_size_is_field_of_view_over_width() -> None:
    """40 um over 1280 pixels are 31.25 nm; a height cut from 1024 to 960 rows is remarked."""
    view = {"field_of_view_x_um": 40.0, "field_of_view_y_um": 32.0}
    assert pixel_size_nm(view, spec=SPEC, width_px=1280) == 31.25
    assert height_misfit(view, spec=SPEC, height_px=1024, width_px=1280) == ()
    (remark,) = height_misfit(view, spec=SPEC, height_px=960, width_px=1280)
    assert (remark.rule, remark.value) == ("field-of-view-mismatch", "32 um")
    assert "1024" in remark.message
    unknown = {"field_of_view_x_um": None, "field_of_view_y_um": 32.0}
    assert pixel_size_nm(unknown, spec=SPEC, width_px=1280) is None
    assert height_misfit(unknown, spec=SPEC, height_px=960, width_px=1280) == ()
    no_view = SPEC.model_copy(update={"field_of_view": None})
    assert pixel_size_nm(view, spec=no_view, width_px=1280) is None


def test_faults_of_one_rule_and_place_become_one() -> None:
    """Two cells that break the same rule share a row that names both; the rest is sorted."""
    frame = fault_frame(
        [
            Fault("b", "", "rule", "x\0", "One.", "Mend."),
            Fault("a", "1", "rule", "NP = 1", "One.", "Mend."),
            Fault("a", "1", "rule", "P = 1", "Two.", "Mend."),
        ]
    )
    assert frame.rows() == [
        ("a", "1", "rule", "NP = 1; P = 1", "One. Two.", "Mend."),
        ("b", "", "rule", "x\\x00", "One.", "Mend."),
    ]


def test_a_survey_does_not_load_torch() -> None:
    """Looking through a folder must start at once."""
    code = "import sys, deepdlt.source.survey; print({'torch', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.skipif(not DLIP.is_dir(), reason="the real images are not on this machine")
def test_the_real_images_are_all_taken() -> None:
    """167 real images: none rejected; that the banner was cut off is the only remark."""
    found = look(DLIP, _known_by_bytes())
    assert found.sources.height == found.labels.height == 167
    assert found.rejected.height == 0
    assert rules(found.warnings) == {path: ["field-of-view-mismatch"] for path in found.sources["path"]}
    assert set(found.labels["pattern"]) == {"V", "H", "D"}
    assert set(found.labels["pixel_size_nm"]) == {9.375, 31.25, 46.875}


def _known_by_bytes() -> dict[str, KnownImage]:
    """Pretend that all but one folder is known: decoding all takes seconds."""
    files = [path for path in sorted((DLIP / "images").rglob("*.png")) if "Details" not in path.parts]
    digests = [digest_bytes(path.read_bytes()) for path in files]
    return {digest: KnownImage(digest, 960, 1280) for digest in digests}
