"""Shards: immutable Parquet files of patches, named after what they hold."""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lake.errors import ShardCorrupt, ShardMissing
from lake.files import inside, replacing
from lake.objects import Files, Folder, files_of

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

Pixels = NDArray[np.uint8]

ROWS_PER_GROUP = 4096
"""16 MiB of 64 x 64 patches: what is read at least."""
ROWS_PER_SHARD = 8192
"""32 MiB: small enough for several to be written, and read, at once."""
FOLDER = "shards"

_MAGIC = b"PAR1"
_TAIL = 8
"""A Parquet file ends with four bytes of footer length and the magic number."""


def write_shard(root: Path | Files, pixels: Pixels, patch_ids: Sequence[str]) -> str:
    """Write patches to a shard; one that is there is replaced by its equal, so that damage heals.

    Parameters
    ----------
    root : Files or Path
        `Lake.files`, or a plain folder.
    pixels : ndarray of uint8, shape (N, S, S)
        Patches, N at least 1.
    patch_ids : sequence of str, length N
        Their names, for those who read a shard without the lake.

    Returns
    -------
    shard : str
        Path relative to the lake: ``shards/<2 hex>/<digest>.parquet``; the digest is of pixels, shape
        and names, so equal patches give the equal file.

    Raises
    ------
    ValueError
        If the shape is another, or there is not one name a patch.
    """
    if pixels.ndim != 3 or pixels.shape[1] != pixels.shape[2] or pixels.dtype != np.uint8 or not pixels.size:
        msg = f"patches must be uint8 of shape (N, S, S) with N and S at least 1, got {pixels.dtype} {pixels.shape}."
        raise ValueError(msg)
    if len(patch_ids) != len(pixels):
        msg = f"{len(pixels)} patches need as many names, got {len(patch_ids)}."
        raise ValueError(msg)
    pixels = np.ascontiguousarray(pixels)
    digest = _digest(pixels, patch_ids)
    shard = f"{FOLDER}/{digest[:2]}/{digest}.parquet"
    files = files_of(root)
    _write(inside(files.root, shard), pixels, patch_ids)  # anew: maintenance leaves young files to the rows to come
    files.publish(shard)
    return shard


def write_shards(
    root: Path | Files, pixels: Pixels, patch_ids: Sequence[str], *, rows_per_shard: int = ROWS_PER_SHARD
) -> "pl.DataFrame":
    """Write patches to as many shards as they need.

    Parameters
    ----------
    root : Files or Path
        `Lake.files`, or a plain folder.
    pixels : ndarray of uint8, shape (N, S, S)
        Patches; none gives an empty frame.
    patch_ids : sequence of str, length N
        Their names.
    rows_per_shard : int
        Most patches a shard.

    Returns
    -------
    polars.DataFrame
        Columns patch_id, shard, shard_row (Int32), shard_bytes (size of the shard's file), in the order given.

    Raises
    ------
    ValueError
        If the shape is another, there is not one name a patch, or `rows_per_shard` is below 1.
    """
    import polars as pl

    if rows_per_shard < 1 or len(patch_ids) != len(pixels):
        msg = f"{len(pixels)} patches with {len(patch_ids)} names cannot go into shards of {rows_per_shard}."
        raise ValueError(msg)
    files = files_of(root)
    parts = [slice(start, start + rows_per_shard) for start in range(0, len(pixels), rows_per_shard)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # digesting, packing and writing leave Python alone
        written = list(pool.map(lambda part: write_shard(files, pixels[part], patch_ids[part]), parts))
    sizes = [inside(files.root, shard).stat().st_size for shard in written]
    counts = [len(patch_ids[part]) for part in parts]
    columns = {
        "patch_id": list(patch_ids),
        "shard": np.repeat(np.array(written, dtype=object), counts).tolist(),
        "shard_row": np.arange(len(pixels), dtype=np.int32) % rows_per_shard,
        "shard_bytes": np.repeat(np.array(sizes, dtype=np.int64), counts),
    }
    kinds = {"patch_id": pl.String, "shard": pl.String, "shard_row": pl.Int32, "shard_bytes": pl.Int64}
    return pl.DataFrame(columns, schema=kinds)


def read_patches(root: Path | Files, manifest: "pl.DataFrame", *, size_px: int) -> Pixels:
    """Read the patches a manifest names.

    Parameters
    ----------
    root : Files or Path
        `Lake.files`, or a plain folder.
    manifest : polars.DataFrame
        Columns shard and shard_row; rows may repeat and come in any order.
    size_px : int
        Side S of a patch, in pixels.

    Returns
    -------
    pixels : ndarray of uint8, shape (N, S, S)
        In the order of the manifest's rows.

    Raises
    ------
    ShardMissing
        If a shard is not there.
    ShardCorrupt
        If one cannot be decoded, has patches of another size, or too few.
    PathEscapes
        If a shard's path leads out of the lake.
    """
    import polars as pl

    files = files_of(root)
    pixels = np.empty((manifest.height, size_px, size_px), dtype=np.uint8)  # (N, S, S)
    places = manifest.select("shard", "shard_row").with_row_index("place")
    parts = [
        (part["place"].to_numpy(), part["shard"][0], part["shard_row"].cast(pl.Int64).to_numpy())
        for part in places.partition_by("shard", maintain_order=True)
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # checking, unpacking and copying leave Python alone
        for done in [pool.submit(_read_into, pixels, files, *part) for part in parts]:
            done.result()
    return pixels


def shards_present(root: Path | Files, shards: Mapping[str, int | None] | Iterable[str]) -> set[str]:
    """Return which of the shards are there, whole as far as their size tells.

    A file cut short, without its Parquet footer or of another size than it was written with does not
    count: three small reads a shard, no decoding. Damage inside is found when patches are read (every
    page has a checksum).

    Parameters
    ----------
    root : Files or Path
        `Lake.files`, or a plain folder.
    shards : mapping of str to int, or iterable of str
        Shards, with the size of their files in bytes where it is known.

    Raises
    ------
    PathEscapes
        If a path leads out of the lake.
    """
    sizes = shards if isinstance(shards, Mapping) else dict.fromkeys(shards)
    files = files_of(root)
    if isinstance(files, Folder):
        return {shard for shard, n_bytes in sizes.items() if _is_whole(inside(files.root, shard), n_bytes)}
    there = files.sizes(sizes)  # what is in a bucket is whole
    return {shard for shard, n_bytes in sizes.items() if shard in there and n_bytes in (None, there[shard])}


def _digest(pixels: Pixels, patch_ids: Sequence[str]) -> str:
    """Name a shard: 128 bits over shape, names and pixels."""
    state = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
    state.update("\n".join(patch_ids).encode())
    state.update(pixels.data)
    return state.hexdigest()


def _write(path: Path, pixels: Pixels, patch_ids: Sequence[str]) -> None:
    """Write a shard's file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    width = pixels.shape[1] * pixels.shape[2]
    kind = pa.binary(width)
    column = pa.FixedSizeBinaryArray.from_buffers(kind, len(pixels), [None, pa.py_buffer(pixels)])
    table = pa.table({"patch_id": pa.array(patch_ids, pa.string()), "pixels": column})
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        pq.write_table(
            table,
            temporary,
            row_group_size=ROWS_PER_GROUP,
            compression="none",  # pixels of real images lose a tenth to zstd and take three times as long to read
            use_dictionary=False,
            write_statistics=False,
            write_page_checksum=True,
        )


def _read_into(pixels: Pixels, files: Files, places: NDArray[np.uint32], shard: str, rows: NDArray[np.int64]) -> None:
    """Copy rows of one shard to their places; decodes only the row groups that hold them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = files.fetch(shard, is_whole=_is_whole)  # named by their content: a whole copy is the right one
    if not path.is_file():
        raise ShardMissing(path)
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            _check_shape(path, file, rows, pixels.shape[1])
            for group, start, stop in _groups(file):
                is_here = (rows >= start) & (rows < stop)
                if is_here.any():
                    column = file.read_row_group(group, columns=["pixels"]).column("pixels")
                    held = _as_array(column, pixels.shape[1])
                    pixels[_run(places[is_here])] = held[_run(rows[is_here] - start)]
    except (pa.ArrowException, OSError) as error:
        raise ShardCorrupt(path, str(error)) from error


def _check_shape(path: Path, file: "pa.parquet.ParquetFile", rows: NDArray[np.int64], size_px: int) -> None:
    """Raise unless a shard has the rows asked for, at the size asked for."""
    fields = {field.name: field.type for field in file.schema_arrow}
    width = getattr(fields.get("pixels"), "byte_width", None)
    if width != size_px**2:
        raise ShardCorrupt(path, f"a patch has {width} bytes, {size_px} x {size_px} px need {size_px**2}")
    n_rows = file.metadata.num_rows
    if rows.size and (rows.min() < 0 or rows.max() >= n_rows):
        raise ShardCorrupt(path, f"row {rows.min()} to {rows.max()} asked for, it has rows 0 to {n_rows - 1}")


def _groups(file: "pa.parquet.ParquetFile") -> list[tuple[int, int, int]]:
    """Return number, first row and row past the last of each row group."""
    ends = np.cumsum([file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]).tolist()
    return [(i, start, stop) for i, (start, stop) in enumerate(zip([0, *ends], ends, strict=False))]


def _run(numbers: NDArray[np.integer]) -> NDArray[np.integer] | slice:
    """Return consecutive numbers as a slice, which copies patches once instead of twice."""
    first, last = int(numbers[0]), int(numbers[-1])
    is_run = last - first == len(numbers) - 1 and bool((np.diff(numbers.astype(np.int64)) == 1).all())
    return slice(first, last + 1) if is_run else numbers


def _as_array(column: "pa.ChunkedArray", size_px: int) -> Pixels:
    """View a column of fixed-size bytes as patches, without a copy where it is one chunk."""
    chunks = [
        np.frombuffer(chunk.buffers()[1], np.uint8).reshape(-1, size_px, size_px)[chunk.offset :][: len(chunk)]
        for chunk in column.chunks
    ]
    return chunks[0] if len(chunks) == 1 else np.concatenate(chunks)  # (rows, S, S)


def _is_whole(path: Path, n_bytes: int | None = None) -> bool:
    """Tell whether a Parquet file is there, has its size and is not cut short."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(len(_MAGIC))
            file.seek(max(0, size - _TAIL))
            tail = file.read(_TAIL)
    except FileNotFoundError:
        return False
    footer = int.from_bytes(tail[:4], "little")
    return n_bytes in (None, size) and head == tail[4:] == _MAGIC and footer + _TAIL + len(_MAGIC) <= size
