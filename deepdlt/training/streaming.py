"""Patches that do not fit into memory: read from a file batch by batch, a few batches ahead of the training.

The file holds the pixels of all patches one after another, uncompressed, so that any patch is one read.
The order of an epoch is drawn as for patches in memory; the same seed gives the same batches, and the
same numbers bit for bit. What is held is `AHEAD` batches, however many patches there are.
"""

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepdlt.digest import DIGEST_BYTES
from deepdlt.training.devices import pick_device
from deepdlt.training.patchset import Index, PatchSet, normalised

AHEAD = 8
"""Batches that are read before they are asked for: 1 MB at 32 patches of 64 px."""

READERS = 4
"""Threads that read: as many requests wait at the disk at once."""

BLOCK_BYTES = 1 << 24
SHARE_OF_FREE_MEMORY = 0.5
"""Of what is free, patches may take this much; a training needs memory, too."""


def fits_in_memory(n_bytes: int, free_bytes: int) -> bool:
    """Tell whether patches are to be held in memory.

    Parameters
    ----------
    n_bytes : int
        Size of all patches.
    free_bytes : int
        Memory that is free where they would be held.

    Returns
    -------
    bool

    Examples
    --------
    >>> fits_in_memory(85 << 20, 16 << 30), fits_in_memory(40 << 30, 16 << 30)
    (True, False)
    """
    return n_bytes <= SHARE_OF_FREE_MEMORY * free_bytes


@dataclass(frozen=True, eq=False)
class StreamedPatches(PatchSet):
    """All patches of a data set, in a file.

    Made by `from_file`. `pixels` is the file mapped into memory: what looks at all of it at once has it paged in.

    Parameters
    ----------
    pixels : Tensor of uint8, shape (N, 1, S, S)
        Of the mapped file.
    descriptor : int
        Of the open file; it must stay open.
    place : torch.device
        Where batches are wanted.
    """

    descriptor: int
    place: torch.device

    @classmethod
    def from_file(
        cls, descriptor: int, mapped: NDArray[np.uint8], *, device: str | torch.device = "auto"
    ) -> "StreamedPatches":
        """Take patches from an open file.

        Parameters
        ----------
        descriptor : int
            Of the open file.
        mapped : ndarray of uint8, shape (N, S, S)
            The same file, mapped.
        device : str or torch.device
            Where batches are wanted: ``auto``, ``cpu``, ``cuda`` or ``mps``.

        Returns
        -------
        StreamedPatches

        Raises
        ------
        ValueError
            If the array is not uint8, its patches are not square, or the file is too short for it.
        DeviceMissing
            If the device is not in this machine.
        """
        if os.fstat(descriptor).st_size < mapped.nbytes:
            raise ValueError(f"the file has {os.fstat(descriptor).st_size} bytes, its patches {mapped.nbytes}")
        place = pick_device(device) if isinstance(device, str) else device
        return cls(torch.from_numpy(mapped).unsqueeze(1), descriptor=descriptor, place=place)

    @property
    def device(self) -> torch.device:
        """Where batches are given."""
        return self.place

    @cached_property
    def digest(self) -> str:
        """Digest of all pixels and their order, equal to that of the same patches in memory."""
        state = hashlib.blake2b(digest_size=DIGEST_BYTES)
        shape = str(tuple(self.pixels.shape)).encode()
        n_bytes = self.pixels.numel()
        state.update(len(shape).to_bytes(8, "little") + shape + n_bytes.to_bytes(8, "little"))
        for start in range(0, n_bytes, BLOCK_BYTES):
            state.update(os.pread(self.descriptor, min(BLOCK_BYTES, n_bytes - start), start))
        return state.hexdigest()

    def index(self, rows: Index) -> Tensor:
        """Return row numbers as a checked index, where the file is read: on the CPU."""
        return super().index(rows).cpu()

    def batch(self, index: Tensor, *, target_range: str) -> Tensor:
        """Return patches on the scale that a run trains on, see `PatchSet.batch`."""
        return normalised(self._read(index.tolist()).to(self.place), target_range)

    def batches(self, parts: Iterable[Tensor], *, target_range: str) -> Iterator[Tensor]:
        """Yield batch after batch, each read while those before it are worked on."""
        waiting: deque[Future[Tensor]] = deque()
        with ThreadPoolExecutor(READERS) as pool:
            try:
                for part in parts:
                    waiting.append(pool.submit(self._read, part.tolist()))
                    if len(waiting) > AHEAD:
                        yield normalised(waiting.popleft().result().to(self.place), target_range)
                while waiting:
                    yield normalised(waiting.popleft().result().to(self.place), target_range)
            finally:
                for future in waiting:
                    future.cancel()

    def _read(self, rows: Sequence[int]) -> Tensor:
        """Return patches from the file, (B, 1, S, S), in the order asked for; a run of neighbours is one read."""
        size = self.pixels[0].numel()
        held = np.empty((len(rows), size), np.uint8)
        start = 0
        while start < len(rows):
            stop = start + 1
            while stop < len(rows) and rows[stop] == rows[stop - 1] + 1:
                stop += 1
            block = held[start:stop].reshape(-1).data
            if os.preadv(self.descriptor, [block], rows[start] * size) != len(block):
                raise OSError(f"the file of patches ends before patch {rows[stop - 1]}")
            start = stop
        return torch.from_numpy(held).view(len(rows), *self.pixels.shape[1:])


class PatchRows:
    """Some rows of a stack of patches, copied slice by slice where an array of them would be too large.

    It stands in for an array where only length, shape, kind of numbers and slices are asked for.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (N, S, S)
        May be a mapped file.
    rows : ndarray of int, shape (n,)
        Row numbers.
    """

    def __init__(self, pixels: NDArray[np.uint8], rows: NDArray[np.integer]) -> None:
        self._pixels = pixels
        self._rows = rows
        self.shape = (len(rows), *pixels.shape[1:])
        self.ndim = pixels.ndim
        self.dtype = pixels.dtype
        self.size = len(rows) * pixels[0].size

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, part: int | slice) -> NDArray[np.uint8]:
        """Return a copy of one patch or of a slice of them."""
        return np.asarray(self._pixels[self._rows[part]])
