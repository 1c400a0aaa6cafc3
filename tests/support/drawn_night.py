"""One night in a lake of its own, to be drawn: two folds of two schemes by PP1, an autoencoder and a VAE."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from nights import run_night

from deepdlt.synthetic.synth import write_synthetic
from lake import Lake
from tasks import probing
from tasks.lake_access import open_lake

METHODS = ("pca", "tsne")
"""UMAP is left out: it is compiled for 10 s."""

N_RUNS = 6


@dataclass(frozen=True)
class DrawnNight:
    """A night and its lake; tests leave its rows as they are."""

    lake: Lake
    night_id: str


def make_drawn_night(folder: Path) -> DrawnNight:
    """Run the night."""
    write_synthetic(folder / "images", n_images=20, height_px=96, width_px=128)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEEPDLT_LAKE", str(folder / "lake"))
        patch.setenv("DEEPDLT_DEVICE", "cpu")
        patch.setattr(probing, "METHODS", METHODS)
        patch.setattr(probing, "N_PERMUTATIONS", 9)
        night = run_night(folder / "images")
        return DrawnNight(open_lake(), night["night_id"])
