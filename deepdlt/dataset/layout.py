"""Export patches and manifests in the folder layout that the report's published code reads."""

import errno
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepdlt.dataset.bitmap import encode_bitmaps
from deepdlt.digest import digest_bytes
from deepdlt.errors import DeepdltError
from deepdlt.replacing import replaced_folder
from deepdlt.sheets.spec import LABEL_KEY
from deepdlt.source.names import join_key

logger = logging.getLogger(__name__)

HOLDOUT_FOLDER = "data_with_labels_csv"
FOLDS_FOLDER = "label_aware_splitting_data"
HOLDOUT_FILES = {"train": "training_data", "val": "validation_data", "test": "testing_data"}

PATCHES_A_BLOCK = 4096
"""Patches held in memory at once: 17 MB of pixels and 21 MB of files at 64 px."""

FILES_A_PART = 512
"""Files that one thread creates before the next part."""

MAX_STEM_BYTES = 200
"""File systems take names of 255 bytes; a patch number and a suffix follow."""

_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')

PixelReader = Callable[[pl.DataFrame], NDArray[np.uint8]]


class ManifestMismatch(DeepdltError):
    """Two of the frames to export do not speak of the same patches or images."""

    def __init__(self, *, frame: str, column: str, n_unknown: int, example: str) -> None:
        self.frame = frame
        self.column = column
        self.n_unknown = n_unknown
        self.example = example
        super().__init__(
            f"{n_unknown} {column}s of {frame} are unknown to the frame they refer to, e.g. {example!r}: "
            f"export frames of one data set and one source."
        )


@dataclass(frozen=True)
class ExportSummary:
    """What an export holds.

    Attributes
    ----------
    target : Path
        The folder.
    n_images, n_patches : int
        Folders and files of patches.
    n_tables : int
        CSV files; as many Parquet files lie beside them.
    n_unlabelled : int
        Images that lack a label: their patches are there, their rows are not.
    """

    target: Path
    n_images: int
    n_patches: int
    n_tables: int
    n_unlabelled: int


def export_report_layout(
    target: Path,
    *,
    patches: pl.DataFrame,
    labels: pl.DataFrame,
    label_columns: Mapping[str, str],
    holdout: pl.DataFrame,
    folds: Mapping[str, pl.DataFrame],
    read: PixelReader,
    size_px: int,
    path_prefix: str = "./datasets",
    storage_order: Sequence[str] = (),
) -> ExportSummary:
    """Write patches as bitmaps and the splits as CSV and Parquet, as the published code expects them.

    ::

        2023_im_dataset_64x64/<k>/<image name with _ for />_<n>.bmp     k, n = 1, 2, ...
        data_with_labels_csv/{training,validation,testing}_data.csv
        label_aware_splitting_data/<label>/fold_<k>/<label>_{train,val,test}.csv

    Images are numbered in the order of their names. Tables have the columns image_path and one a
    label, fold tables a last one named stratum; labels are physical values. A column of numbers
    that are all whole is written without decimals. The same frames give the same bytes. The target
    appears as a whole; a former export is replaced.

    Parameters
    ----------
    target : Path
        Folder to write, in the place of the published code's ``datasets``.
    patches : polars.DataFrame
        Columns patch_id, image_id, patch_index and what `read` needs; one row a patch.
    labels : polars.DataFrame
        Columns image_id, name and those of `label_columns`; one row an image.
    label_columns : mapping of str to str
        Label as the tables name it to column of `labels`, in the tables' order.
    holdout : polars.DataFrame
        Columns patch_id and split (train, val, test).
    folds : mapping of str to polars.DataFrame
        Label to columns fold, patch_id, split and stratum, of one scheme.
    read : callable
        Takes rows of `patches`, returns their pixels, uint8 of shape (n, size_px, size_px), in that order.
    size_px : int
        Side of a patch, in pixels.
    path_prefix : str
        What image_path starts with: the target as seen from where the tables will be read.
    storage_order : sequence of str
        Columns of `patches` by which they lie beside each other in storage: they are read in this order.

    Returns
    -------
    ExportSummary
        Counts.

    Raises
    ------
    TargetForeign
        If the target holds anything that is not from a former export.
    ManifestMismatch
        If a split names a patch that is not in `patches`, or a patch an image without a name.
    NameUnusable
        If an image's name is no path below the sheet's folder.
    ValueError
        If a label cannot name a folder, a split has no file, an image or patch is listed twice, or
        `read` returns another shape.
    """
    _check_frames(patches, labels, label_columns, holdout, folds)
    images_folder = f"2023_im_dataset_{size_px}x{size_px}"
    files = _file_manifest(patches, labels, f"{images_folder}/")
    table = _label_table(files, labels, label_columns, path_prefix)
    with replaced_folder(target) as folder:
        _write_bitmaps(folder, files.sort(storage_order) if storage_order else files, read, size_px)
        n_tables = 0
        for path, rows in _tables(table, holdout, folds):
            _write_table(folder / path, rows.drop("patch_id"))
            n_tables += 1
    n_images = files["image_id"].n_unique()
    n_unlabelled = n_images - files.join(table, on="patch_id", how="semi")["image_id"].n_unique()
    if n_unlabelled:
        logger.warning("%d of %d images lack a label: their patches are in no table", n_unlabelled, n_images)
    return ExportSummary(target, n_images, files.height, n_tables, n_unlabelled)


def _check_frames(
    patches: pl.DataFrame,
    labels: pl.DataFrame,
    label_columns: Mapping[str, str],
    holdout: pl.DataFrame,
    folds: Mapping[str, pl.DataFrame],
) -> None:
    """Refuse frames that do not belong together."""
    for key in (*label_columns, *folds):
        if not LABEL_KEY.fullmatch(key) or key in ("image_path", "stratum", "patch_id"):
            raise ValueError(f"the label {key!r} cannot name a folder and a column")
    for frame, column in ((patches, "patch_id"), (labels, "image_id")):
        if frame[column].is_duplicated().any():
            raise ValueError(f"a {column} is listed twice")
    _check_known("patches", patches, "image_id", labels)
    for name, frame in {"holdout": holdout, **folds}.items():
        _check_known(name, frame, "patch_id", patches)
        if not frame["split"].is_in(list(HOLDOUT_FILES)).all():
            raise ValueError(f"splits are {', '.join(HOLDOUT_FILES)}; {name} has {frame['split'].unique().to_list()}")


def _check_known(name: str, frame: pl.DataFrame, column: str, known: pl.DataFrame) -> None:
    """Refuse a frame that refers to what another does not hold."""
    unknown = frame.select(column).unique().join(known, on=column, how="anti")[column].sort()
    if len(unknown):
        raise ManifestMismatch(frame=name, column=column, n_unknown=len(unknown), example=unknown[0])


def _file_manifest(patches: pl.DataFrame, labels: pl.DataFrame, folder: str) -> pl.DataFrame:
    """Add to each patch its file, and order them by image and draw."""
    named = labels.join(patches, on="image_id", how="semi").select("image_id", "name").sort("name", "image_id")
    images = named.select(
        "image_id",
        image_number=pl.int_range(1, pl.len() + 1),
        stem=pl.Series([_stem(name) for name in named["name"]], dtype=pl.String),
    )
    path = pl.format("{}{}/{}_{}.bmp", pl.lit(folder), "image_number", "stem", pl.col("patch_index") + 1)
    joined = patches.join(images, on="image_id", how="left").sort("image_number", "patch_index")
    return joined.with_columns(file=path).drop("image_number", "stem")


def _stem(name: str) -> str:
    """Return an image's name as a file name: no folder, nothing a file system might refuse."""
    stem = _UNSAFE.sub("_", join_key(name))
    encoded = stem.encode()
    if len(encoded) <= MAX_STEM_BYTES:
        return stem
    digest = digest_bytes(encoded)
    return f"{encoded[: MAX_STEM_BYTES - len(digest) - 1].decode(errors='ignore')}_{digest}"


def _label_table(
    files: pl.DataFrame, labels: pl.DataFrame, label_columns: Mapping[str, str], path_prefix: str
) -> pl.DataFrame:
    """Return patch_id, image_path and labels of every patch whose image has all of them, in order."""
    used = labels.join(files, on="image_id", how="semi").select(
        "image_id", *(pl.col(column).alias(key) for key, column in label_columns.items())
    )
    used = used.with_columns(pl.col(key).cast(pl.Int64) for key in label_columns if _is_whole(used[key]))
    prefix = path_prefix.rstrip("/") + "/" if path_prefix else ""
    paths = files.select("patch_id", "image_id", image_path=pl.lit(prefix) + pl.col("file"))
    complete = used.drop_nulls()
    return paths.join(complete, on="image_id", how="inner", maintain_order="left").drop("image_id")


def _is_whole(values: pl.Series) -> bool:
    """Tell whether a float column holds whole numbers only, as the sheet's own integers do."""
    return values.dtype.is_float() and bool((values.drop_nulls() % 1 == 0).all())


def _write_bitmaps(folder: Path, files: pl.DataFrame, read: PixelReader, size_px: int) -> None:
    """Write the patches block by block, on all cores."""
    for parent in files["file"].str.replace(r"/[^/]*$", "").unique():
        (folder / parent).mkdir(parents=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for block in files.iter_slices(PATCHES_A_BLOCK):
            pixels = read(block.drop("file"))
            if pixels.shape != (block.height, size_px, size_px):
                raise ValueError(f"read returned shape {pixels.shape} for {block.height} patches of {size_px} px")
            paths, contents = [f"{folder}/{name}" for name in block["file"]], encode_bitmaps(pixels)
            parts = [slice(start, start + FILES_A_PART) for start in range(0, block.height, FILES_A_PART)]
            for written in [pool.submit(_write_files, paths[part], contents[part]) for part in parts]:
                written.result()


def _write_files(paths: Sequence[str], contents: NDArray[np.uint8]) -> None:
    """Create files of equal size, three system calls each: while one is made, Python makes another's name."""
    for path, content in zip(paths, contents, strict=True):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        try:
            if os.write(handle, content.data) != content.nbytes:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        finally:
            os.close(handle)


def _tables(
    table: pl.DataFrame, holdout: pl.DataFrame, folds: Mapping[str, pl.DataFrame]
) -> Iterator[tuple[Path, pl.DataFrame]]:
    """Yield path (without suffix) and rows of every table, rows in the order of files."""
    for split, name in HOLDOUT_FILES.items():
        chosen = holdout.filter(pl.col("split") == split).select("patch_id")
        yield Path(HOLDOUT_FOLDER, name), table.join(chosen, on="patch_id", how="inner", maintain_order="left")
    for label, frame in folds.items():
        named = frame.select("patch_id", "fold", "split", "stratum")
        rows = table.join(named, on="patch_id", how="inner", maintain_order="left")
        parts = rows.partition_by("fold", "split", maintain_order=True, include_key=False, as_dict=True)
        for fold in frame["fold"].unique().sort():
            for split in HOLDOUT_FILES:
                part = parts.get((fold, split), rows.clear().drop("fold", "split"))
                yield Path(FOLDS_FOLDER, label, f"fold_{fold}", f"{label}_{split}"), part


def _write_table(path: Path, rows: pl.DataFrame) -> None:
    """Write one table as CSV and as Parquet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.write_csv(path.with_name(f"{path.name}.csv"))
    rows.write_parquet(path.with_name(f"{path.name}.parquet"), compression="zstd")
