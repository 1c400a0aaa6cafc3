"""Pictures of the data: images, patches, and what the folds make of them."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepdlt.dataset.image_groups import condition_groups
from deepdlt.figures.dataset import image_counts_figure, patch_grey_figure
from deepdlt.figures.shares import fold_shares_figure
from deepdlt.night import HOLDOUT
from deepdlt.sheets.meanings import with_unit
from lake import Lake
from lake.statements import load
from tasks.drawing.labels import label_texts, label_units, shown_labels
from tasks.drawing.pixels import all_pixels
from tasks.drawing.subject import Drawn, RunFacts, Subject
from tasks.sheet import sheet_spec

PIXEL_SIZE, PIXEL_UNIT = "pixel size", "nm"
WHITE, CHUNK = 255, 4096


def draw_folds(lake: Lake, subject: Subject) -> Drawn:
    """Draw the shares of a label's values on each side of each fold."""
    run = subject.run
    label = subject.label or (run.label if run.scheme != HOLDOUT else next(iter(label_units())))
    ((key, unit),) = shown_labels(label).items()
    images = lake.query(load("images_of_folds"), [run.split_id])
    named = images.join(label_texts(lake, run.source).select("image_id", label_value=key), on="image_id")
    counts = named.drop_nulls("label_value").group_by("fold", "split", "label_value").agg(pl.col("n_patches").sum())
    where = "80/10/10 split" if run.scheme == HOLDOUT else f"{run.scheme} folds by {run.label}"
    title = f"{where}: shares of {key}"
    row = varies_most(counts)
    alt = (
        f"Shares of the values of {key} ({counts['label_value'].n_unique()}) in training, validation and test, by fold "
        f"({counts['fold'].n_unique()}); that of {with_unit(row['label_value'], unit)} varies most, from "
        f"{row['low']:.1%} to {row['high']:.1%}."
    )
    return Drawn(fold_shares_figure(counts, unit=unit, title=title), title, alt)


def varies_most(counts: pl.DataFrame) -> dict[str, Any]:
    """Return the value whose share varies most over the sides of the folds, with its least and greatest share.

    Parameters
    ----------
    counts : polars.DataFrame
        One row per ``fold``, ``split`` and ``label_value`` that is there: ``n_patches``; what is not there is 0 %.

    Returns
    -------
    dict
        ``label_value``, ``low``, ``high``.
    """
    sides = counts.select("fold", "split").unique()
    each = sides.join(counts.select("label_value").unique(), how="cross")
    filled = each.join(counts, on=["fold", "split", "label_value"], how="left").fill_null(0)
    shares = filled.with_columns(share=pl.col("n_patches") / pl.col("n_patches").sum().over("fold", "split"))
    widest = shares.group_by("label_value").agg(low=pl.col("share").min(), high=pl.col("share").max())
    return widest.sort(pl.col("high") - pl.col("low"), "label_value").row(-1, named=True)


def draw_images(lake: Lake, subject: Subject) -> Drawn:
    """Draw how many images there are of each label value, pixel size and condition."""
    run = subject.run
    units = label_units()
    texts = _of_data_set(lake, run, label_texts(lake, run.source))
    sizes = pl.Series([None if size is None else f"{size:.4g}" for size in texts["pixel_size_nm"]], dtype=pl.String)
    texts = texts.with_columns(sizes.alias(PIXEL_SIZE))
    counts = pl.concat(
        texts.drop_nulls(label).group_by(pl.lit(label).alias("label"), label_value=label).agg(n_images=pl.len())
        for label in (*units, PIXEL_SIZE)
    )
    labels = _of_data_set(lake, run, lake.query(load("labels_of_source"), [run.source]))
    conditions = condition_groups(labels, sheet_spec().setting_columns)["group_id"].value_counts()["count"].to_list()
    title = f"{texts.height:,} images: how many of each label value and condition"
    alt = (
        f"{texts.height:,} images of {len(conditions)} conditions, {min(conditions)} to {max(conditions)} images each. "
        + " ".join(_most(counts.filter(pl.col("label") == label), unit) for label, unit in units.items())
    )
    figure = image_counts_figure(counts, conditions, units=units | {PIXEL_SIZE: PIXEL_UNIT}, title=title)
    return Drawn(figure, title, alt)


def draw_patches(lake: Lake, subject: Subject) -> Drawn:
    """Draw how bright patches are and how much contrast they have."""
    pixels = all_pixels(lake, subject.run)
    brightness, contrast = grey_of(pixels)
    title = f"{len(pixels):,} patches of {pixels.shape[1]} px: brightness and contrast"
    alt = (
        f"Grey levels of {len(pixels):,} patches, 0 black and 1 white: the median mean is {np.median(brightness):.2f}, "
        f"the median standard deviation {np.median(contrast):.3f}."
    )
    return Drawn(patch_grey_figure(brightness, contrast, title=title), title, alt)


def grey_of(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and standard deviation of each patch, 0 black and 1 white, (N,) each; a few patches at a time."""
    brightness, contrast = np.empty((2, len(pixels)), np.float32)
    for start in range(0, len(pixels), CHUNK):
        part = np.asarray(pixels[start : start + CHUNK]).astype(np.float32) / WHITE
        brightness[start : start + CHUNK] = part.mean((1, 2))
        contrast[start : start + CHUNK] = part.std((1, 2))
    return brightness, contrast


def _of_data_set(lake: Lake, run: RunFacts, labels: pl.DataFrame) -> pl.DataFrame:
    """Keep the images that have patches in a run's data set."""
    images = lake.query(load("images_of_folds"), [run.split_id]).select("image_id").unique()
    return labels.join(images, on="image_id", how="semi")


def _most(counts: pl.DataFrame, unit: str) -> str:
    """Say of which value of a label there are most images, and of which fewest."""
    if counts.is_empty():
        return ""
    fewest, most = (counts.sort("n_images", "label_value").row(row, named=True) for row in (0, -1))
    return (
        f"{most['label']}: most of {with_unit(most['label_value'], unit)} ({most['n_images']}), "
        f"fewest of {with_unit(fewest['label_value'], unit)} ({fewest['n_images']})."
    )
