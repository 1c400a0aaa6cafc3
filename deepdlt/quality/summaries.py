"""Means over patches: of a fold, and of each label value with its uncertainty over images."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from deepdlt.quality.intervals import Group, Interval, bootstrap_means, mean_interval
from deepdlt.seeds import derive_seed

CONFIDENCE = 0.95
N_BOOTSTRAP = 2000

BASELINE_COLUMNS = ("floor_mse", "ceiling_psnr_paper_db", "flat_mse")
FOLD_COLUMNS = ("loss", "mse", "kl", "psnr_paper_db", "ssim_paper", "psnr_db", "ssim", *BASELINE_COLUMNS)
FOLD_SCHEMA: dict[str, type[pl.DataType]] = {
    "split": pl.String,
    "n_patches": pl.Int32,
    "n_images": pl.Int32,
    **dict.fromkeys(FOLD_COLUMNS, pl.Float64),
    "is_below_flat": pl.Boolean,
}
LABEL_COLUMNS = ("mse", "psnr_db", "ssim", "floor_mse", "flat_mse")
LABEL_SCHEMA: dict[str, type[pl.DataType]] = {
    "label": pl.String,
    "label_value": pl.String,
    "split": pl.String,
    "n_patches": pl.Int32,
    "n_images": pl.Int32,
    **dict.fromkeys(("mse", "mse_ci_low", "mse_ci_high", *LABEL_COLUMNS[1:]), pl.Float64),
    "is_below_flat": pl.Boolean,
}
HELD_OUT = ("val", "test")


def summarise_fold(
    scores: pl.DataFrame, *, train_loss: float, n_train_patches: int, n_train_images: int
) -> pl.DataFrame:
    """Average scores over the patches of each split.

    Parameters
    ----------
    scores : polars.DataFrame
        What `deepdlt.quality.scoring.score_patches` gives, with ``image_id`` and ``split`` (val or test)
        beside it.
    train_loss : float
        Loss of the last epoch, as training saw it.
    n_train_patches, n_train_images : int
        Size of the training split.

    Returns
    -------
    polars.DataFrame
        Rows train, val and test, the latter two where there are patches of them. Columns
        ``split``, ``n_patches``, ``n_images``, ``loss``, ``mse``, ``kl``, ``psnr_paper_db``,
        ``ssim_paper``, ``psnr_db``, ``ssim``, ``floor_mse``, ``ceiling_psnr_paper_db``, ``flat_mse``,
        ``is_below_flat`` (the model's error is above the flat patch's). Null on the train row but
        for the first four, and ``kl`` is null for an autoencoder.

    Raises
    ------
    ValueError
        If a split is neither val nor test.
    """
    _check_splits(scores)
    rows: list[dict[str, Any]] = [
        {"split": "train", "n_patches": n_train_patches, "n_images": n_train_images, "loss": train_loss}
    ]
    for split in HELD_OUT:
        part = scores.filter(pl.col("split") == split)
        if not part.is_empty():
            means = {name: _mean(part[name]) for name in FOLD_COLUMNS}
            rows.append({"split": split, **_counts(part), **means})
    frame = pl.DataFrame(rows, schema=FOLD_SCHEMA)
    return frame.with_columns(is_below_flat=pl.col("mse") > pl.col("flat_mse"))


def summarise_labels(
    scores: pl.DataFrame, labels: Mapping[str, str], *, n_bootstrap: int = N_BOOTSTRAP, seed: int = 0
) -> pl.DataFrame:
    """Average scores over the patches of each label value, with an interval over images.

    Patches of one image are not independent, so the interval is one over *images*, with all their
    patches: `deepdlt.quality.intervals.mean_interval`. It depends on the seed and the numbers, not on
    the order of rows.

    Parameters
    ----------
    scores : polars.DataFrame
        One row per patch: ``image_id``, ``split``, ``mse``, ``psnr_db``, ``ssim``, ``floor_mse``,
        ``flat_mse`` and the columns that `labels` names.
    labels : mapping of str to str
        People's key of a label to its column, e.g. ``{"angle": "angle_deg"}``. Patches without a
        value are left out.
    n_bootstrap : int
        Draws, at least 1.
    seed : int
        Seed of the draws.

    Returns
    -------
    polars.DataFrame
        One row per label, value and split: ``label``, ``label_value`` (text; 19.0 reads 19),
        ``split``, ``n_patches``, ``n_images``, ``mse``, ``mse_ci_low``, ``mse_ci_high`` (95 %; null
        with fewer than two images), ``psnr_db``, ``ssim``, ``floor_mse``, ``flat_mse`` (of the same
        patches), ``is_below_flat`` (the error is above the flat patch's). Sorted by label, value and
        split.

    Raises
    ------
    ValueError
        If a split is neither val nor test, or `n_bootstrap` is below 1.
    """
    _check_splits(scores)
    if n_bootstrap < 1:
        raise ValueError(f"n_bootstrap must be at least 1, got {n_bootstrap}")
    rows = []
    for label, column in sorted(labels.items()):
        known = scores.filter(pl.col(column).is_not_null()).sort("image_id", "mse")
        for value in known[column].unique().sort():
            for split in HELD_OUT:
                part = known.filter((pl.col(column) == value) & (pl.col("split") == split))
                if not part.is_empty():
                    name = {"label": label, "label_value": label_text(value), "split": split}
                    rng = np.random.default_rng(derive_seed(seed, *name.values()))
                    rows.append(name | _label_means(part, n_bootstrap, rng))
    frame = pl.DataFrame(rows, schema=LABEL_SCHEMA)
    return frame.with_columns(is_below_flat=pl.col("mse") > pl.col("flat_mse"))


def label_text(value: float | str) -> str:
    """Return a label value as people write it.

    Parameters
    ----------
    value : float or str

    Returns
    -------
    str

    Examples
    --------
    >>> label_text(19.0), label_text(5.5), label_text("V")
    ('19', '5.5', 'V')
    """
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _check_splits(scores: pl.DataFrame) -> None:
    """Refuse splits that are not held out."""
    others = sorted(set(scores["split"].unique()) - set(HELD_OUT))
    if others:
        raise ValueError(f"only held-out patches are summarised: split must be val or test, got {', '.join(others)}")


def _counts(part: pl.DataFrame) -> dict[str, int]:
    """Return how many patches and images a group has."""
    return {"n_patches": part.height, "n_images": part["image_id"].n_unique()}


def _mean(values: pl.Series) -> float | None:
    """Return the mean, summed in row order by one thread; None where nothing was measured."""
    return None if values.null_count() == len(values) else float(values.to_numpy().mean())


def _label_means(part: pl.DataFrame, n_bootstrap: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return counts, means and the interval of one label value."""
    interval = _interval(part, n_bootstrap, rng)
    means = {name: _mean(part[name]) for name in LABEL_COLUMNS}
    return {**_counts(part), **means, "mse_ci_low": interval.low, "mse_ci_high": interval.high}


def _interval(part: pl.DataFrame, n_bootstrap: int, rng: np.random.Generator) -> Interval:
    """Return the interval of the mean error over patches, with images as units."""
    of_image = part.group_by("image_id", maintain_order=True).agg(pl.col("mse").sum(), n=pl.len().cast(pl.Float64))
    images = Group(of_image["mse"].to_numpy(), of_image["n"].to_numpy())
    return mean_interval(images, bootstrap_means(images, n_draws=n_bootstrap, rng=rng), confidence=CONFIDENCE)
