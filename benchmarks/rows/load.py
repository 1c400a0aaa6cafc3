"""The patches of a data set from their shards into memory."""

from typing import Any

from benchmarks.child import Clock
from benchmarks.pairs import Pairs
from benchmarks.peaks import Peaks
from benchmarks.row import Limit, Row, within
from benchmarks.sources import Stage

N_PATCHES = 20_800
GOAL_S = 0.2


def parameters(stage: Stage) -> dict[str, Any]:
    """Return a lake with enough patches."""
    n_images = sum(1 for _ in stage.source.rglob("*.png"))
    return {"lake": str(stage.lake(-(-N_PATCHES // n_images)))}


def ours(clock: Clock, lake: str) -> None:
    """Ask the lake where the patches of the data set are, and read them in the order of the data set."""
    from benchmarks.sources import held_out_patches
    from deepdlt.training.patchset import PatchSet
    from lake import Lake
    from lake.shards import read_patches

    opened = Lake.open(lake, is_read_only=True)
    manifest = held_out_patches(opened)
    read_patches(opened.root, manifest.head(1), size_px=64)  # what is imported on the first call
    with clock.running():
        manifest = held_out_patches(opened).head(N_PATCHES)
        patches = PatchSet.from_array(read_patches(opened.root, manifest, size_px=64), device="cpu")
    clock.say(n_patches=len(patches), n_bytes=patches.pixels.numel())


def copying(pairs: Pairs, peaks: Peaks, parameters: dict[str, Any]) -> Limit:
    """Return the time to copy the pixels once."""
    del parameters
    n_bytes = pairs.ours[0].said["n_bytes"]
    return Limit(
        2 * n_bytes / peaks.bytes_per_s, f"{n_bytes / 1e6:.0f} MB copied at {peaks.bytes_per_s / 1e9:.1f} GB/s"
    )


ROWS = (
    Row(
        name="load",
        work=f"{N_PATCHES:,} patches from shards into memory",
        ours="benchmarks.rows.load:ours",
        parameters=parameters,
        judges=(within(GOAL_S),),
        limit=copying,
    ),
)
