"""Which label value is harder to reconstruct: means, intervals, tests, and sentences they support.

The report compared averages over folds, which measure the draw of the folds. Here the unit is the
condition, all images of equal laser settings: repeats resemble each other, so their losses go
together, intervals come from drawing conditions again, and tests from shuffling label values over
conditions. What is compared are the images as they are: laser settings were not varied one by one,
so a harder value need not be the cause.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepdlt.analysis.corrections import holm
from deepdlt.analysis.difficulty_sentences import fold_sentence, label_sentences, supported
from deepdlt.analysis.resampling import between_p_value, difference_p_value
from deepdlt.dataset.image_groups import condition_groups
from deepdlt.quality.intervals import Group, Interval, bootstrap_means, difference_interval, mean_interval
from deepdlt.quality.summaries import label_text
from deepdlt.seeds import derive_seed

N_BOOTSTRAP = 2000
N_PERMUTATIONS = 9999
"""Enough for p = 0.05 after correction for the 171 pairs of 19 pulse energies."""

ALPHA = 0.05

BESIDE = ("floor_mse", "flat_mse")
"""What stands beside a mean loss, of the same patches."""

VALUE_SCHEMA: dict[str, type[pl.DataType]] = {
    "label": pl.String,
    "label_value": pl.String,
    **dict.fromkeys(("n_images", "n_conditions", "n_patches"), pl.Int32),
    **dict.fromkeys(("mean_loss", "ci_low", "ci_high", "floor_mse", "flat_mse"), pl.Float64),
}
DIFFERENCE_SCHEMA: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(("label", "harder_value", "easier_value"), pl.String),
    **dict.fromkeys(("n_images_harder", "n_images_easier", "n_conditions_harder", "n_conditions_easier"), pl.Int32),
    **dict.fromkeys(("difference", "ci_low", "ci_high", "p_value", "p_holm"), pl.Float64),
}
TEST_SCHEMA: dict[str, type[pl.DataType]] = {
    "label": pl.String,
    **dict.fromkeys(("n_values", "n_images", "n_conditions", "n_images_left_out"), pl.Int32),
    **dict.fromkeys(("statistic", "p_value", "p_holm"), pl.Float64),
    "n_tests": pl.Int32,
}
FOLD_AVERAGE_SCHEMA: dict[str, type[pl.DataType]] = {
    "label": pl.String,
    "n_folds": pl.Int32,
    "mean_loss": pl.Float64,
    "sd": pl.Float64,
}
FOLD_DIFFERENCE_SCHEMA: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(("higher_label", "lower_label"), pl.String),
    **dict.fromkeys(("difference", "sd"), pl.Float64),
}


@dataclass(frozen=True)
class Difficulty:
    """How loss depends on the labels.

    Attributes
    ----------
    values : polars.DataFrame
        One row per label and value: ``label``, ``label_value``, ``n_images``, ``n_conditions``,
        ``n_patches``, ``mean_loss`` over patches, ``ci_low``, ``ci_high`` (null with one condition),
        ``floor_mse``, ``flat_mse`` of the same patches (null where none were given).
    differences : polars.DataFrame
        One row per label and pair of values: ``label``, ``harder_value``, ``easier_value`` (by mean
        loss), ``n_images_harder``, ``n_images_easier``, ``n_conditions_harder``,
        ``n_conditions_easier``, ``difference`` (not negative), ``ci_low``, ``ci_high``, ``p_value``,
        ``p_holm`` (after Holm for the label's pairs; null with one condition), ``is_claimed``.
    tests : polars.DataFrame
        One row per label: ``label``, ``n_values``, ``n_images``, ``n_conditions``,
        ``n_images_left_out`` (without a value), ``statistic`` (variance between value means, loss
        squared), ``p_value``, ``p_holm`` (after Holm for the labels), ``n_tests``; null where the
        label has one value only.
    sentences : polars.DataFrame
        ``label``, ``sentence``: what these numbers support, at least one a label.
    """

    values: pl.DataFrame
    differences: pl.DataFrame
    tests: pl.DataFrame
    sentences: pl.DataFrame


@dataclass(frozen=True)
class FoldAverages:
    """The report's way of asking which label is harder.

    Attributes
    ----------
    averages : polars.DataFrame
        One row per label: ``label``, ``n_folds``, ``mean_loss``, ``sd`` over folds (divisor n - 1;
        null with one fold).
    differences : polars.DataFrame
        One row per pair of labels: ``higher_label``, ``lower_label``, ``difference`` of averages
        (not negative), ``sd`` of the difference of one fold of each, sqrt(sd_a^2 + sd_b^2).
    sentence : str
        The averages and the largest difference beside its spread; it claims nothing.
    """

    averages: pl.DataFrame
    differences: pl.DataFrame
    sentence: str


def label_difficulty(
    losses: pl.DataFrame,
    labels: pl.DataFrame,
    columns: Mapping[str, str],
    *,
    settings: Sequence[str] = (),
    n_bootstrap: int = N_BOOTSTRAP,
    n_permutations: int = N_PERMUTATIONS,
    alpha: float = ALPHA,
    seed: int = 0,
) -> Difficulty:
    """Ask of each label whether its values differ in loss, which of them, and by how much.

    A pair of values is claimed to differ only if all three hold: the label as a whole passes a
    permutation test at `alpha` after Holm's correction for the labels, the pair passes its own after
    Holm's correction for the label's pairs, and the interval of the difference excludes 0. Where
    nothing differs, any claim at all is made with a probability of at most `alpha`: of independent
    conditions, whatever their repeats have in common.

    Parameters
    ----------
    losses : polars.DataFrame
        One row per scored patch: ``image_id``, ``loss``, and ``floor_mse``, ``flat_mse`` to stand
        beside it, where they are known. Patches of several runs may be put below each other; they
        stay with their image.
    labels : polars.DataFrame
        One row per image: ``image_id`` and the columns that `columns` and `settings` name; ``name``
        where there are `settings`.
    columns : mapping of str to str
        People's key of a label to its column, e.g. ``{"NP": "n_pulses"}``. Images without a value
        are left out and counted.
    settings : sequence of str
        Columns of the laser's settings, which say what repeats one condition (`condition_groups`).
        Without any, each image is a condition of its own.
    n_bootstrap, n_permutations : int
        Draws of conditions for the intervals and shuffles of labels for the tests.
    alpha : float
        Rate of false claims; intervals have confidence 1 - alpha.
    seed : int
        Seed of draws and shuffles. Each label has its own stream.

    Returns
    -------
    Difficulty
        The same for any order of rows.

    Raises
    ------
    ValueError
        If a loss is not finite, an image is labelled twice, or a setting is out of its bounds.
    """
    if min(n_bootstrap, n_permutations) < 1 or not 0 < alpha < 1:
        raise ValueError("n_bootstrap and n_permutations must be at least 1, and alpha between 0 and 1")
    budget = _Budget(n_bootstrap, n_permutations, alpha, seed)
    images = _image_sums(losses, labels, columns.values(), settings)
    parts = [_one_label(images, label, column, budget) for label, column in sorted(columns.items())]
    tests = _corrected_tests([part.test for part in parts])
    rows = [row for part in parts for row in part.differences]
    differences = (
        pl.DataFrame(rows, schema=DIFFERENCE_SCHEMA)
        .join(tests.select("label", p_label="p_holm"), on="label", how="left", maintain_order="left")
        .with_columns(is_claimed=supported(alpha))
        .drop("p_label")
    )
    return Difficulty(
        values=pl.DataFrame([row for part in parts for row in part.values], schema=VALUE_SCHEMA),
        differences=differences,
        tests=tests,
        sentences=label_sentences(tests, differences, alpha=alpha),
    )


def fold_averages(fold_losses: pl.DataFrame) -> FoldAverages:
    """Compare labels as the report does: by the average loss over the folds that each label stratified.

    Every label's folds hold the same patches, so the averages differ by the draw of the folds and
    of the training; set the difference against its standard deviation.

    Parameters
    ----------
    fold_losses : polars.DataFrame
        ``label``, ``fold``, ``loss``; several rows of one label and fold (seeds) are averaged first.

    Returns
    -------
    FoldAverages

    Raises
    ------
    ValueError
        If a loss is missing or not finite.
    """
    _check_finite(fold_losses["loss"])
    folds = fold_losses.group_by("label", "fold").agg(pl.col("loss").mean()).sort("label", "fold")
    averages = (
        folds.group_by("label", maintain_order=True)
        .agg(n_folds=pl.len(), mean_loss=pl.col("loss").mean(), sd=pl.col("loss").std())
        .cast(pl.Schema(FOLD_AVERAGE_SCHEMA))
    )
    rows = []
    for pair in combinations(averages.iter_rows(named=True), 2):
        lower, higher = sorted(pair, key=lambda row: row["mean_loss"])
        spread = None if None in (lower["sd"], higher["sd"]) else float(np.hypot(lower["sd"], higher["sd"]))
        difference = higher["mean_loss"] - lower["mean_loss"]
        rows.append((higher["label"], lower["label"], difference, spread))
    differences = pl.DataFrame(rows, schema=FOLD_DIFFERENCE_SCHEMA, orient="row")
    return FoldAverages(averages, differences, fold_sentence(averages, differences))


@dataclass(frozen=True)
class _Budget:
    """How often to draw and shuffle, at which level, from which seed."""

    n_bootstrap: int
    n_permutations: int
    alpha: float
    seed: int

    def stream(self, *purpose: str) -> np.random.Generator:
        """Return a random stream that no other label, value or purpose shares."""
        return np.random.default_rng(derive_seed(self.seed, "difficulty", *purpose))


@dataclass(frozen=True)
class _LabelPart:
    """Rows of one label."""

    test: dict[str, Any]
    values: list[dict[str, Any]]
    differences: list[dict[str, Any]]


def _image_sums(
    losses: pl.DataFrame, labels: pl.DataFrame, columns: Iterable[str], settings: Sequence[str]
) -> pl.DataFrame:
    """Return one row per image with its labels and its condition, the sum of its losses and their number."""
    _check_finite(losses["loss"])
    if labels["image_id"].is_duplicated().any():
        n_twice = labels.height - labels["image_id"].n_unique()
        raise ValueError(f"{n_twice} rows label an image again: give the labels of one source")
    beside = [pl.col(name) if name in losses.columns else pl.lit(None).alias(name) for name in BESIDE]
    ordered = losses.select("image_id", pl.col("loss").cast(pl.Float64), *beside).sort("image_id", "loss", *BESIDE)
    sums = ordered.group_by("image_id", maintain_order=True).agg(
        sum=pl.col("loss").sum(), count=pl.len(), **{name: pl.col(name).cast(pl.Float64).mean() for name in BESIDE}
    )
    conditions = condition_groups(labels, settings)["group_id"] if settings else labels["image_id"]
    known = labels.select("image_id", *dict.fromkeys(columns), condition=conditions)
    return sums.join(known, on="image_id", how="left", maintain_order="left")


def _check_finite(losses: pl.Series) -> None:
    """Refuse losses that say nothing."""
    n_bad = len(losses) - int(losses.cast(pl.Float64).is_finite().fill_null(value=False).sum())
    if n_bad:
        raise ValueError(f"{n_bad} of {len(losses)} losses are missing or not finite: leave their runs out")


def _one_label(images: pl.DataFrame, label: str, column: str, budget: _Budget) -> _LabelPart:
    """Return means, differences and the test of one label."""
    groups, beside = _groups(images, column), _beside(images, column)
    draws = {
        value: bootstrap_means(group, n_draws=budget.n_bootstrap, rng=budget.stream(label, "bootstrap", value))
        for value, group in groups.items()
    }
    values = [
        {
            "label": label,
            "label_value": value,
            "n_conditions": len(group),
            "n_patches": int(group.counts.sum()),
            "mean_loss": group.mean,
            **_ends(mean_interval(group, draws[value], confidence=1 - budget.alpha)),
            **beside[value],
        }
        for value, group in groups.items()
    ]
    n_images = {value: row["n_images"] for value, row in beside.items()}
    n_known = sum(n_images.values())
    counts = {"n_values": len(groups), "n_images": n_known, "n_images_left_out": images.height - n_known}
    n_conditions = sum(map(len, groups.values()))
    test = {"label": label, **counts, "n_conditions": n_conditions, **_between(groups, label, budget)}
    return _LabelPart(test, values, _pair_rows(groups, n_images, draws, label, budget))


def _groups(images: pl.DataFrame, column: str) -> dict[str, Group]:
    """Return the conditions of each value, under its text and in the order of the values themselves."""
    conditions = (
        _named(images, column)
        .group_by("value_text", "condition", maintain_order=True)
        .agg(pl.col("sum").sum(), pl.col("count").cast(pl.Float64).sum())
    )
    return {
        str(value): Group(part["sum"].to_numpy(), part["count"].to_numpy())
        for (value,), part in conditions.group_by("value_text", maintain_order=True)
    }


def _named(images: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return the images that have a value, in its order, with its text."""
    known = images.filter(pl.col(column).is_not_null()).sort(column, "image_id")
    return known.with_columns(value_text=pl.Series(map(label_text, known[column].to_list()), dtype=pl.String))


def _beside(images: pl.DataFrame, column: str) -> dict[str, dict[str, Any]]:
    """Return each value's number of images, and floor and flat patch: means over its patches, None where not known."""
    n_patches = pl.col("count").sum()
    means = {
        name: pl.when(pl.col(name).is_not_null().all()).then((pl.col(name) * pl.col("count")).sum() / n_patches)
        for name in BESIDE
    }
    rows = _named(images, column).group_by("value_text").agg(n_images=pl.len(), **means).iter_rows(named=True)
    return {row.pop("value_text"): row for row in rows}


def _between(groups: dict[str, Group], label: str, budget: _Budget) -> dict[str, float | None]:
    """Return the test of the label as a whole, which needs two values."""
    if len(groups) < 2:
        return {"statistic": None, "p_value": None}
    statistic, p_value = between_p_value(
        list(groups.values()), n_permutations=budget.n_permutations, rng=budget.stream(label, "permutation")
    )
    return {"statistic": statistic, "p_value": p_value}


def _pair_rows(
    groups: dict[str, Group],
    n_images: dict[str, int],
    draws: dict[str, NDArray[np.float64]],
    label: str,
    budget: _Budget,
) -> list[dict[str, Any]]:
    """Return one row per pair of values, corrected for the number of pairs."""
    rows = []
    for easier, harder in (sorted(pair, key=lambda value: groups[value].mean) for pair in combinations(groups, 2)):
        one, other = groups[harder], groups[easier]
        rng = budget.stream(label, "pair", *sorted((harder, easier)))
        row: dict[str, Any] = {
            "label": label,
            "harder_value": harder,
            "easier_value": easier,
            "n_images_harder": n_images[harder],
            "n_images_easier": n_images[easier],
            "n_conditions_harder": len(one),
            "n_conditions_easier": len(other),
            "difference": one.mean - other.mean,
            "p_value": difference_p_value(one, other, n_permutations=budget.n_permutations, rng=rng),
        }
        interval = difference_interval(one, other, draws[harder], draws[easier], confidence=1 - budget.alpha)
        rows.append(row | _ends(interval))
    for row, p_holm in zip(rows, _holm_or_none([row["p_value"] for row in rows]), strict=True):
        row["p_holm"] = p_holm
    return rows


def _corrected_tests(tests: list[dict[str, Any]]) -> pl.DataFrame:
    """Return the tests of all labels, corrected for the number of those that could be made."""
    corrected = _holm_or_none([test["p_value"] for test in tests])
    n_tests = sum(p is not None for p in corrected)
    rows = [test | {"p_holm": p, "n_tests": n_tests} for test, p in zip(tests, corrected, strict=True)]
    return pl.DataFrame(rows, schema=TEST_SCHEMA)


def _holm_or_none(p_values: Sequence[float | None]) -> list[float | None]:
    """Correct the p-values that there are."""
    corrected = holm([np.nan if p is None else p for p in p_values])
    return [None if np.isnan(p) else float(p) for p in corrected]


def _ends(interval: Interval) -> dict[str, float | None]:
    """Return an interval as columns."""
    return {"ci_low": interval.low, "ci_high": interval.high}
