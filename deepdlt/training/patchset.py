"""Patches in memory: uint8 once on the device, normalised batch by batch."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepdlt.digest import digest_bytes
from deepdlt.training.devices import pick_device
from deepdlt.training.target_ranges import range_bounds

WHITE = 255
"""Grey level of white in 8 bits."""

Index = Sequence[int] | NDArray[np.integer] | Tensor
"""Row numbers of patches."""


@dataclass(frozen=True, eq=False)
class PatchSet:
    """All patches of a data set, in manifest order.

    20,800 patches of 64 px are 85 MB: they are loaded once and indexed, by every fold.

    Parameters
    ----------
    pixels : Tensor of uint8, shape (N, 1, S, S)
        On the device that computes.
    """

    pixels: Tensor

    def __post_init__(self) -> None:
        """Refuse what is no stack of square 8-bit patches."""
        shape = tuple(self.pixels.shape)
        if self.pixels.dtype != torch.uint8 or len(shape) != 4 or shape[1] != 1 or shape[2] != shape[3]:
            raise ValueError(f"patches must be uint8 of shape (N, 1, S, S), got {self.pixels.dtype} {shape}")

    @classmethod
    def from_array(cls, pixels: NDArray[np.uint8], *, device: str | torch.device = "auto") -> "PatchSet":
        """Put patches on a device.

        Parameters
        ----------
        pixels : ndarray of uint8, shape (N, S, S)
            Grey levels. The array is not changed; on the CPU a writable, contiguous one is shared.
        device : str or torch.device
            ``auto``, ``cpu``, ``cuda`` or ``mps``.

        Returns
        -------
        PatchSet

        Raises
        ------
        ValueError
            If the array is not uint8 or its patches are not square.
        DeviceMissing
            If the device is not in this machine.
        """
        if pixels.ndim != 3:
            raise ValueError(f"patches must have shape (N, S, S), got {pixels.shape}")
        ready = np.require(pixels, requirements=["C", "W"])
        place = pick_device(device) if isinstance(device, str) else device
        return cls(torch.from_numpy(ready).unsqueeze(1).to(place))  # (N, S, S) -> (N, 1, S, S)

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def size_px(self) -> int:
        """Edge of a patch, px."""
        return int(self.pixels.shape[-1])

    @property
    def device(self) -> torch.device:
        """Where the pixels are."""
        return self.pixels.device

    @cached_property
    def digest(self) -> str:
        """Digest of all pixels and their order."""
        return digest_bytes(str(tuple(self.pixels.shape)).encode(), self.pixels.cpu().contiguous().numpy().data)

    def index(self, rows: Index) -> Tensor:
        """Return row numbers as a checked index on the device.

        Parameters
        ----------
        rows : sequence, ndarray or Tensor of int, shape (n,)
            Row numbers, at least one.

        Returns
        -------
        Tensor of int64, shape (n,)

        Raises
        ------
        ValueError
            If there is none, or one is not in the set.
        """
        index = torch.as_tensor(np.asarray(rows, dtype=np.int64) if not isinstance(rows, Tensor) else rows)
        if index.ndim != 1 or index.numel() == 0:
            raise ValueError(f"an index must have shape (n,) with n at least 1, got {tuple(index.shape)}")
        low, high = int(index.min()), int(index.max())
        if low < 0 or high >= len(self):
            raise ValueError(f"rows {low} to {high} are asked for, the set has 0 to {len(self) - 1}")
        return index.to(self.pixels.device, torch.int64)

    def batch(self, index: Tensor, *, target_range: str) -> Tensor:
        """Return patches on the scale that a run trains on.

        Parameters
        ----------
        index : Tensor of int64, shape (B,)
            Row numbers, on the device.
        target_range : str
            ``signed``: black is -1 and white 1, as in the report; ``unit``: 0 and 1.

        Returns
        -------
        Tensor of float32, shape (B, 1, S, S)

        Raises
        ------
        ValueError
            If the range is not known.
        """
        return normalised(self.pixels[index], target_range)

    def batches(self, parts: Iterable[Tensor], *, target_range: str) -> Iterator[Tensor]:
        """Yield batch after batch, as `batch` gives them.

        Parameters
        ----------
        parts : iterable of Tensor of int64, shape (B,)
            Row numbers of each, as `index` gives them.
        target_range : str
            As in `batch`.

        Yields
        ------
        Tensor of float32, shape (B, 1, S, S)
        """
        for part in parts:
            yield self.batch(part, target_range=target_range)


def normalised(pixels: Tensor, target_range: str) -> Tensor:
    """Return grey levels on the scale that a run trains on.

    Parameters
    ----------
    pixels : Tensor of uint8
        Any shape.
    target_range : str
        ``signed`` or ``unit``.

    Returns
    -------
    Tensor of float32, same shape and device

    Raises
    ------
    ValueError
        If the range is not known.
    """
    low, high = range_bounds(target_range)
    return pixels.float().div_(WHITE / (high - low)).add_(low)
