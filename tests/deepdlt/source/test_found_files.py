"""Files of a source: found in a folder, told apart, and read within a limit."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from deepdlt.digest import digest_bytes
from deepdlt.source.errors import SheetAmbiguous, SheetMissing, SourceMissing
from deepdlt.source.file_content import read_content
from deepdlt.source.files import find_files
from deepdlt.source.fingerprint import Listing, fingerprint_folder
from deepdlt.source.image_errors import FileTooLarge, FileUnreadable, FileVanished
from deepdlt.source.images import find_images, find_sheet, list_inputs


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_images_are_found_below_the_folder_in_any_letter_case(tmp_path: Path) -> None:
    """PNG, TIFF and BMP in sub-folders are found, in the order of their paths; other files are not."""
    names = ["B/x.TIFF", "a.png", "b/c/d.BMP", "e.Tif"]
    wanted = [touch(tmp_path / name) for name in names]
    for name in ("a.jpg", "notes.txt", "png", ".hidden.png", ".git/x.png", "b/.x.bmp", "~$a.png"):
        touch(tmp_path / name)
    (tmp_path / "folder.png").mkdir()
    assert find_images(tmp_path) == wanted


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    """Links inside the folder are followed, links out of it are listed and left alone, loops end."""
    root = tmp_path / "root"
    real, outside = touch(root / "real.png"), touch(tmp_path / "outside" / "secret.png")
    (root / "inside.png").symlink_to(real)
    (root / "gone.png").symlink_to(root / "nothing.png")
    (root / "out.png").symlink_to(outside)
    (root / "out").symlink_to(outside.parent)
    (root / "loop").symlink_to(root)
    found = find_files(root)
    assert found.images == (root / "gone.png", root / "inside.png", real)
    assert found.links_out == (root / "out", root / "out.png")


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    """What is found keeps the name under which the folder was given."""
    touch(tmp_path / "real" / "a.png")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert find_images(tmp_path / "link") == [tmp_path / "link" / "a.png"]


def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    """A named pipe that is called an image would block for ever."""
    os.mkfifo(tmp_path / "pipe.png")
    assert find_images(tmp_path) == []


def test_the_only_table_is_the_sheet(tmp_path: Path) -> None:
    """One xlsx or csv below the folder is found; lock files and hidden files do not count."""
    sheet = touch(tmp_path / "images" / "all.XLSX")
    touch(tmp_path / "images" / "~$all.xlsx")
    touch(tmp_path / ".all.csv")
    assert find_sheet(tmp_path) == sheet
    assert list_inputs(tmp_path) == [sheet]


def test_two_tables_are_told_by_name(tmp_path: Path) -> None:
    """With two candidates both are named, and naming one settles it."""
    first, second = touch(tmp_path / "a.csv"), touch(tmp_path / "b" / "c.xlsx")
    with pytest.raises(SheetAmbiguous, match=r"a\.csv, b/c\.xlsx") as caught:
        find_sheet(tmp_path)
    assert caught.value.candidates == (first, second)
    assert find_sheet(tmp_path, sheet=Path("b/c.xlsx")) == second
    assert find_sheet(tmp_path, sheet=second) == second


def test_a_missing_sheet_or_folder_is_said(tmp_path: Path) -> None:
    """No table, a named one that is not there, and no folder are three clear errors."""
    with pytest.raises(SheetMissing):
        find_sheet(tmp_path)
    with pytest.raises(SheetMissing, match=r"named\.csv"):
        find_sheet(tmp_path, sheet=Path("named.csv"))
    with pytest.raises(SourceMissing, match="nowhere"):
        find_images(tmp_path / "nowhere")


def test_reading_keeps_to_the_limit(tmp_path: Path) -> None:
    """A file of exactly the limit is read, a larger one is not; both vanish or refuse with a rule."""
    path = touch(tmp_path / "a.png")
    assert read_content(path, shown_as="a.png", max_bytes=1) == b"x"
    path.write_bytes(b"xy")
    with pytest.raises(FileTooLarge, match="2 bytes"):
        read_content(path, shown_as="a.png", max_bytes=1)
    path.unlink()
    with pytest.raises(FileVanished):
        read_content(path, shown_as="a.png")
    with pytest.raises(FileUnreadable):
        read_content(tmp_path, shown_as="folder")


def test_files_of_a_folder_that_may_be_listed_and_not_entered_are_reported_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are found, so that reading says of each that it may not be read; the others go on."""
    closed, image = touch(tmp_path / "closed" / "b.png"), touch(tmp_path / "a.png")
    look = os.stat

    def refused(path: Any, *args: Any, **given: Any) -> os.stat_result:
        if closed.parent in Path(path).parents:  # as for anyone but root after chmod a-x
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return look(path, *args, **given)

    monkeypatch.setattr(os, "stat", refused)
    assert find_files(tmp_path).images == (image, closed)
    assert list_inputs(tmp_path, sheet=closed.with_suffix(".csv")) == [image, closed]
    with pytest.raises(SheetMissing):
        find_sheet(tmp_path, sheet=closed.with_suffix(".csv"))


def test_a_fingerprint_is_of_the_bytes_however_large_the_pieces(tmp_path: Path) -> None:
    """What an ingest digested stands for what is read piece by piece."""
    contents = {"a.png": b"", "b.png": bytes(range(256)) * 5000}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    known = {name: digest_bytes(content) for name, content in contents.items()}
    assert fingerprint_folder(tmp_path) == Listing(tmp_path).fingerprint(known)


def test_a_file_above_the_limit_is_told_by_its_size_and_never_read(tmp_path: Path) -> None:
    """A sparse file of a terabyte costs a look at its size; another size is another state of the folder."""
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(2**40)
    first = fingerprint_folder(tmp_path)
    os.truncate(tmp_path / "huge.png", 2**40 + 1)
    assert fingerprint_folder(tmp_path) != first
