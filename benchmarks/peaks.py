"""What this machine reaches at best with the libraries that the program uses."""

import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

MATRIX = 2048
COPY_BYTES = 2**28
CHANNELS = (1, 32, 64, 128)
EDGES_PX = (64, 32, 16)
BATCH = 32


def best_seconds(work: Callable[[], object], *, times: int = 5) -> float:
    """Return the shortest of a few runs, in seconds, after one that does not count."""
    work()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken)


@dataclass(frozen=True)
class Peaks:
    """Measured on first use.

    Parameters
    ----------
    source : Path
        Folder of images, for the speed of decoding.
    """

    source: Path

    @cached_property
    def bytes_per_s(self) -> float:
        """Bytes read and written by a large copy, a second."""
        there = np.ones(COPY_BYTES, np.uint8)
        here = np.empty_like(there)
        return 2 * COPY_BYTES / best_seconds(lambda: np.copyto(here, there))

    @cached_property
    def matmul_flops(self) -> float:
        """Operations a second of torch's float32 product of large matrices."""
        import torch

        left, right = torch.randn(2, MATRIX, MATRIX).unbind()
        return 2 * MATRIX**3 / best_seconds(lambda: left @ right)

    @cached_property
    def convolution_flops(self) -> float:
        """Operations a second of torch's 3 x 3 convolution at the autoencoder's widest stage, channels last."""
        import torch

        n_in, n_out, edge = CHANNELS[-2], CHANNELS[-1], EDGES_PX[-1]
        batch = torch.randn(256, n_in, edge, edge).contiguous(memory_format=torch.channels_last)
        layer = torch.nn.Conv2d(n_in, n_out, 3, padding=1).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        with torch.inference_mode():
            taken = best_seconds(lambda: layer(batch))
        return 2 * 9 * n_in * n_out * edge**2 * len(batch) / taken

    @cached_property
    def decoding_s(self) -> float:
        """Seconds to decode every image of the source with Pillow on all cores, from memory, and nothing else."""
        from PIL import Image

        contents = [path.read_bytes() for path in sorted(self.source.rglob("*.png"))]

        def decode(content: bytes) -> None:
            with Image.open(io.BytesIO(content)) as image:
                image.load()

        with ThreadPoolExecutor() as pool:
            return best_seconds(lambda: list(pool.map(decode, contents)), times=2)


def autoencoder_flops(*, n_train: int, n_val: int, kernel_px: int = 3) -> float:
    """Return the operations of the convolutions in one epoch of the report's autoencoder.

    A training step is taken as three forward passes (forward, gradient of the input, gradient of the
    weights), less the gradient of the first layer's input, which nobody needs.

    Examples
    --------
    >>> round(autoencoder_flops(n_train=1, n_val=0) / 1e6)
    257
    """
    encoder = [
        2 * kernel_px**2 * n_in * n_out * edge**2
        for n_in, n_out, edge in zip(CHANNELS, CHANNELS[1:], EDGES_PX, strict=False)
    ]
    pairs = zip(CHANNELS[:0:-1], CHANNELS[-2::-1], (8, 16, 32), strict=True)
    decoder = [2 * 4 * n_in * n_out * edge**2 for n_in, n_out, edge in pairs]
    forward = sum(encoder) + sum(decoder)
    return n_train * (3 * forward - encoder[0]) + n_val * forward
