"""PSNR and SSIM of held-out patches, patch by patch, the report's and the correct ones."""

import time
from typing import TYPE_CHECKING, Any

from benchmarks.child import Clock
from benchmarks.pairs import Pairs
from benchmarks.peaks import Peaks
from benchmarks.row import Limit, Row, faster, said_at_most
from benchmarks.sources import Stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

N_PATCHES = 2080
NOISE = 0.05
TOLERANCE = 1e-6
MEASURES = ("psnr_paper_db", "ssim_paper", "psnr_db", "ssim")


def parameters(stage: Stage) -> dict[str, Any]:
    """Return where the patches come from."""
    return {"lake": str(stage.lake())}


def load_images(lake: str) -> "tuple[Tensor, Tensor]":
    """Return patches on [-1, 1] and noisy pictures of them on [0, 1], as a sigmoid gives: (2080, 1, 64, 64) each."""
    import torch

    from benchmarks.rows.training import load_training

    patches, parts = load_training(lake)
    n_there = sum(len(part) for part in parts.values())
    rows = torch.arange(N_PATCHES) % n_there
    target = patches.batch(rows, target_range="signed")
    noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(0))
    return (target.add(1).div(2) + NOISE * noise).clamp(0, 1), target


def ours(clock: Clock, lake: str) -> None:
    """Score every patch in batches, as the validation of an epoch does."""
    import torch

    from deepdlt.quality.metrics import all_metrics
    from deepdlt.quality.scoring import CPU_BATCH

    reconstruction, target = load_images(lake)
    began = time.perf_counter()
    all_metrics(reconstruction[:1], target[:1], target_range="signed")
    clock.say(first_call_s=time.perf_counter() - began)
    with torch.inference_mode(), clock.running():
        batches = zip(torch.split(reconstruction, CPU_BATCH), torch.split(target, CPU_BATCH), strict=True)
        parts = [all_metrics(one, two, target_range="signed") for one, two in batches]
        found = {name: torch.cat([part[name] for part in parts]) for name in MEASURES}
    sample = range(0, N_PATCHES, 40)
    expected = [_score(reconstruction[row, 0].numpy(), target[row, 0].numpy()) for row in sample]
    apart = max(
        abs(float(found[name][row]) - scores[name])
        for row, scores in zip(sample, expected, strict=True)
        for name in MEASURES
    )
    clock.say(n_patches=N_PATCHES, largest_difference=apart)


def baseline(clock: Clock, lake: str) -> None:
    """Score every patch with scikit-image, one by one."""
    reconstruction, target = load_images(lake)
    pictures = reconstruction[:, 0].numpy(), target[:, 0].numpy()
    _score(pictures[0][0], pictures[1][0])
    with clock.running():
        for one, two in zip(*pictures, strict=True):
            _score(one, two)


def _score(reconstruction: "NDArray[np.float32]", target: "NDArray[np.float32]") -> dict[str, float]:
    """Return the four measures of one patch, in float64, by scikit-image."""
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    output, wanted = reconstruction.astype(float), target.astype(float)
    unit = (output + 1) / 2, (wanted + 1) / 2
    own = [(image - image.min()) / (image.max() - image.min()) for image in (output, wanted)]
    contrast = wanted.max() - wanted.min()
    return {
        "psnr_paper_db": float(peak_signal_noise_ratio(wanted, output, data_range=contrast)),  # type: ignore[no-untyped-call]
        "ssim_paper": float(structural_similarity(*own, data_range=1.0, win_size=5)),  # type: ignore[no-untyped-call]
        "psnr_db": float(peak_signal_noise_ratio(unit[1], unit[0], data_range=1.0)),  # type: ignore[no-untyped-call]
        "ssim": float(structural_similarity(*unit, data_range=1.0, win_size=7)),  # type: ignore[no-untyped-call]
    }


def reading(pairs: Pairs, peaks: Peaks, parameters: dict[str, Any]) -> Limit:
    """Return the time to read every picture once from memory."""
    del pairs, parameters
    n_bytes = 2 * N_PATCHES * 64 * 64 * 4
    return Limit(n_bytes / peaks.bytes_per_s, f"{n_bytes / 1e6:.0f} MB read once at {peaks.bytes_per_s / 1e9:.1f} GB/s")


ROWS = (
    Row(
        name="evaluation",
        work=f"PSNR and SSIM (windows 7 and 5) of {N_PATCHES:,} patches",
        ours="benchmarks.rows.evaluation:ours",
        other="benchmarks.rows.evaluation:baseline",
        parameters=parameters,
        judges=(
            faster(20),
            said_at_most("largest_difference", TOLERANCE, goal="equal to 1e-6", unit=" apart"),
        ),
        limit=reading,
    ),
)
