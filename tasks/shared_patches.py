"""Patches that several processes read in one place of memory.

They lie in a file without a name, which a process maps and its children inherit: the system keeps
each page once, whoever looks at it, takes it back where memory is short, and frees all of it when
the last process is gone, whatever it died of.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepdlt.errors import DeepdltError
from deepdlt.night import RunPlan
from lake import Lake
from lake.disk import full_disk_told
from lake.location import Location
from lake.shards import read_patches
from lake.statements import load

SCRATCH = "DEEPDLT_SCRATCH"
"""Folder with room for patches, on a disk of this machine."""


class SplitMissing(DeepdltError):
    """The lake that this worker knows is not the one in which the night was asked for."""

    def __init__(self, split_id: str, location: Location) -> None:
        super().__init__(
            f"the lake {location} has no split {split_id}: the night stands in another one; start the worker of this "
            "machine with the DEEPDLT_LAKE of the night"
        )


@dataclass(frozen=True)
class SharedPatches:
    """All patches of a data set, sorted by patch_id, in a file that is mapped.

    Parameters
    ----------
    split_id : str
        A split of the data set; any gives the same manifest.
    descriptor : int
        Of the open file; children inherit it.
    n_patches, size_px : int
        Shape of what is in it, uint8 (N, S, S).
    """

    split_id: str
    descriptor: int
    n_patches: int
    size_px: int

    def map(self) -> NDArray[np.uint8]:
        """Return the patches, (N, S, S). What is written to them stays in this process."""
        with os.fdopen(os.dup(self.descriptor), "r+b") as file:
            return np.memmap(file, np.uint8, mode="c", shape=(self.n_patches, self.size_px, self.size_px))

    def rows(self, lake: Lake) -> pl.DataFrame:
        """Return which row holds which patch: patch_id and row."""
        manifest = lake.query(load("patches_of_fold"), [self.split_id, 1])
        return manifest.select("patch_id").with_row_index("row")


def scratch_folder(location: Location) -> Path:
    """Return where nameless files go: ``DEEPDLT_SCRATCH``, else the lake's folder, where that is on this machine.

    There is room for patches there: what does not fit into memory stays on the disk. A folder that machines share lies
    across a network, and mapped pages would go back and forth over it: then the system's folder for temporary files.
    """
    told = os.environ.get(SCRATCH)
    if told:
        return Path(told)
    is_near = location.database is None or location.bucket is not None
    return location.root if is_near else Path(tempfile.gettempdir())


def _nameless(folder: Path) -> IO[bytes]:
    """Return an open file without a name."""
    return tempfile.TemporaryFile(dir=folder)


def _make_room(file: IO[bytes], n_bytes: int) -> None:
    """Have the disk set aside what a file is to hold: a mapped page that finds no room ends the process by SIGBUS."""
    if not hasattr(os, "posix_fallocate"):  # macOS
        file.truncate(n_bytes)
        return
    try:
        os.posix_fallocate(file.fileno(), 0, n_bytes)
    except OSError:
        file.truncate(0)  # what it got until then is wanted elsewhere
        raise


class PatchFiles:
    """The files of all data sets that some plans need, each filled when it is first asked for; used as a context.

    Parameters
    ----------
    lake : Lake
    plans : sequence of RunPlan
    """

    def __init__(self, lake: Lake, plans: Sequence[RunPlan]) -> None:
        self._lake = lake
        self._open = ExitStack()
        names = {plan.dataset_id for plan in plans}
        folder = scratch_folder(lake.location)
        self._files: dict[str, IO[bytes]] = {name: self._open.enter_context(_nameless(folder)) for name in names}
        self._filled: dict[str, SharedPatches] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Descriptors that a child has to inherit."""
        return tuple(file.fileno() for file in self._files.values())

    def of(self, plan: RunPlan) -> SharedPatches:
        """Return the patches of a plan's data set.

        Raises
        ------
        ShardMissing, ShardCorrupt
            If they cannot be read.
        DiskFull
            If there is no room for them.
        SplitMissing
            As in `size_px`.
        """
        if plan.dataset_id not in self._filled:
            self._filled[plan.dataset_id] = self._fill(plan, self._files[plan.dataset_id])
        return self._filled[plan.dataset_id]

    def size_px(self, plan: RunPlan) -> int:
        """Return the edge of a plan's patches, px.

        Raises
        ------
        SplitMissing
            If the lake does not have the split.
        """
        found = self._lake.query(load("size_of_split"), [plan.split_id])
        if found.is_empty():
            raise SplitMissing(plan.split_id, self._lake.location)
        return int(found.item())

    def close(self) -> None:
        """Close the files; their memory is free once the children are gone, too."""
        self._open.close()

    def _fill(self, plan: RunPlan, file: IO[bytes]) -> SharedPatches:
        """Read a data set's patches into a file."""
        manifest = self._lake.query(load("patches_of_fold"), [plan.split_id, 1])
        size_px = self.size_px(plan)
        _lay_out(self._lake, manifest, file, size_px=size_px)
        return SharedPatches(plan.split_id, file.fileno(), manifest.height, size_px)


@contextmanager
def laid_out(lake: Lake, manifest: pl.DataFrame, *, size_px: int) -> Iterator[SharedPatches]:
    """Lay patches out in a file of their own, where they may be more than memory holds; used as a context.

    What has been mapped within it stays.

    Parameters
    ----------
    lake : Lake
    manifest : polars.DataFrame
        Columns shard and shard_row.
    size_px : int
        Edge of a patch, px.

    Yields
    ------
    SharedPatches
        In the order of the manifest's rows; of no split.

    Raises
    ------
    ShardMissing, ShardCorrupt
        If they cannot be read.
    DiskFull
        If there is no room for them.
    """
    with _nameless(scratch_folder(lake.location)) as file:
        _lay_out(lake, manifest, file, size_px=size_px)
        yield SharedPatches("", file.fileno(), manifest.height, size_px)


def _lay_out(lake: Lake, manifest: pl.DataFrame, file: IO[bytes], *, size_px: int) -> None:
    """Read patches into a file, shard by shard."""
    with full_disk_told(scratch_folder(lake.location), "lay out the patches"):
        _make_room(file, manifest.height * size_px**2)
    pixels = np.memmap(file, np.uint8, mode="r+", shape=(manifest.height, size_px, size_px))
    for part in manifest.with_row_index("row").partition_by("shard"):
        pixels[part["row"].to_numpy()] = read_patches(lake.files, part, size_px=size_px)
