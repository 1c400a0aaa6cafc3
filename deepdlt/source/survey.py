"""Look through a source folder: which images and labels are there, and what is wrong with the rest.

A bad file or row never stops a survey; it becomes a row of `rejected`. Nothing is written and
nothing is stored: the frames have the columns of the lake's tables.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from deepdlt.sheets.field_of_view import height_misfit
from deepdlt.sheets.sheet import SheetTable, read_sheet
from deepdlt.sheets.spec import SheetSpec
from deepdlt.source.errors import NoImages, SheetBeingWritten, SourceVanished
from deepdlt.source.examine import ImageFile, KnownImage, PixelTaker, examine_images
from deepdlt.source.faults import Fault, Remark, fault_frame
from deepdlt.source.file_content import MAX_BYTES
from deepdlt.source.files import SourceFiles, choose_sheet, find_files
from deepdlt.source.frames import image_frame, label_frame, source_frame
from deepdlt.source.image_errors import FileUnreadable, FileVanished
from deepdlt.source.images import MAX_PIXELS
from deepdlt.source.names import NameUnusable, join_key
from deepdlt.source.settle import LabelledImage, differing_sizes, first_of_each, settle_images, settle_names

__all__ = ["KnownImage", "Survey", "survey"]


@dataclass(frozen=True)
class Survey:
    """What stands in a source folder; every frame is sorted by path.

    Attributes
    ----------
    images : polars.DataFrame
        One row per image content that was not known: image_id, height_px, width_px, file_format,
        source_mode.
    sources : polars.DataFrame
        One row per usable file: path (relative to the source), file_digest, n_bytes, image_id.
    labels : polars.DataFrame
        One row per usable image: image_id, name, sheet, sheet_row, row_digest, pixel_size_nm, then
        the columns that the sheet's declaration names, with units in their names.
    rejected, warnings : polars.DataFrame
        One row per path, digest and rule: path, digest, rule, value, message, remedy.
    within_reach : frozenset of str
        Paths of the image files that were there, without those that were found and could not be read.
    """

    images: pl.DataFrame
    sources: pl.DataFrame
    labels: pl.DataFrame
    rejected: pl.DataFrame
    warnings: pl.DataFrame
    within_reach: frozenset[str]


def survey(
    root: Path,
    *,
    spec: SheetSpec,
    known: Mapping[str, KnownImage],
    sheet: Path | None = None,
    unsettled: frozenset[Path] = frozenset(),
    min_size_px: int = 64,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
    n_threads: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    on_decoded: PixelTaker | None = None,
) -> Survey:
    """Look through a folder of SEM images with one label sheet.

    Rows and files are joined by path without suffix. The sheet's names are relative to the sheet's
    folder; for files outside that folder, and for a sheet outside the source, to the source.

    Parameters
    ----------
    root : Path
        The source folder; only read.
    spec : SheetSpec
        What the sheet means.
    known : mapping of str to KnownImage
        By digest of a file's bytes: these files are digested and not decoded.
    sheet : Path, optional
        The label sheet, absolute or relative to `root`; by default the only table there.
    unsettled : frozenset of Path
        Files that are being written: they are rejected as such, unread, until a later survey finds them still.
    min_size_px : int
        Least height and width of an image, in pixels: the edge of a patch.
    max_pixels : int
        Limit for height times width of one image, checked before it is decoded.
    max_bytes : int
        Limit for one file, checked before it is read.
    n_threads : int, optional
        Files read and decoded at once; by default one per core, two to four.
    on_progress : callable, optional
        Called with files done and files in all.
    on_decoded : callable, optional
        Called with image_id and pixels of every image that is decoded, by several threads at once.

    Returns
    -------
    Survey
        The same, whatever order the folder is listed in.

    Raises
    ------
    SourceMissing
        If `root` is not a folder.
    NoImages
        If there is no image file at all.
    SheetMissing, SheetAmbiguous
        If there is no table, or several and none was named.
    SheetBeingWritten
        If the sheet is one of the unsettled files.
    SourceVanished
        If the folder is gone at the end.
    SheetUnreadable, SheetTooLarge, SheetColumnsMissing, SheetEmpty
        If the sheet as a whole cannot be used.
    """
    found = find_files(root.resolve())
    if not found.images:
        raise NoImages(found.root, n_skipped=len(found.links_out) + len(found.closed_folders))
    sheet_path = choose_sheet(found, sheet=sheet)
    if sheet_path in unsettled:
        raise SheetBeingWritten(sheet_path)
    shown_sheet = Path(os.path.relpath(sheet_path, found.root)).as_posix()
    table = read_sheet(sheet_path, spec=spec, shown_as=shown_sheet)
    rows = {join_key(row["name"]): row for row in table.rows.iter_rows(named=True)}
    files, unnamed = _name_files(found, sheet_path)
    keys = {file.key for file in files}
    examined, unusable = examine_images(
        [file for file in files if file.key not in table.rejected_keys and file.file not in unsettled],
        unlabelled=frozenset(keys - rows.keys()),
        known=known,
        min_size_px=min_size_px,
        max_pixels=max_pixels,
        max_bytes=max_bytes,
        n_threads=n_threads,
        on_progress=on_progress,
        on_decoded=on_decoded,
    )
    if not found.root.is_dir():
        raise SourceVanished(found.root)
    by_name, ambiguous = settle_names([LabelledImage(image, rows[image.source.key]) for image in examined])
    kept, repeated, contradicting = settle_images(by_name)
    absent = _rows_without_image(table, keys, shown_sheet)
    unique = first_of_each(kept)
    skipped = [*_skipped(found), *_waiting(files, unsettled)]
    known_ids = {image.image_id for image in known.values()}
    return Survey(
        images=image_frame([item.examined for item in unique if item.image_id not in known_ids]),
        sources=source_frame([item.examined for item in kept]),
        labels=label_frame(unique, spec, shown_sheet),
        rejected=fault_frame([*skipped, *unnamed, *table.faults, *absent, *unusable, *ambiguous, *contradicting]),
        warnings=fault_frame([*table.warnings, *repeated, *differing_sizes(unique), *_remarks(kept, spec)]),
        within_reach=_within_reach(found, unusable),
    )


def _name_files(found: SourceFiles, sheet: Path) -> tuple[list[ImageFile], list[Fault]]:
    """Return the image files with their join keys, and those whose path has none."""
    base = sheet.parent if sheet.is_relative_to(found.root) else found.root
    files: list[ImageFile] = []
    faults: list[Fault] = []
    for file in found.images:
        path = file.relative_to(found.root).as_posix()
        try:
            path.encode()
            key = join_key(file.relative_to(base if file.is_relative_to(base) else found.root).as_posix())
            files.append(ImageFile(file, path, key))
        except (UnicodeEncodeError, NameUnusable) as error:
            reason = error.reason if isinstance(error, NameUnusable) else "is not Unicode"
            remark = Remark("name-unusable", path, f"The file's name {reason}.", "Rename the file.")
            faults.append(remark.at(path, digest=""))
    return files, faults


def _within_reach(found: SourceFiles, unusable: Sequence[Fault]) -> frozenset[str]:
    """Return the paths of the image files that were found and, where they were to be read, could be."""
    rules = (FileVanished.rule, FileUnreadable.rule)
    lost = {fault.path for fault in unusable if fault.rule in rules}
    return frozenset(path.relative_to(found.root).as_posix() for path in found.images) - lost


def _skipped(found: SourceFiles) -> list[Fault]:
    """Return what the walk through the folder left out on purpose or could not enter."""
    link = ("link-leaves-folder", "The link leads out of the folder.", "Copy the file here, or take the link out.")
    closed = ("folder-unreadable", "The folder cannot be listed.", "Allow the folder to be listed.")
    places = [(path, link) for path in found.links_out] + [(path, closed) for path in found.closed_folders]
    return [
        Remark(rule, path.name, message, remedy).at(path.relative_to(found.root).as_posix(), digest="")
        for path, (rule, message, remedy) in places
    ]


def _waiting(files: Sequence[ImageFile], unsettled: frozenset[Path]) -> list[Fault]:
    """Return a fault for every image that is being written."""
    message, remedy = "The file changes while it is looked at.", "Nothing: the next night takes it."
    return [
        Remark("file-being-written", file.path, message, remedy).at(file.path, digest="")
        for file in files
        if file.file in unsettled
    ]


def _rows_without_image(table: SheetTable, keys: set[str], shown_sheet: str) -> list[Fault]:
    """Return a fault for every usable row that no file fits."""
    remedy = "Add the image, correct its name in the sheet (letter case counts), or take the row out."
    return [
        Remark("row-without-image", row["name"], f"There is no image {row['name']}.", remedy).at(
            f"{shown_sheet}#row {row['sheet_row']}", digest=row["row_digest"]
        )
        for row in table.rows.iter_rows(named=True)
        if join_key(row["name"]) not in keys
    ]


def _remarks(kept: Sequence[LabelledImage], spec: SheetSpec) -> list[Fault]:
    """Return what was remarked when the files were decoded or compared with their rows."""
    return [
        remark.at(item.path, digest=item.examined.file_digest)
        for item in kept
        for remark in (
            *item.examined.image.remarks,
            *height_misfit(
                item.row,
                spec=spec,
                height_px=item.examined.image.height_px,
                width_px=item.examined.image.width_px,
            ),
        )
    ]
