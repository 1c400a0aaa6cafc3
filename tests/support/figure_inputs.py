"""Small inputs for every picture."""

import numpy as np
import polars as pl

from deepdlt.figures.extremes import PlacedPatch
from deepdlt.figures.radial_power import radial_power
from deepdlt.figures.spectra import SpectrumPair

GREY = np.linspace(0, 1, 64).reshape(1, 8, 8)
NOISE = np.random.default_rng(0).uniform(0, 1, (8, 16, 16))

DIFFICULTY = pl.DataFrame(
    [
        ("NP", "10", 5, 0.2, 0.15, 0.3, 0.0004),
        ("NP", "500", 1, 0.3, None, None, 0.0004),
        ("PP1", "V", 5, 0.2, 0.1, 0.3, None),
    ],
    schema=["label", "label_value", "n_images", "mean_loss", "ci_low", "ci_high", "p_label"],
    orient="row",
)
"""Two labels, one value without an interval, one label without a p."""

GAPS = pl.DataFrame(
    [("NP", "grouped", 12, 0.01, 0.005, 0.015), ("NP", "condition", 12, 0.02, None, None)],
    schema=["label", "scheme", "n_images", "gap", "ci_low", "ci_high"],
    orient="row",
)

SHARES = pl.DataFrame(
    [(1, side, value, n) for side in ("train", "val", "test") for value, n in (("5.5", 750), ("19", 250))],
    schema=["fold", "split", "label_value", "n_patches"],
    orient="row",
)
"""One fold; on every side three quarters have an angle of 5.5."""


def epochs(n: int, *series: str) -> pl.DataFrame:
    """Return a history of n epochs, or of several runs by name."""
    falling = 0.1 + 1 / np.arange(1, n + 1)
    names = ("train_loss", "val_loss", "val_psnr_db", "val_psnr_paper_db", "val_ssim", "val_ssim_paper")
    parts = ("train_reconstruction_loss", "val_reconstruction_loss", "train_kl", "val_kl")
    one = pl.DataFrame({"epoch": np.arange(1, n + 1), **dict.fromkeys((*names, *parts), falling)})
    return pl.concat([one.with_columns(series=pl.lit(name)) for name in series]) if series else one


def points(n: int = 90) -> pl.DataFrame:
    """Return codes in a plane with a label of 3 values and one of 9."""
    x = np.linspace(0, 1, n)
    pulses, energies = ("10", "20", "500"), tuple(str(14 + 4 * step) for step in range(9))
    labels = {"NP": [pulses[i % 3] for i in range(n)], "EP1": [energies[i % 9] for i in range(n)]}
    return pl.DataFrame({"x": x, "y": x**2, **labels})


def placed(row: int, *, origin_row: int = 80, origin_col: int = 112) -> PlacedPatch:
    """Return a patch of 16 px, in the lower right corner of an image of 96 x 128 px unless told."""
    place = (origin_row, origin_col, 96, 128)
    return PlacedPatch(NOISE[row], NOISE[row] / 2, "series/Details/a.png", *place, ["MSE 0.1"])


def spectrum_pair(pixel_size_nm: float | None) -> SpectrumPair:
    """Return spectra of noise and of noise of half the contrast."""
    return SpectrumPair(radial_power(NOISE), radial_power(NOISE / 2), len(NOISE), 2, pixel_size_nm)
