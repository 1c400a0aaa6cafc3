"""Deal items evenly into folds, stratum by stratum."""

import numpy as np
from numpy.typing import NDArray

TRAIN, VAL, TEST = range(3)

VAL_SHARE = 0.1
"""Share of all images that validates where whole images are dealt; the report's share of patches."""


def deal_patches(codes: NDArray[np.int64], *, n_folds: int, seed: int) -> NDArray[np.int64]:
    """Hold out a K-th of the items in each fold, half of it for validation and half for testing.

    Parameters
    ----------
    codes : ndarray of int64, shape (n,)
        Stratum of each item; at least two items a fold.
    n_folds : int
        Number of folds K.
    seed : int
        Not negative.

    Returns
    -------
    ndarray of int64, shape (K, n)
        `TRAIN`, `VAL` or `TEST`. Every item is held out in exactly one fold.
    """
    rng = np.random.default_rng(seed)
    hands = _deal(codes, n_folds, rng)
    splits = np.full((n_folds, len(codes)), TRAIN, np.int64)
    for fold, split in enumerate(splits):
        held_out = np.flatnonzero(hands == fold)
        split[held_out] = np.where(_deal(codes[held_out], 2, rng) == 0, TEST, VAL)
    return splits


def deal_images(codes: NDArray[np.int64], *, n_folds: int, seed: int) -> NDArray[np.int64]:
    """Test a K-th of the items in each fold and validate on a stratified tenth of all, taken from the rest.

    Parameters
    ----------
    codes : ndarray of int64, shape (n,)
        Stratum of each item; at least two items outside each test part.
    n_folds : int
        Number of folds K.
    seed : int
        Not negative.

    Returns
    -------
    ndarray of int64, shape (K, n)
        `TRAIN`, `VAL` or `TEST`. Every item is tested in exactly one fold.
    """
    rng = np.random.default_rng(seed)
    hands = _deal(codes, n_folds, rng)
    splits = np.full((n_folds, len(codes)), TRAIN, np.int64)
    for fold, split in enumerate(splits):
        split[hands == fold] = TEST
        rest = np.flatnonzero(hands != fold)
        split[_spread(rest, codes, max(1, round(VAL_SHARE * len(codes))), rng)] = VAL
    return splits


def deal_levels(
    groups: NDArray[np.int64], levels: NDArray[np.int64], codes: NDArray[np.int64], *, seed: int
) -> NDArray[np.int64]:
    """Test all items of one level in each fold and validate on a stratified tenth of the other groups.

    Items of a group that are not tested go to one side together, training or validation.

    Parameters
    ----------
    groups, levels, codes : ndarray of int64, shape (n,)
        Group, level (0 .. K - 1) and stratum of each item; at least two groups outside each level.
    seed : int
        Not negative.

    Returns
    -------
    ndarray of int64, shape (K, n)
        `TRAIN`, `VAL` or `TEST`. Every item is tested in exactly one fold.
    """
    rng = np.random.default_rng(seed)
    splits = np.full((int(levels.max()) + 1, len(codes)), TRAIN, np.int64)
    for level, split in enumerate(splits):
        is_tested = levels == level
        split[is_tested] = TEST
        rest = np.unique(groups[~is_tested])
        code_of = dict(zip(groups[~is_tested].tolist(), codes[~is_tested].tolist(), strict=True))
        of_rest = np.array([code_of[group] for group in rest.tolist()])
        n_val = min(max(1, round(VAL_SHARE * len(rest))), len(rest) - 1)
        chosen = rest[_spread(np.arange(len(rest)), of_rest, n_val, rng)]
        split[np.isin(groups, chosen) & ~is_tested] = VAL
    return splits


def _spread(items: NDArray[np.int64], codes: NDArray[np.int64], n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return `n` of the items, each stratum's share of them."""
    # Equal steps through the items, ordered by stratum, take each stratum's share.
    steps = ((np.arange(n) + rng.random()) * len(items) / n).astype(np.int64)
    return items[_shuffled_within(codes[items], rng)[steps]]


def _deal(codes: NDArray[np.int64], n_hands: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Deal items as cards, stratum after stratum, shuffled within: the counts of scikit-learn's StratifiedKFold.

    Two hands differ by one item at most, in all and within every stratum, however rare it is.
    """
    order = _shuffled_within(codes, rng)
    hands = np.empty(len(codes), np.int64)
    hands[order] = np.arange(len(codes)) % n_hands
    return hands


def _shuffled_within(codes: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return an order that goes stratum by stratum and is random within each."""
    return np.lexsort((rng.permutation(len(codes)), codes))
