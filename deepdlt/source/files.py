"""Find the images and the label sheet in a source folder."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deepdlt.sheets.cells import SHEET_SUFFIXES
from deepdlt.source.errors import SheetAmbiguous, SheetMissing, SourceMissing
from deepdlt.source.names import IMAGE_SUFFIXES


@dataclass(frozen=True)
class SourceFiles:
    """What one walk through a folder found; every tuple is sorted by path.

    Attributes
    ----------
    root : Path
        The folder as it was given; every path begins with it.
    images, sheets : tuple of Path
        Files below it, by suffix.
    links_out : tuple of Path
        Links to files or folders outside, not followed.
    closed_folders : tuple of Path
        Folders that could not be listed.
    """

    root: Path
    images: tuple[Path, ...]
    sheets: tuple[Path, ...]
    links_out: tuple[Path, ...]
    closed_folders: tuple[Path, ...]


def find_files(root: Path) -> SourceFiles:
    """Search a folder and all below it for images and sheets.

    Suffixes count in any letter case. Hidden files and folders (``.name``) and the lock files of
    spreadsheet programs (``~$name``) are skipped. Links to files inside the folder are followed,
    links out of it and links to folders are not.

    Parameters
    ----------
    root : Path
        The folder; may itself be a link.

    Returns
    -------
    SourceFiles
        What there is.

    Raises
    ------
    SourceMissing
        If `root` is not a folder.
    """
    if not root.is_dir():
        raise SourceMissing(root)
    within = root.resolve()
    closed: list[OSError] = []
    files: list[Path] = []
    links_out: list[Path] = []
    for folder, folder_names, file_names in os.walk(root, onerror=closed.append):
        folder_names[:] = [name for name in folder_names if not name.startswith(".")]
        links_out += [path for name in folder_names if _leads_out(path := Path(folder, name), within)]
        wanted = [Path(folder, name) for name in file_names if _is_wanted(name)]
        links_out += [path for path in wanted if _leads_out(path, within)]
        files += [path for path in wanted if not _leads_out(path, within) and _may_be_read(path)]
    return SourceFiles(
        root=root,
        images=_sorted(path for path in files if path.suffix.lower() in IMAGE_SUFFIXES),
        sheets=_sorted(path for path in files if path.suffix.lower() in SHEET_SUFFIXES),
        links_out=_sorted(links_out),
        closed_folders=_sorted(Path(error.filename) for error in closed),
    )


def find_images(root: Path) -> list[Path]:
    """Return the image files in and below a folder.

    Parameters
    ----------
    root : Path
        The folder.

    Returns
    -------
    list of Path
        Sorted, each beginning with `root`, found as `find_files` says.

    Raises
    ------
    SourceMissing
        If `root` is not a folder.
    """
    return list(find_files(root).images)


def list_inputs(root: Path, *, sheet: Path | None = None) -> list[Path]:
    """Return every file that a survey of a folder reads: images and sheets.

    Parameters
    ----------
    root : Path
        The folder.
    sheet : Path, optional
        The label sheet, absolute or relative to `root`; it may lie elsewhere.

    Returns
    -------
    list of Path
        Sorted, each beginning with `root`, found as `find_files` says; and the named sheet, if it is not one of them.

    Raises
    ------
    SourceMissing
        If `root` is not a folder.
    """
    found = find_files(root)
    listed = {*found.images, *found.sheets}
    if sheet is not None and _is_file(named := place_of(found, sheet)):
        listed.add(named)
    return list(_sorted(listed))


def place_of(found: SourceFiles, sheet: Path) -> Path:
    """Return the path of a named sheet: that of the file found, or one whose folders are no links.

    Parameters
    ----------
    found : SourceFiles
    sheet : Path
        Absolute or relative to the folder.
    """
    chosen = found.root / sheet
    place = chosen.parent.resolve() / chosen.name
    return next((path for path in found.sheets if path.parent.resolve() / path.name == place), place)


def find_sheet(root: Path, *, sheet: Path | None = None) -> Path:
    """Return the label sheet of a folder.

    Parameters
    ----------
    root : Path
        The folder.
    sheet : Path, optional
        Absolute or relative to `root`; by default the only table in or below the folder.

    Returns
    -------
    Path
        The sheet.

    Raises
    ------
    SourceMissing
        If `root` is not a folder.
    SheetMissing
        If there is none.
    SheetAmbiguous
        If there are several and none was named.
    """
    return choose_sheet(find_files(root), sheet=sheet)


def choose_sheet(found: SourceFiles, *, sheet: Path | None = None) -> Path:
    """Return the label sheet among the files that were found.

    Parameters
    ----------
    found : SourceFiles
        What `find_files` returned.
    sheet : Path, optional
        Absolute or relative to the folder.

    Returns
    -------
    Path
        The sheet.

    Raises
    ------
    SheetMissing
        If there is none.
    SheetAmbiguous
        If there are several and none was named.
    """
    if sheet is not None:
        if not _is_file(found.root / sheet):
            raise SheetMissing(found.root / sheet)
        return place_of(found, sheet)
    if not found.sheets:
        raise SheetMissing(found.root)
    if len(found.sheets) > 1:
        raise SheetAmbiguous(found.root, found.sheets)
    return found.sheets[0]


def _is_wanted(name: str) -> bool:
    """Tell whether a file's name is that of a visible image or sheet."""
    return not name.startswith((".", "~$")) and Path(name).suffix.lower() in IMAGE_SUFFIXES | SHEET_SUFFIXES


def _leads_out(path: Path, root: Path) -> bool:
    """Tell whether a path is a link to something outside the folder."""
    try:
        return path.is_symlink() and not path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # it leads to itself, or its folder may not be entered: reading it says so
        return False


def _may_be_read(path: Path) -> bool:
    """Tell whether a path is a file, leads to nothing or is in a folder that may not be entered: reading says which.

    Pipes and devices would block.
    """
    try:
        return path.is_file() or not path.exists()
    except OSError:
        return True


def _is_file(path: Path) -> bool:
    """Tell whether a path is a file that may be looked at."""
    try:
        return path.is_file()
    except OSError:
        return False


def _sorted(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Return the paths in the order of their text."""
    return tuple(sorted(paths, key=Path.as_posix))
