"""What a split really separates: images, conditions, spots and pixels on both sides, strata, label shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from deepdlt.dataset.image_groups import condition_groups, physical_spots
from deepdlt.dataset.overlap import overlaps_any
from deepdlt.quality.summaries import label_text

__all__ = ["SplitAudit", "audit_split", "condition_groups", "physical_spots"]

HELD_OUT = "held_out"
"""Validation and test together."""

SIDES = ("val", "test", HELD_OUT)

SIDE_SCHEMA: dict[str, type[pl.DataType]] = {
    "fold": pl.Int32,
    "side": pl.String,
    **dict.fromkeys(("n_train_patches", "n_patches", "n_train_images", "n_images", "n_shared_images"), pl.Int32),
    **dict.fromkeys(("n_train_conditions", "n_conditions", "n_shared_conditions"), pl.Int32),
    **dict.fromkeys(("n_train_spots", "n_spots", "n_shared_spots", "n_overlapping_patches"), pl.Int32),
    "overlap_share": pl.Float64,
}
STRATUM_SCHEMA: dict[str, type[pl.DataType]] = {
    "fold": pl.Int32,
    "stratum": pl.String,
    "label_values": pl.String,
    **dict.fromkeys(("n_values", "n_images", "n_train_patches", "n_val_patches", "n_test_patches"), pl.Int32),
    "is_merged": pl.Boolean,
}
SHARE_SCHEMA: dict[str, type[pl.DataType]] = {
    "fold": pl.Int32,
    **dict.fromkeys(("side", "label", "label_value"), pl.String),
    **dict.fromkeys(("train_share", "share", "deviation"), pl.Float64),
}


@dataclass(frozen=True)
class SplitAudit:
    """What lies on both sides of every fold.

    Attributes
    ----------
    sides : polars.DataFrame
        One row per ``fold`` and ``side`` (val, test, held_out = both; those that have patches),
        against the training side: ``n_train_patches``, ``n_patches``, and of images, conditions and
        spots ``n_train_...``, ``n_...`` and ``n_shared_...``; ``n_overlapping_patches`` and
        ``overlap_share``, the number and share of the side's patches that share a pixel with a
        training patch.
    strata : polars.DataFrame
        One row per ``fold`` and ``stratum``: ``label_values`` (text, those of its patches, in
        order), ``n_values``, ``n_images``, ``n_train_patches``, ``n_val_patches``,
        ``n_test_patches``, ``is_merged`` (it holds more than one value). Values and what follows from
        them are null where no label was named.
    label_shares : polars.DataFrame
        One row per ``fold``, ``side``, ``label`` and ``label_value``: ``train_share`` and ``share`` of the
        patches that have a value, and ``deviation``, share minus train_share.
    largest_deviations : polars.DataFrame
        Of these, the row with the largest deviation, up or down, per ``fold``, ``side`` and ``label``.
    """

    sides: pl.DataFrame
    strata: pl.DataFrame
    label_shares: pl.DataFrame
    largest_deviations: pl.DataFrame


def audit_split(
    folds: pl.DataFrame,
    patches: pl.DataFrame,
    labels: pl.DataFrame,
    *,
    setting_columns: Sequence[str],
    label_columns: Mapping[str, str],
    stratified_by: str | None = None,
) -> SplitAudit:
    """Count what the training side of each fold knows of the held-out side already.

    Parameters
    ----------
    folds : polars.DataFrame
        One row per fold and patch: ``fold``, ``patch_id``, ``image_id``, ``split``, ``stratum``.
    patches : polars.DataFrame
        One row per patch: ``patch_id``, ``image_id``, ``origin_row``, ``origin_col``, ``size_px``,
        in pixels. Patches that no fold uses do not count.
    labels : polars.DataFrame
        One row per image: ``image_id``, ``name`` and the columns named below.
    setting_columns : sequence of str
        The settings of the laser; images equal in all of them are one condition.
    label_columns : mapping of str to str
        People's key of a label to its column, e.g. ``{"NP": "n_pulses"}``.
    stratified_by : str, optional
        Column whose bins the strata are.

    Returns
    -------
    SplitAudit

    Raises
    ------
    ValueError
        If a fold lists a patch twice, a split is not train, val or test, or a patch or image that a
        fold uses is missing from `patches` or `labels`.
    """
    rows = _placed_rows(folds, patches, labels, setting_columns)
    shares = _label_shares(rows, labels, label_columns)
    return SplitAudit(
        sides=_sides(rows),
        strata=_strata(rows, labels, stratified_by),
        label_shares=shares,
        largest_deviations=_largest(shares),
    )


def _placed_rows(
    folds: pl.DataFrame, patches: pl.DataFrame, labels: pl.DataFrame, setting_columns: Sequence[str]
) -> pl.DataFrame:
    """Return the rows of folds with condition, spot and whether the patch overlaps a training patch."""
    _check(folds, patches, labels)
    used = patches.join(folds.select("patch_id").unique(), on="patch_id", how="semi").sort("image_id", "patch_id")
    numbers = sorted(folds["fold"].unique())
    is_train = np.zeros((used.height, len(numbers)), np.bool_)
    place = used.select("patch_id", pl.int_range(pl.len()).alias("place"))
    trained = folds.filter(pl.col("split") == "train").join(place, on="patch_id")
    is_train[trained["place"].to_numpy(), np.searchsorted(numbers, trained["fold"].to_numpy())] = True
    _, image = np.unique(used["image_id"].to_numpy(), return_inverse=True)
    top, left, side = (used[name].to_numpy() for name in ("origin_row", "origin_col", "size_px"))
    found = overlaps_any(image, top, left, side, is_train)  # (N, folds)
    overlaps = pl.concat(
        [
            used.select("patch_id", fold=pl.lit(number, folds["fold"].dtype), overlaps=pl.Series(found[:, column]))
            for column, number in enumerate(numbers)
        ]
    )
    return (
        folds.join(overlaps, on=["fold", "patch_id"], how="left")
        .join(condition_groups(labels, setting_columns), on="image_id", how="left")
        .join(physical_spots(labels, setting_columns), on="image_id", how="left")
    )


def _check(folds: pl.DataFrame, patches: pl.DataFrame, labels: pl.DataFrame) -> None:
    """Refuse frames that do not fit each other."""
    if folds.select("fold", "patch_id").is_duplicated().any():
        raise ValueError("a fold lists a patch more than once")
    others = sorted(set(folds["split"].unique()) - {"train", "val", "test"})
    if others:
        raise ValueError(f"split must be train, val or test, got {', '.join(others)}")
    for key, frame, name in (("patch_id", patches, "patches"), ("image_id", labels, "labels")):
        n_missing = folds.select(key).unique().join(frame, on=key, how="anti").height
        if n_missing:
            raise ValueError(f"{n_missing} values of {key} that the folds use are missing from {name}")
    if patches["patch_id"].is_duplicated().any():
        raise ValueError("patches list a patch more than once")


def _side(rows: pl.DataFrame, side: str) -> pl.DataFrame:
    """Return the rows of one side."""
    return rows.filter(pl.col("split") != "train" if side == HELD_OUT else pl.col("split") == side)


def _sides(rows: pl.DataFrame) -> pl.DataFrame:
    """Compare every held-out side of every fold with its training side."""
    counted = []
    for (fold,), of_fold in rows.sort("fold").group_by("fold", maintain_order=True):
        train = _side(of_fold, "train")
        for side in SIDES:
            held = _side(of_fold, side)
            if held.is_empty():
                continue
            n_overlapping = int(held["overlaps"].sum())
            row = {"fold": fold, "side": side, "n_train_patches": train.height, "n_patches": held.height}
            for name, column in (("images", "image_id"), ("conditions", "group_id"), ("spots", "spot_id")):
                there, here = set(train[column]), set(held[column])
                row |= {f"n_train_{name}": len(there), f"n_{name}": len(here), f"n_shared_{name}": len(there & here)}
            overlap = {"n_overlapping_patches": n_overlapping, "overlap_share": n_overlapping / held.height}
            counted.append(row | overlap)
    return pl.DataFrame(counted, schema=SIDE_SCHEMA)


def _strata(rows: pl.DataFrame, labels: pl.DataFrame, column: str | None) -> pl.DataFrame:
    """Count patches, and list label values, of every stratum."""
    value = pl.lit(None, pl.String) if column is None else pl.col(column)
    valued = rows.join(labels.select("image_id", value=value), on="image_id", how="left")
    counted = []
    for (fold, stratum), part in valued.sort("fold", "stratum").group_by("fold", "stratum", maintain_order=True):
        values = [label_text(one) for one in part["value"].drop_nulls().unique().sort()]
        known = {"label_values": ", ".join(values), "n_values": len(values), "is_merged": len(values) > 1}
        counts = {f"n_{split}_patches": _side(part, split).height for split in ("train", "val", "test")}
        row = {"fold": fold, "stratum": stratum, "n_images": part["image_id"].n_unique(), **counts}
        counted.append(row if column is None else row | known)
    return pl.DataFrame(counted, schema=STRATUM_SCHEMA)


def _label_shares(rows: pl.DataFrame, labels: pl.DataFrame, columns: Mapping[str, str]) -> pl.DataFrame:
    """Compare the shares of every label value on every held-out side with those in training."""
    parts = [pl.DataFrame(schema=SHARE_SCHEMA)]
    for label, column in columns.items():
        valued = rows.join(labels.select("image_id", value=column), on="image_id").drop_nulls("value")
        train = _shares(_side(valued, "train")).rename({"share": "train_share"})
        for side in SIDES:
            held = _shares(_side(valued, side))
            # A value on one side only counts as a share of 0 on the other, where that side has patches at all.
            both = train.join(held, on=["fold", "value"], how="full", coalesce=True)
            both = both.filter(pl.col("fold").is_in(held["fold"].unique().implode()))
            shares = [pl.col(name).fill_null(0.0) for name in ("train_share", "share")]
            named = both.sort("fold", "value").with_columns(
                *shares,
                side=pl.lit(side),
                label=pl.lit(label),
                label_value=pl.col("value").map_elements(label_text, return_dtype=pl.String),
            )
            parts.append(
                named.with_columns(deviation=pl.col("share") - pl.col("train_share")).select(list(SHARE_SCHEMA))
            )
    return pl.concat([part.cast(pl.Schema(SHARE_SCHEMA)) for part in parts])


def _shares(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the share of each value among the patches of each fold."""
    counts = rows.group_by("fold", "value").agg(n=pl.len())
    return counts.select("fold", "value", share=pl.col("n") / pl.col("n").sum().over("fold"))


def _largest(shares: pl.DataFrame) -> pl.DataFrame:
    """Return the row of largest deviation of each fold, side and label."""
    by_size = shares.with_columns(size=pl.col("deviation").abs()).sort("size", descending=True, maintain_order=True)
    first = by_size.unique(["fold", "side", "label"], keep="first", maintain_order=True).drop("size")
    return first.sort("fold", "label", "side")
