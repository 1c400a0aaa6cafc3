"""Folds: which patches train, validate and test, drawn over patches, images, conditions or levels of a label."""

import logging
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepdlt.dataset.dealing import TEST, TRAIN, VAL, deal_images, deal_levels, deal_patches
from deepdlt.dataset.strata import Strata, category_strata, level_strata, quantile_strata
from deepdlt.digest import digest_json
from deepdlt.errors import DeepdltError

logger = logging.getLogger(__name__)

Scheme = Literal["paper", "grouped", "condition", "leave-one-level-out"]
SCHEMES = ("paper", "grouped", "condition", "leave-one-level-out")
Kind = Literal["number", "category"]

SPLITS = ("train", "val", "test")
"""Names of `TRAIN`, `VAL` and `TEST`."""

FOLD_SCHEMA = pl.Schema(
    {"fold": pl.Int32, "patch_id": pl.String, "image_id": pl.String, "split": pl.String, "stratum": pl.String}
)
"""Columns of every split: one row per fold and patch."""

NO_STRATUM = "all"
"""Stratum of the 80/10/10 split, which has none."""


class TooFewToSplit(DeepdltError):
    """There are not enough images or patches for the folds asked for."""

    def __init__(self, *, what: str, n_found: int, n_needed: int, n_folds: int, has_choice: bool = False) -> None:
        self.what = what
        self.n_found = n_found
        self.n_needed = n_needed
        self.n_folds = n_folds
        asked = f"{n_folds} folds" if n_folds > 1 else "a split"
        super().__init__(
            f"{asked} into train, val and test need at least {n_needed} labelled {what}, there are {n_found}: "
            f"add images{', or ask for fewer folds' if has_choice and n_folds > 2 else ''}."
        )


def split_holdout(
    patches: pl.DataFrame, *, seed: int, fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
) -> pl.DataFrame:
    """Split whole images into train, val and test, as the report does once for all labels.

    Images are ordered by a digest of seed and image, so the order of rows changes nothing. Every
    part that is asked for gets one image at least.

    Parameters
    ----------
    patches : polars.DataFrame
        Columns patch_id and image_id.
    seed : int
        Another seed, another order.
    fractions : tuple of float
        Shares of the images that train, validate and test; they add up to 1.

    Returns
    -------
    polars.DataFrame
        Columns as in `FOLD_SCHEMA`, sorted by patch_id; fold is 1, stratum is ``"all"``.

    Raises
    ------
    TooFewToSplit
        If there are fewer images than parts.
    ValueError
        If a fraction is negative, they do not add up to 1, or a patch is listed twice.
    """
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError(f"fractions must not be negative and must add up to 1, got {fractions}")
    ordered = _sorted_patches(patches)
    images = ordered["image_id"].unique().to_list()
    least = [int(fraction > 0) for fraction in fractions]
    if len(images) < sum(least):
        raise TooFewToSplit(what="images", n_found=len(images), n_needed=sum(least), n_folds=1)
    n_train = int(len(images) * fractions[0] + 1e-9)  # the sum of fractions may lie a rounding below its value
    n_val = max(int(len(images) * (fractions[0] + fractions[1]) + 1e-9) - n_train, least[VAL])
    n_test = max(len(images) - n_train - n_val, least[TEST])
    n_train = len(images) - n_val - n_test
    splits = np.repeat([TRAIN, VAL, TEST], [n_train, n_val, n_test])
    images.sort(key=lambda image_id: digest_json([seed, image_id]))
    chosen = pl.DataFrame({"image_id": images, "split": _split_names(splits)})
    return ordered.join(chosen, on="image_id", how="left", maintain_order="left").select(
        pl.lit(1, pl.Int32).alias("fold"), "patch_id", "image_id", "split", pl.lit(NO_STRATUM).alias("stratum")
    )


def assign_folds(
    patches: pl.DataFrame,
    values: pl.DataFrame,
    *,
    scheme: Scheme,
    kind: Kind,
    n_folds: int = 5,
    seed: int,
    groups: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Assign every labelled patch to train, val or test in each of several stratified folds.

    ``paper`` deals patches, as the report does: patches of one image land on all sides; the
    held-out part is halved into val and test. ``grouped`` deals whole images: every image is
    tested in exactly one fold, and a stratified tenth of all images, taken from the rest,
    validates. ``condition`` deals whole groups of images the same way, e.g. all images of one set of
    laser settings; where a group has several label values, its most frequent one is its stratum. In
    all three, folds and strata are as even as whole numbers allow: the counts of a stratum in two
    test folds differ by one at most, counted in what is dealt. ``leave-one-level-out`` asks another
    question: each fold tests all images of one label value, which training has never seen, and a
    stratified tenth of the other groups validates. Patches of images without a value are left out,
    and the log says how many.

    Parameters
    ----------
    patches : polars.DataFrame
        Columns patch_id and image_id.
    values : polars.DataFrame
        Columns image_id and value: the label, one row an image. Null, NaN and no row mean missing.
    scheme : {"paper", "grouped", "condition", "leave-one-level-out"}
        What is dealt: patches, whole images, whole groups, or levels of the label.
    kind : {"number", "category"}
        Categories are strata by themselves. Numbers are where whole images or groups are dealt (`level_strata`); dealt
        as patches, and where levels are left out, they are binned as the report does (`quantile_strata` over patches),
        which joins neighbouring values.
    n_folds : int
        Number of folds K, at least 2. ``leave-one-level-out`` has as many as the label has values.
    seed : int
        Not negative.
    groups : polars.DataFrame, optional
        Columns image_id and group_id: what ``condition`` deals, and what ``leave-one-level-out``
        keeps on one side of training and validation, e.g. `deepdlt.dataset.image_groups.condition_groups`.
        Without it, each image is a group.

    Returns
    -------
    polars.DataFrame
        Columns as in `FOLD_SCHEMA`, sorted by fold (1 .. K) and patch_id.

    Raises
    ------
    TooFewToSplit
        If there are not enough labelled images or patches to fill all parts of each fold.
    ValueError
        If the scheme or kind is unknown, `n_folds` is below 2, `seed` is negative, a number label
        holds text, or an image or patch is listed twice.
    """
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {', '.join(SCHEMES)}, got {scheme!r}")
    if n_folds < 2 or seed < 0:
        raise ValueError(f"n_folds must be at least 2 and seed not negative, got {n_folds} and {seed}")
    labelled = _with_groups(_with_values(_sorted_patches(patches), values, kind), groups)
    _check_enough(labelled[UNITS[scheme]], scheme, n_folds)
    strata = _strata_of(labelled, kind, scheme, n_folds)
    if scheme == "leave-one-level-out":
        splits, of_patch = _leave_levels_out(labelled, strata, seed)
    else:
        splits, of_patch = _deal_units(labelled, strata, scheme, n_folds, seed)
    rows = labelled.select(
        "patch_id", "image_id", stratum=pl.Series(strata.names, dtype=pl.String).gather(strata.codes)
    )
    return pl.concat(
        rows.with_columns(pl.lit(fold, pl.Int32).alias("fold"), _split_names(split[of_patch]).alias("split"))
        for fold, split in enumerate(splits, start=1)
    ).select(FOLD_SCHEMA.names())


UNITS = {"paper": "patch_id", "grouped": "image_id", "condition": "group_id", "leave-one-level-out": "value"}
"""What each scheme deals."""

_NAMES = {
    "paper": "patches",
    "grouped": "images",
    "condition": "groups of images",
    "leave-one-level-out": "label values",
}


def count_levels(values: pl.DataFrame) -> int:
    """Return the number of distinct label values, which is the number of folds of ``leave-one-level-out``.

    Parameters
    ----------
    values : polars.DataFrame
        Columns image_id and value.

    Returns
    -------
    int
    """
    return int(values["value"].drop_nulls().n_unique())


def _deal_units(
    labelled: pl.DataFrame, strata: Strata, scheme: Scheme, n_folds: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the split of each unit in each fold, (K, n_units), and the unit of each patch."""
    of_patch, codes = _units(labelled[UNITS[scheme]], strata)
    _tell_rare(codes, strata, scheme, n_folds)
    deal = deal_patches if scheme == "paper" else deal_images
    return deal(codes, n_folds=n_folds, seed=seed), of_patch


def _leave_levels_out(labelled: pl.DataFrame, strata: Strata, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the split of each pair of group and level in each fold, and the pair of each patch."""
    levels, level = np.unique(labelled["value"].to_numpy(), return_inverse=True)
    _, group = np.unique(labelled["group_id"].rank("dense").to_numpy(), return_inverse=True)
    pairs, of_patch = np.unique(np.stack([group, level]), axis=1, return_inverse=True)  # (2, n_pairs), (N,)
    n_outside = min(len(np.unique(pairs[0, pairs[1] != one])) for one in range(len(levels)))
    if n_outside < 2:
        what = "groups of images outside each label value"
        raise TooFewToSplit(what=what, n_found=n_outside, n_needed=2, n_folds=len(levels))
    of_patch = of_patch.reshape(-1)
    codes = np.zeros(pairs.shape[1], np.int64)
    codes[of_patch] = strata.codes
    return deal_levels(pairs[0], pairs[1], codes, seed=seed), of_patch


def _units(unit: pl.Series, strata: Strata) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the unit of each patch, numbered in the order of ids, and the most frequent stratum of each unit."""
    _, of_patch = np.unique(unit.rank("dense").to_numpy(), return_inverse=True)
    counts = np.zeros((of_patch.max() + 1, len(strata.names)), np.int64)  # (n_units, strata)
    np.add.at(counts, (of_patch, strata.codes), 1)
    return of_patch, counts.argmax(1)


def _with_groups(labelled: pl.DataFrame, groups: pl.DataFrame | None) -> pl.DataFrame:
    """Add the group of each patch's image; an image without one is a group of its own."""
    if groups is None:
        return labelled.with_columns(group_id=pl.col("image_id"))
    if groups["image_id"].is_duplicated().any():
        raise ValueError("an image has several groups: groups must hold one row an image")
    joined = labelled.join(groups.select("image_id", "group_id"), on="image_id", how="left", maintain_order="left")
    return joined.with_columns(pl.col("group_id").fill_null(pl.col("image_id")))


def split_id_of(
    dataset_id: str,
    scheme: str,
    label: str,
    n_folds: int,
    seed: int,
    values: pl.DataFrame,
    *,
    kind: Kind | None = None,
    groups: pl.DataFrame | None = None,
) -> str:
    """Name a way of cutting a data set into folds after everything that decides it.

    Parameters
    ----------
    dataset_id, scheme, label : str
        What is split, how it is drawn, by which label.
    n_folds, seed : int
        As given to `assign_folds`.
    values : polars.DataFrame
        Columns image_id and value, as given to `assign_folds`; no rows for a split without label.
    kind : {"number", "category"}, optional
        As given to `assign_folds`, where a label of numbers may be declared as either.
    groups : polars.DataFrame, optional
        As given to `assign_folds`, where the scheme heeds them.

    Returns
    -------
    str
        32 hexadecimal digits: another label value gives another name, another order of rows or
        another integer type does not.
    """
    value = values["value"]
    if value.dtype.is_numeric():
        value = value.cast(pl.Float64).fill_nan(None)
    pairs = sorted(zip(values["image_id"].to_list(), value.to_list(), strict=True), key=lambda pair: str(pair[0]))
    grouping = [] if groups is None else [sorted(groups.select("image_id", "group_id").rows())]
    return digest_json([dataset_id, scheme, label, n_folds, seed, kind, pairs, *grouping])


def _sorted_patches(patches: pl.DataFrame) -> pl.DataFrame:
    """Return patch and image in the order of patch ids, each patch once."""
    if patches["patch_id"].is_duplicated().any():
        raise ValueError(f"{patches['patch_id'].is_duplicated().sum()} rows name a patch that another row names too")
    return patches.select("patch_id", "image_id").sort("patch_id")


def _with_values(patches: pl.DataFrame, values: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Add the label of each patch's image and drop patches without one."""
    if kind not in ("number", "category"):
        raise ValueError(f"kind must be number or category, got {kind!r}")
    if values["image_id"].is_duplicated().any():
        raise ValueError("an image has several label values: values must hold one row an image")
    if kind == "number" and not (values["value"].dtype.is_numeric() or values["value"].dtype == pl.Null):
        raise ValueError(f"a number label must hold numbers, got {values['value'].dtype}")
    typed = pl.col("value").cast(pl.Float64).fill_nan(None) if kind == "number" else pl.col("value").cast(pl.String)
    joined = patches.join(values.select("image_id", typed), on="image_id", how="left", maintain_order="left")
    missing = joined.filter(pl.col("value").is_null())
    if not missing.is_empty():
        logger.warning(
            "%d patches of %d images have no value of this label and are left out of its folds",
            missing.height,
            missing["image_id"].n_unique(),
        )
    return joined.drop_nulls("value")


def _strata_of(labelled: pl.DataFrame, kind: Kind, scheme: Scheme, n_folds: int) -> Strata:
    """Return the strata of the patches' label values."""
    if kind == "category":
        return category_strata(labelled["value"].to_list())
    values = labelled["value"].to_numpy()
    if scheme in ("paper", "leave-one-level-out"):
        return quantile_strata(values)
    return level_strata(values, labelled[UNITS[scheme]].rank("dense").to_numpy(), least=n_folds)


def _check_enough(units: pl.Series, scheme: Scheme, n_folds: int) -> None:
    """Refuse to leave a part of a fold empty."""
    n_found, what = units.n_unique(), _NAMES[scheme]
    # Patches: two held out in each fold. Images: what one fold does not test must train and validate.
    least = {"paper": 2 * n_folds, "leave-one-level-out": 2}
    n_needed = least.get(scheme, max(n_folds, 4 if n_folds == 2 else 3))
    if n_found < n_needed:
        has_choice = scheme != "leave-one-level-out"
        raise TooFewToSplit(what=what, n_found=n_found, n_needed=n_needed, n_folds=n_folds, has_choice=has_choice)


def _tell_rare(codes: NDArray[np.int64], strata: Strata, scheme: Scheme, n_folds: int) -> None:
    """Log the strata that cannot be in every test fold."""
    counts = np.bincount(codes, minlength=len(strata.names))
    rare = [f"{name} ({n})" for name, n in zip(strata.names, counts, strict=True) if 0 < n < n_folds]
    if rare:
        what = _NAMES[scheme]
        logger.warning("strata with fewer %s than %d folds are missing from some folds: %s", what, n_folds, rare)


def _split_names(splits: NDArray[np.int64]) -> pl.Series:
    """Return the names of split numbers."""
    return pl.Series(SPLITS).gather(splits)
