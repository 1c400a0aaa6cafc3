"""A folder appears as a whole, replaces only what was written before, and survives a failure."""

import json
from pathlib import Path

import pytest

from deepdlt.replacing import MARKER_NAME, TargetForeign, _swap, leftovers, replaced_folder


def write(target: Path, text: str, name: str = "table.csv") -> None:
    """Replace a folder by one with a single file."""
    with replaced_folder(target) as folder:
        (folder / name).write_text(text)


def write_half(target: Path, error: type[BaseException]) -> None:
    """Fail in the middle of replacing a folder."""
    with replaced_folder(target) as folder:
        (folder / "table.csv").write_text("half")
        raise error


def names_in(folder: Path) -> list[str]:
    """Return what lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_new_folder_appears_when_all_is_written(tmp_path: Path) -> None:
    """Parents are made, nothing is there before the end, and nothing is left beside it."""
    target = tmp_path / "deep" / "export"
    with replaced_folder(target) as folder:
        (folder / "table.csv").write_text("a")
        assert not target.exists()
    assert names_in(target) == [MARKER_NAME, "table.csv"]
    assert names_in(target.parent) == ["export"]


def test_a_former_export_is_replaced_whole(tmp_path: Path) -> None:
    """Files that the new export does not have are gone."""
    write(tmp_path / "export", "old", "old.csv")
    write(tmp_path / "export", "new", "new.csv")
    assert names_in(tmp_path / "export") == [MARKER_NAME, "new.csv"]
    assert names_in(tmp_path) == ["export"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    """A folder that somebody made ready is nobody's data."""
    (tmp_path / "export").mkdir()
    write(tmp_path / "export", "a")
    assert (tmp_path / "export" / "table.csv").read_text() == "a"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_the_former_export(tmp_path: Path, error: type[BaseException]) -> None:
    """An error or Ctrl-C halfway changes nothing and leaves nothing behind."""
    write(tmp_path / "export", "old")
    with pytest.raises(error):
        write_half(tmp_path / "export", error)
    assert (tmp_path / "export" / "table.csv").read_text() == "old"
    assert names_in(tmp_path) == ["export"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Where the target is a link to a folder, that folder is replaced."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "export").symlink_to(tmp_path / "disk")
    write(tmp_path / "export", "a")
    assert (tmp_path / "export").is_symlink()
    assert (tmp_path / "disk" / "table.csv").read_text() == "a"


@pytest.mark.parametrize(
    "marker",
    [None, "", "[]", "{}", '{"entries": 1}', json.dumps({"entries": ["other.csv"]})],
    ids=["none", "empty", "list", "no entries", "a number", "others"],
)
def test_a_folder_of_somebody_is_never_replaced(tmp_path: Path, marker: str | None) -> None:
    """Without a marker that names it, a file is foreign, and the error names the file."""
    target = tmp_path / "home"
    target.mkdir()
    (target / "letter.txt").write_text("mine")
    if marker is not None:
        (target / MARKER_NAME).write_text(marker)
    with pytest.raises(TargetForeign, match=r"letter\.txt is not from a former export") as caught:
        write(target, "a")
    assert caught.value.found == "letter.txt"
    assert (target / "letter.txt").read_text() == "mine"
    assert names_in(tmp_path) == ["home"]


def test_a_foreign_target_is_seen_before_any_work(tmp_path: Path) -> None:
    """The block that may take minutes is not entered, and nothing is written beside the target."""
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(TargetForeign):
        replaced_folder(tmp_path).__enter__()
    assert names_in(tmp_path.parent).count(tmp_path.name) == 1
    assert not list(tmp_path.parent.glob(".*partial*"))


def test_the_former_export_comes_back_if_the_new_one_cannot_take_its_place(tmp_path: Path) -> None:
    """A swap that fails after its first step undoes it."""
    write(tmp_path / "export", "old")
    with pytest.raises(FileNotFoundError):
        _swap(tmp_path / "missing", tmp_path / "export")
    assert (tmp_path / "export" / "table.csv").read_text() == "old"
    assert names_in(tmp_path) == ["export"]


def test_a_file_added_to_an_export_is_not_lost(tmp_path: Path) -> None:
    """Nor one added while the new export is being written."""
    write(tmp_path / "export", "old")
    (tmp_path / "export" / "notes.txt").write_text("mine")
    with pytest.raises(TargetForeign):
        write(tmp_path / "export", "new")
    (tmp_path / "export" / "notes.txt").unlink()
    with pytest.raises(TargetForeign), replaced_folder(tmp_path / "export"):
        (tmp_path / "export" / "notes.txt").write_text("mine")
    assert names_in(tmp_path / "export") == [MARKER_NAME, "notes.txt", "table.csv"]
    assert names_in(tmp_path) == ["export"]


def test_a_file_is_no_target(tmp_path: Path) -> None:
    """It is left as it is."""
    (tmp_path / "export").write_text("mine")
    with pytest.raises(TargetForeign):
        write(tmp_path / "export", "a")
    assert (tmp_path / "export").read_text() == "mine"


def test_what_a_killed_call_left_is_found_and_nothing_else(tmp_path: Path) -> None:
    """Hidden folders of this very target; what stood before it only where the target is there, too."""
    names = (".a*b.partial-1", ".a*b.old-2", ".axb.partial-3", "a*b.partial-4")
    for name in names:
        (tmp_path / name).mkdir()
    (tmp_path / ".a*b.partial-5").write_text("a file", encoding="utf-8")
    assert [path.name for path in leftovers(tmp_path / "a*b")] == [".a*b.partial-1"]
    (tmp_path / "a*b").mkdir()
    assert [path.name for path in leftovers(tmp_path / "a*b")] == [".a*b.old-2", ".a*b.partial-1"]
