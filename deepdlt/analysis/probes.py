"""Does a code know the laser? Simple readers predict the label from it, on images they have not seen.

A score alone says little: images are few, patches of one image alike, and folds small. So each
score stands beside those of the same procedure on shuffled labels. What is shuffled are the units
that stay on one side of a fold: where images of one condition look alike and share their label,
shuffling single images would make chance look more exact than it is. What the code of a
model has to beat are the codes of PCA (`deepdlt.analysis.pca.PatchPca.codes`) and the raw spectral power
(`deepdlt.analysis.spectral_features.spectral_features`), read by the same probes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepdlt.analysis.probe_models import (
    ProbeFold,
    logistic_scores,
    neighbour_numbers,
    neighbour_scores,
    ridge_predictions,
    standardised_fold,
)
from deepdlt.errors import DeepdltError
from deepdlt.seeds import derive_seed

Kind = Literal["number", "category"]

N_FOLDS = 5
N_PERMUTATIONS = 20
LEAST_FOLDS = 3
"""One tests, one compares penalties, one trains."""

TIE = 1e-9
"""A shuffled score this close below the true one equals it but for rounding."""

PROBE_SCHEMA: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(("probe", "unit", "metric"), pl.String),
    **dict.fromkeys(("score", "null_mean", "null_sd", "p_value"), pl.Float64),
    **dict.fromkeys(("n_permutations", "n_patches", "n_images", "n_values"), pl.Int32),
}
"""Columns of `probe_label`."""


class TooFewToProbe(DeepdltError):
    """There are not enough images or label values for a probe."""

    def __init__(self, *, n_values: int, n_groups: int, n_folds: int) -> None:
        self.n_values = n_values
        self.n_groups = n_groups
        self.n_folds = n_folds
        super().__init__(
            f"A probe in {n_folds} folds needs at least {n_folds} images (or groups of them) and two label values, "
            f"there are {n_groups} and {n_values}: add images, or leave this label out."
        )


@dataclass(frozen=True, eq=False)
class _Data:
    """Patches with a label.

    Attributes
    ----------
    features : ndarray of float64, shape (N, F)
    image : ndarray of int64, shape (N,)
        Image of each patch.
    fold : ndarray of int64, shape (I,)
        Fold that tests each image.
    levels : list
        Distinct label values, sorted.
    codes : ndarray of int64, shape (I, T)
        Level of each image; column 0 is true, the others are shuffled over groups of images.
    """

    features: NDArray[np.float64]
    image: NDArray[np.int64]
    fold: NDArray[np.int64]
    levels: list[Any]
    codes: NDArray[np.int64]


def probe_label(
    features: NDArray[np.floating],
    values: Sequence[Any] | pl.Series,
    image_ids: Sequence[str] | pl.Series,
    *,
    kind: Kind,
    fold_groups: Sequence[str] | pl.Series | None = None,
    n_folds: int = N_FOLDS,
    n_permutations: int = N_PERMUTATIONS,
    seed: int = 0,
) -> pl.DataFrame:
    """Score how well a label can be read from features, against shuffled labels.

    Every image is tested once, by probes that trained on other images. Folds are drawn without
    regard to the label, so that they are as fair to shuffled labels as to the true ones. Labels are
    shuffled over the groups of images that stay on one side; a group with several values counts as
    one for each. Features are standardised by the training side of each fold.

    Categories are read by logistic regression (``logistic``) and nearest neighbours (``knn``), both
    with equal weight for every class, and scored by ``balanced_accuracy``: the share of right
    answers within each class, averaged over classes; chance is 1 / n_values. Numbers are read by
    ``ridge`` and ``knn`` and scored by ``r2``, 1 minus the squared error over that of the overall
    mean (negative: worse than the mean), and ``level_accuracy``, the balanced accuracy once each
    prediction is moved to the nearest value that the label has.

    An image's answer is the class that most of its patches got (ties: the greater summed
    probability), or the mean of their numbers.

    Parameters
    ----------
    features : ndarray of float, shape (N, F)
        One row per patch.
    values : sequence of number or str, length N
        Label of each patch's image. Patches without one (None) are left out.
    image_ids : sequence of str, length N
        Image of each patch.
    kind : {"number", "category"}
        What the label is.
    fold_groups : sequence of str, length N, optional
        What must stay on one side of a fold, e.g. the condition of each patch; images by default.
    n_folds : int
        At least 3.
    n_permutations : int
        Shuffled labellings, at least 1. The least p is 1 / (n_permutations + 1).
    seed : int
        Seed of folds and shuffles.

    Returns
    -------
    polars.DataFrame
        One row per ``probe``, ``unit`` (patch or image) and ``metric``: ``score``, ``null_mean`` and
        ``null_sd`` of the shuffled labellings, ``p_value`` = (b + 1) / (n + 1) with b of n shuffled
        scores at least as high, ``n_permutations``, ``n_patches``, ``n_images``, ``n_values``.
        Independent of the order of patches, up to rounding.

    Raises
    ------
    TooFewToProbe
        If there are fewer than two label values or fewer groups than folds.
    ValueError
        If lengths differ, a feature is not finite, an image has two labels or two groups, or a
        setting is out of its bounds.

    References
    ----------
    Ojala, Garriga, J. Machine Learning Research 11 (2010) 1833 (permuted labels).
    Alain, Bengio, arXiv:1610.01644 (probes).
    """
    if n_folds < LEAST_FOLDS or n_permutations < 1 or kind not in ("number", "category"):
        raise ValueError(f"a probe needs {LEAST_FOLDS} folds, 1 permutation and a kind, number or category")
    groups = image_ids if fold_groups is None else fold_groups
    data = _prepared(features, values, image_ids, groups, n_folds, n_permutations, seed)
    read = _read_numbers if kind == "number" else _read_categories
    n_images, n_labellings = data.codes.shape
    counts = {"n_patches": len(data.image), "n_images": n_images, "n_values": len(data.levels)}
    rows = []
    for (probe, unit, metric), scores in read(data).items():
        null = scores[1:]
        n_as_high = int((null >= scores[0] - TIE).sum())
        row = {"probe": probe, "unit": unit, "metric": metric, "score": scores[0], "null_mean": null.mean()}
        spread = float(null.std(ddof=1)) if len(null) > 1 else None
        p_value = (n_as_high + 1) / n_labellings
        rows.append(row | {"null_sd": spread, "p_value": p_value, "n_permutations": len(null)} | counts)
    return pl.DataFrame(rows, schema=PROBE_SCHEMA)


Scores = dict[tuple[str, str, str], NDArray[np.float64]]
"""Scores of all labellings, (T,), by probe, unit and metric."""


def _prepared(
    features: NDArray[np.floating],
    values: Sequence[Any] | pl.Series,
    image_ids: Sequence[str] | pl.Series,
    groups: Sequence[str] | pl.Series,
    n_folds: int,
    n_permutations: int,
    seed: int,
) -> _Data:
    """Check the patches and lay out folds and shuffled labels."""
    frame = pl.DataFrame({"value": list(values), "image": list(image_ids), "group": list(groups)}, strict=False)
    if features.ndim != 2 or len(features) != frame.height:
        raise ValueError(f"features must be (N, F) with N = {frame.height}, got {features.shape}")
    known = frame.with_row_index("row").drop_nulls("value").sort("image", "row")
    chosen = np.asarray(features, np.float64)[known["row"].to_numpy()]
    if not np.isfinite(chosen).all():
        raise ValueError("features hold NaN or infinity: leave those patches out")
    images = known.select("image", "value", "group").unique(maintain_order=True)
    if images["image"].is_duplicated().any():
        raise ValueError("an image has more than one label value or group")
    levels = images["value"].unique().sort().to_list()
    n_groups = images["group"].n_unique()
    if len(levels) < 2 or n_groups < n_folds:
        raise TooFewToProbe(n_values=len(levels), n_groups=n_groups, n_folds=n_folds)
    level = np.array([levels.index(value) for value in images["value"]])
    rng = np.random.default_rng(derive_seed(seed, "probe"))
    fold = _fold_of_image(images["group"], n_folds, rng)
    shuffled = _shuffled(level, images["group"], n_permutations, rng)
    place = {image: number for number, image in enumerate(images["image"])}
    return _Data(
        features=chosen,
        image=np.array([place[image] for image in known["image"]]),
        fold=fold,
        levels=levels,
        codes=np.column_stack([level, shuffled]),
    )


def _shuffled(
    level: NDArray[np.int64], groups: pl.Series, n_permutations: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return levels of images (I, n_permutations), shuffled over groups: repeats keep a level together."""
    _, member = np.unique(groups.to_numpy(), return_inverse=True)
    units, unit_of_image = np.unique(np.column_stack([member, level]), axis=0, return_inverse=True)
    drawn = rng.permuted(np.tile(units[:, 1], (n_permutations, 1)), axis=1)  # (n_permutations, U)
    shuffled: NDArray[np.int64] = drawn[:, unit_of_image.ravel()].T
    return shuffled


def _fold_of_image(groups: pl.Series, n_folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Deal groups out to folds, in random order, each to the fold with the fewest images so far."""
    names, member = np.unique(groups.to_numpy(), return_inverse=True)
    sizes = np.bincount(member)
    fold_of_group, load = np.zeros(len(names), np.int64), np.zeros(n_folds)
    for group in rng.permutation(len(names)):
        # A fold without any group comes first: no fold may stay empty.
        fold_of_group[group] = load.argmin()
        load[fold_of_group[group]] += sizes[group]
    return fold_of_group[member]


def _over_folds(
    data: _Data, model: Callable[[ProbeFold, NDArray[Any]], NDArray[np.float64]], targets: NDArray[Any]
) -> NDArray[np.float64]:
    """Return predictions (N, ..., T) of each patch from the fold that tests it; targets are (N, T)."""
    fold_of_patch = data.fold[data.image]
    n_folds = int(data.fold.max()) + 1
    parts, rows = [], []
    for number in range(n_folds):
        is_test, is_inner = fold_of_patch == number, fold_of_patch == (number + 1) % n_folds
        parts.append(model(standardised_fold(data.features, is_test, is_inner), targets[~is_test]))
        rows.append(np.flatnonzero(is_test))
    return np.concatenate(parts)[np.argsort(np.concatenate(rows))]


def _read_categories(data: _Data) -> Scores:
    """Score both probes of a category, over patches and over images."""
    n_classes, codes = len(data.levels), data.codes[data.image]  # (N, T)
    scores: Scores = {}
    for name, model in (("logistic", logistic_scores), ("knn", neighbour_scores)):
        found = _over_folds(data, partial(model, n_classes=n_classes), codes)  # (N, K, T)
        answers, elected = _category_answers(found, data)
        scores[name, "patch", "balanced_accuracy"] = _balanced_accuracy(answers, codes, n_classes)
        scores[name, "image", "balanced_accuracy"] = _balanced_accuracy(elected, data.codes, n_classes)
    return scores


def _category_answers(scores: NDArray[np.float64], data: _Data) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the class of each patch (N, T) and of each image (I, T) from scores (N, K, T)."""
    answers = scores.argmax(axis=1)
    votes = _image_sums(answers[:, None] == np.arange(scores.shape[1])[:, None], data.image)  # (I, K, T)
    # Summed probabilities settle ties: divided by more than their number, they never outweigh a vote.
    support = _image_sums(scores, data.image) / (np.bincount(data.image)[:, None, None] + 1)
    return answers, (votes + support).argmax(axis=1)


def _read_numbers(data: _Data) -> Scores:
    """Score both probes of a number, over patches and over images."""
    levels, codes = np.asarray(data.levels, np.float64), data.codes[data.image]
    n_patches = np.bincount(data.image)[:, None]
    scores: Scores = {}
    for name, model in (("ridge", ridge_predictions), ("knn", neighbour_numbers)):
        found = _over_folds(data, model, levels[codes])  # (N, T)
        of_image = _image_sums(found, data.image) / n_patches  # (I, T)
        for unit, answers, truth in (("patch", found, codes), ("image", of_image, data.codes)):
            scores[name, unit, "r2"] = _r2(answers, levels[truth])
            scores[name, unit, "level_accuracy"] = _balanced_accuracy(_nearest(answers, levels), truth, len(levels))
    return scores


def _image_sums(of_patch: NDArray[np.generic], image: NDArray[np.int64]) -> NDArray[np.float64]:
    """Add up rows of patches, which are in the order of their images."""
    starts = np.flatnonzero(np.diff(image, prepend=-1))
    sums: NDArray[np.float64] = np.add.reduceat(of_patch.astype(np.float64), starts, axis=0)
    return sums


def _nearest(numbers: NDArray[np.float64], levels: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the level next to each number, the lower one half-way between two."""
    return np.searchsorted((levels[1:] + levels[:-1]) / 2, numbers, side="left")


def _balanced_accuracy(answers: NDArray[np.int64], truth: NDArray[np.int64], n_classes: int) -> NDArray[np.float64]:
    """Return the mean over classes of the share of right answers, (T,)."""
    is_right = answers == truth
    shares = [(is_right & (truth == code)).sum(axis=0) / (truth == code).sum(axis=0) for code in range(n_classes)]
    mean: NDArray[np.float64] = np.mean(shares, axis=0)
    return mean


def _r2(answers: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the squares about the mean that the answers explain, (T,)."""
    left = ((answers - truth) ** 2).sum(axis=0)
    explained: NDArray[np.float64] = 1 - left / ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
    return explained
