"""What a night decided on champions, and how its new images looked to the one that stood before."""

import polars as pl

from deepdlt.page.parts import Frames, Section, frame_of, section
from deepdlt.page.tables import Interval, Table, make_table
from deepdlt.page.words import count, listed


def champions(frames: Frames) -> Section:
    """Return which models are the best of their preset, and why others are not."""
    decisions = make_table(
        frame_of(frames, "champion_decisions"),
        (
            *("preset", "scheme", "is_promoted", "decision", "image_mse"),
            Interval("champion_difference", "ci_low", "ci_high"),
            "n_images",
        ),
        "Judged this night",
        is_folded=False,
    )
    standing = make_table(
        frame_of(frames, "champions"),
        ("preset", "how", "night_sequence", "image_mse", "psnr_db", "n_images", "decision", "run_id"),
        "Champions after this night",
    )
    rule = (
        "A champion beats every baseline that spends no more numbers a patch than its code, is better than the one "
        "before by more than the 95 % interval over images, and worse by more than 5 % on no label value."
    )
    nothing = "No training was judged this night, and there is no champion."
    return section("champions", "Champions", [decisions, standing], [rule], nothing=nothing)


def looks(frames: Frames) -> Table | None:
    """Return how new images looked to the champion; None where there were none, or no champion."""
    return make_table(
        frame_of(frames, "drift"),
        (
            *("image", "verdict", "decision", "mse", "loss_percentile", "latent_distance", "unseen_labels"),
            *("pixel_size_nm", "field_of_view_um", "preset"),
        ),
        "How new images look to the champion",
        is_folded=False,
    )


def looks_sentence(frames: Frames) -> list[str]:
    """Say how many new images look like what; nothing where none was looked at."""
    found = frame_of(frames, "drift")
    if found.is_empty():
        return []
    counts = found.group_by("verdict").len().sort(pl.col("len"), "verdict", descending=[True, False])
    said = listed(f"{n} {verdict}" for verdict, n in counts.iter_rows())
    return [f"The champion looked at {count(found.height, 'new image')}: {said}."]
