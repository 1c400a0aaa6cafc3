"""Synthetic folders look like the real one, repeat byte for byte, grow, and never touch what is not theirs."""

import hashlib
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from deepdlt.synthetic.conditions import CONDITIONS, condition_of
from deepdlt.synthetic.synth import HEADERS, FolderTaken, SyntheticSummary, write_synthetic


def written(
    target: Path, n_images: int = 3, seed: int = 0, height_px: int = 32, width_px: int = 40
) -> SyntheticSummary:
    """Write a small folder."""
    return write_synthetic(target, n_images=n_images, seed=seed, height_px=height_px, width_px=width_px)


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_sheet_names_every_image_and_every_image_has_a_row(tmp_path: Path) -> None:
    """Names end in .bmp as in the real sheet, files in .png, and both agree without their suffix."""
    summary = written(tmp_path, 24)
    names = pl.read_excel(summary.sheet)["Names"]
    files = {str(path.relative_to(tmp_path).with_suffix("")) for path in tmp_path.rglob("*.png")}
    assert {name.removesuffix(".bmp") for name in names} == files
    assert len(names) == len(files) == summary.n_images == summary.n_written == 24
    assert any(name.count("/") == 3 for name in names), "a folder within a folder"


def test_the_sheet_has_the_real_headers_and_types(tmp_path: Path) -> None:
    """Fourteen columns; categories hold letters or 0, the rest numbers; empty cells around do not count."""
    sheet = pl.read_excel(written(tmp_path, 24).sheet)
    assert tuple(sheet.columns) == HEADERS
    assert sheet.height == 24
    assert sheet.schema["angle [deg]"] == pl.Float64
    assert sheet.schema["NP"] == pl.Int64
    assert set(sheet["PP1"]) == {"0", "D", "H", "V"}
    assert sheet["DimY [μm]"].unique().sort().to_list() == [9.6, 32.0]


def test_twenty_four_images_are_balanced_over_every_label() -> None:
    """Three angles and patterns, eight each; five pulse numbers and many energies, enough for five folds."""
    assert set(Counter(c.angle_deg for c in CONDITIONS).values()) == {8}
    assert Counter(c.pattern for c in CONDITIONS) == {"V": 8, "H": 8, "D": 8}
    assert len({c.n_pulses for c in CONDITIONS}) == 5
    assert len({c.pulse_energy_1_uj for c in CONDITIONS}) >= 5
    for start in range(22):
        assert len({c.angle_deg for c in CONDITIONS[start : start + 3]}) == 3


def test_names_never_repeat() -> None:
    """A thousand images have a thousand names, and repeats keep their labels."""
    names = [(condition_of(i).folder, condition_of(i).stem) for i in range(1000)]
    assert len(set(names)) == 1000
    assert condition_of(999).n_pulses == CONDITIONS[999 % 24].n_pulses


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """Two folders made apart are equal, sheet included; another seed gives other pictures."""
    written(tmp_path / "one")
    written(tmp_path / "two")
    written(tmp_path / "three", seed=1)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    pictures = [{d for name, d in digests(tmp_path / seed).items() if "png" in name} for seed in ("one", "three")]
    assert pictures[0].isdisjoint(pictures[1])


def test_the_sheet_bears_a_fixed_date(tmp_path: Path) -> None:
    """The time of writing would make the same sheet another file every second."""
    with zipfile.ZipFile(written(tmp_path).sheet) as archive:
        assert archive.read("docProps/core.xml").count(b"2020-11-30T00:00:00Z") == 2
        assert {member.date_time[0] for member in archive.infolist()} == {1980}


def test_all_pictures_differ_between_seeds_and_indices(tmp_path: Path) -> None:
    """No picture is repeated, not even where a condition is."""
    written(tmp_path / "one", 50)
    written(tmp_path / "two", 50, seed=1)
    pixels = {np.asarray(Image.open(path)).tobytes() for path in tmp_path.rglob("*.png")}
    assert len(pixels) == 100


def test_a_second_call_writes_nothing(tmp_path: Path) -> None:
    """On a complete folder no file is touched."""
    written(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert written(tmp_path).n_written == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_more_images_extend_a_folder_and_change_none(tmp_path: Path) -> None:
    """Growing from 3 to 5 gives what 5 at once give, and rewrites no picture."""
    written(tmp_path / "grown", 3)
    first = digests(tmp_path / "grown")
    assert written(tmp_path / "grown", 5).n_written == 2
    written(tmp_path / "once", 5)
    assert digests(tmp_path / "grown") == digests(tmp_path / "once")
    pictures = {name for name in first if name.endswith(".png")}
    assert all(digests(tmp_path / "grown")[name] == first[name] for name in pictures)


def test_fewer_images_leave_the_others_in_place(tmp_path: Path) -> None:
    """Nothing is deleted, and the sheet still has a row for every image."""
    written(tmp_path, 5)
    before = digests(tmp_path)
    assert written(tmp_path, 2).n_images == 5
    assert digests(tmp_path) == before


def test_a_lost_picture_and_a_lost_sheet_are_made_again(tmp_path: Path) -> None:
    """An interrupted call leaves gaps; the next one fills them with the same bytes."""
    written(tmp_path, 5)
    before = digests(tmp_path)
    (tmp_path / "all_images.xlsx").unlink()
    next(tmp_path.rglob("12-1.png")).unlink()
    (tmp_path / "Paper Data" / ".12-1.png.part").write_bytes(b"torn")
    assert written(tmp_path, 1).n_written == 1
    assert {name: value for name, value in digests(tmp_path).items() if not name.endswith(".part")} == before


@pytest.mark.parametrize("changes", [{"seed": 1}, {"height_px": 48}, {"width_px": 48}], ids=str)
def test_a_folder_of_other_settings_is_refused(tmp_path: Path, changes: dict[str, int]) -> None:
    """Pictures of two seeds or sizes never mix; nothing is written."""
    written(tmp_path)
    before = digests(tmp_path)
    with pytest.raises(FolderTaken, match="other settings") as caught:
        written(tmp_path, **changes)
    assert caught.value.target == tmp_path
    assert digests(tmp_path) == before


@pytest.mark.parametrize("name", ["all_images.xlsx", "Paper Data/Double pulses/12-1.png", "letter.txt"])
def test_files_of_others_are_never_touched(tmp_path: Path, name: str) -> None:
    """A folder that holds any other file is refused, above all one that holds a real sheet or image."""
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"mine")
    with pytest.raises(FolderTaken, match="is not a synthetic image"):
        written(tmp_path)
    assert digests(tmp_path) == {name: hashlib.sha256(b"mine").hexdigest()}


def test_a_real_looking_picture_without_the_stamp_is_refused(tmp_path: Path) -> None:
    """A valid PNG in our own place is still somebody's."""
    path = tmp_path / "Paper Data/Double pulses/12-1.png"
    path.parent.mkdir(parents=True)
    Image.new("L", (40, 32)).save(path)
    with pytest.raises(FolderTaken):
        written(tmp_path)


@pytest.mark.parametrize("changes", [{"n_images": 0}, {"seed": -1}, {"height_px": 15}, {"width_px": 15}], ids=str)
def test_numbers_out_of_bounds_are_refused(tmp_path: Path, changes: dict[str, int]) -> None:
    """And no folder is made."""
    with pytest.raises(ValueError, match="n_images must be at least 1"):
        written(tmp_path / "new", **changes)
    assert not (tmp_path / "new").exists()
