"""A probe finds what the code knows, on images it has not seen, and nothing where labels are shuffled."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from deepdlt.analysis import probes
from deepdlt.analysis.probes import TooFewToProbe, probe_label

FAST = {"n_permutations": 9}


def codes_of(
    seed: int, *, effect: float, n_images: int = 30, n_patches: int = 6, n_features: int = 5
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features, image of each patch and level 0..2 of each image; images differ by themselves as well."""
    rng = np.random.default_rng(seed)
    level = rng.permutation(np.arange(n_images) % 3)
    of_image = 3 * rng.standard_normal((n_images, n_features))
    of_image[:, 0] = effect * level + rng.standard_normal(n_images)
    image = np.repeat(np.arange(n_images), n_patches)
    features = of_image[image] + 0.3 * rng.standard_normal((len(image), n_features))
    return features, np.array([f"image {number:03d}" for number in image]), level[image]


@pytest.mark.parametrize("kind", ["category", "number"])
def test_a_label_in_the_code_is_found(kind: str) -> None:
    """Where one feature follows the label, every score is far above the shuffled ones, and p is the least."""
    features, images, level = codes_of(0, effect=5)
    values = [["V", "H", "D"][one] for one in level] if kind == "category" else [[5.5, 8.5, 11.5][one] for one in level]
    found = probe_label(features, values, images.tolist(), kind=kind, **FAST)  # type: ignore[arg-type]
    linear = found.filter(pl.col("probe").is_in(["logistic", "ridge"]))
    assert (linear["score"] > 0.85).all()
    assert (linear["p_value"] == 0.1).all()
    assert (found["score"] > found["null_mean"] + 2 * found["null_sd"]).all()
    assert found.select("n_permutations", "n_patches", "n_images", "n_values").unique().rows() == [(9, 180, 30, 3)]


def test_the_rows_are_every_probe_unit_and_metric() -> None:
    """Categories have one metric, numbers two; both are scored over patches and over images."""
    features, images, level = codes_of(0, effect=1)
    category = probe_label(features, level, images, kind="category", **FAST)  # type: ignore[arg-type]
    number = probe_label(features, level, images, kind="number", **FAST)  # type: ignore[arg-type]
    units = ("patch", "image")
    assert category.select("probe", "unit", "metric").rows() == [
        (probe, unit, "balanced_accuracy") for probe in ("logistic", "knn") for unit in units
    ]
    assert number.select("probe", "unit", "metric").rows() == [
        (probe, unit, metric) for probe in ("ridge", "knn") for unit in units for metric in ("r2", "level_accuracy")
    ]


def test_images_that_recognise_themselves_do_not_help() -> None:
    """Patches name their image exactly but nothing else: with images on both sides of a fold this would score 1."""
    rng = np.random.default_rng(0)
    image = np.repeat(np.arange(30), 6)
    features = rng.standard_normal((30, 8))[image] + 1e-3 * rng.standard_normal((180, 8))
    level = rng.permutation(np.arange(30) % 3)[image]
    found = probe_label(features, level, image.astype(str), kind="category", n_permutations=19)  # type: ignore[arg-type]
    assert (found["score"] < 0.6).all()
    assert (found["p_value"] > 0.05).any()


@pytest.mark.long
def test_p_values_are_uniform_where_the_code_knows_nothing() -> None:
    """Of 200 codes without the label, p is at most 0.1 and 0.5 as often; scores with ties only more seldom."""
    found = []
    for seed in range(200):
        features, images, level = codes_of(seed, effect=0, n_images=18, n_patches=3, n_features=3)
        kind = "number" if seed % 5 else "category"
        found.append(probe_label(features, level, images, kind=kind, n_folds=3, seed=seed, **FAST))  # type: ignore[arg-type]
    for (metric,), rows in pl.concat(found).group_by("metric"):
        for level_of_p, leeway in ((0.1, 0.05), (0.5, 0.08)):
            rate = (rows["p_value"] <= level_of_p + 1e-9).mean()
            assert isinstance(rate, float)
            assert rate <= level_of_p + leeway
            assert metric != "r2" or rate >= level_of_p - leeway


@settings(max_examples=5, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_patches_changes_nothing(random: object) -> None:
    """Folds and shuffles go by the names of images."""
    features, images, level = codes_of(2, effect=1, n_images=12, n_patches=4)
    order = list(range(len(images)))
    random.shuffle(order)  # type: ignore[attr-defined]
    for kind in ("category", "number"):
        one = probe_label(features, level, images, kind=kind, **FAST)  # type: ignore[arg-type]
        other = probe_label(features[order], level[order], images[order], kind=kind, **FAST)  # type: ignore[arg-type]
        assert_frame_equal(one, other, rel_tol=1e-6)


def test_the_seed_decides() -> None:
    """One seed gives one answer; another draws other folds."""
    features, images, level = codes_of(2, effect=1)
    one, again, other = (
        probe_label(features, level, images, kind="number", seed=seed, **FAST)  # type: ignore[arg-type]
        for seed in (0, 0, 1)
    )
    assert_frame_equal(one, again, check_exact=True)
    assert not one["score"].equals(other["score"])


def test_patches_without_a_label_are_left_out() -> None:
    """Nulls are not a class of their own."""
    features, images, level = codes_of(2, effect=1)
    values = [None if image == "image 004" else int(one) for image, one in zip(images, level, strict=True)]
    spoilt = features.copy()
    spoilt[images == "image 004"] = np.nan
    found = probe_label(spoilt, pl.Series(values), pl.Series(images), kind="category", **FAST)  # type: ignore[arg-type]
    assert found.select("n_patches", "n_images", "n_values").row(0) == (174, 29, 3)


@given(st.lists(st.integers(1, 9), min_size=3, max_size=40), st.integers(3, 6), st.integers(0, 99))
def test_folds_keep_groups_whole_and_none_is_empty(sizes: list[int], n_folds: int, seed: int) -> None:
    """Every group is tested in one fold, every fold tests something, and no fold is far larger than it must be."""
    groups = pl.Series([f"g{number}" for number, size in enumerate(sizes) for _ in range(size)])
    fold = probes._fold_of_image(groups, min(n_folds, len(sizes)), np.random.default_rng(seed))
    folds = pl.DataFrame({"group": groups, "fold": fold}).unique()
    assert folds.height == len(sizes)
    load = np.bincount(fold)
    assert len(load) == min(n_folds, len(sizes))
    assert load.min() > 0
    assert load.max() - load.min() <= max(sizes)


def test_groups_of_images_stay_on_one_side() -> None:
    """Three repeats of each condition look alike: kept together, their label cannot be read off a repeat."""
    rng = np.random.default_rng(3)
    condition = np.repeat(np.arange(15), 3)  # of 45 images
    of_condition = rng.standard_normal((15, 8))
    image = np.repeat(np.arange(45), 4)
    features = of_condition[condition[image]] + 0.05 * rng.standard_normal((180, 8))
    level = rng.permutation(np.arange(15) % 3)[condition[image]]
    groups = condition[image].astype(str)
    loose, kept = (
        probe_label(features, level, image.astype(str), kind="category", fold_groups=chosen, **FAST)  # type: ignore[arg-type]
        for chosen in (None, groups)
    )
    assert loose["score"].min() > 0.65
    assert kept["score"].max() < 0.6


def test_repeats_of_a_condition_are_no_evidence_of_their_own() -> None:
    """Conditions of six images differ, their labels are drawn at random: p is uniform, neither small nor large."""
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        condition = np.repeat(np.arange(15), 6)
        features = rng.standard_normal((15, 3))[condition] + 0.1 * rng.standard_normal((90, 3))
        values, images = rng.standard_normal(15)[condition], np.arange(90).astype(str)
        asked = {"fold_groups": condition.astype(str), "seed": seed, **FAST}
        found.append(probe_label(features, values, images, kind="number", **asked))  # type: ignore[arg-type]
    means = pl.concat(found).filter(metric="r2").group_by("probe", "unit").agg(pl.col("p_value").mean())
    assert means["p_value"].is_between(0.4, 0.7).all()  # with single images shuffled: 0.86 and above


def test_shuffled_labels_stay_together_in_their_group() -> None:
    """Images of one group get one value, each value is given to as many groups as have it."""
    groups = pl.Series(["a", "a", "b", "c", "c", "c", "d"])
    shuffled = probes._shuffled(np.array([0, 0, 1, 2, 2, 2, 1]), groups, 50, np.random.default_rng(0))
    assert shuffled.shape == (7, 50)
    assert (shuffled[[0, 3, 3]] == shuffled[[1, 4, 5]]).all()
    assert (np.sort(shuffled[[0, 2, 3, 6]], axis=0) == np.array([[0], [1], [1], [2]])).all()
    assert len(np.unique(shuffled, axis=1).T) == 12


def test_an_image_answers_by_the_vote_of_its_patches() -> None:
    """Two of three patches outvote a surer third; of one against one the surer wins."""
    image = np.array([0, 0, 0, 1, 1])
    probability = np.array([[0.6, 0.4], [0.6, 0.4], [0.0, 1.0], [0.6, 0.4], [0.1, 0.9]])[:, :, None]
    data = probes._Data(np.zeros((5, 1)), image, np.zeros(2, int), ["a", "b"], np.array([[0], [0]]))
    patch, elected = probes._category_answers(probability, data)
    assert patch.ravel().tolist() == [0, 0, 1, 0, 1]
    assert elected.ravel().tolist() == [0, 1]


def test_balanced_accuracy_and_r2_are_those_of_scikit_learn() -> None:
    """Both are computed for all labellings at once."""
    from sklearn.metrics import balanced_accuracy_score, r2_score

    rng = np.random.default_rng(0)
    truth, answers = rng.integers(0, 3, (50, 4)), rng.integers(0, 3, (50, 4))
    accuracy = [balanced_accuracy_score(truth[:, column], answers[:, column]) for column in range(4)]
    assert np.allclose(probes._balanced_accuracy(answers, truth, 3), accuracy)
    explained = r2_score(truth, answers, multioutput="raw_values")
    assert np.allclose(probes._r2(answers.astype(float), truth.astype(float)), explained)


def test_a_number_is_read_as_the_nearest_level() -> None:
    """The middle between two levels goes to the lower, and nothing falls off the ends."""
    levels = np.array([10.0, 20.0, 50.0])
    numbers = np.array([-5, 10, 14.9, 15, 15.1, 34, 36, 900])
    assert probes._nearest(numbers, levels).tolist() == [0, 0, 0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_folds": 2}, "3 folds"),
        ({"n_permutations": 0}, "1 permutation"),
        ({"kind": "text"}, "number or category"),
        ({"features": np.zeros((7, 2))}, "features must be"),
        ({"features": np.full((24, 2), np.nan)}, "NaN"),
        ({"values": [*range(24)]}, "more than one label value"),
        ({"fold_groups": [str(row) for row in range(24)]}, "more than one label value or group"),
    ],
)
def test_what_cannot_be_probed_is_refused(changes: dict[str, object], message: str) -> None:
    """The error names what is wrong."""
    features, images, level = codes_of(0, effect=1, n_images=12, n_patches=2)
    asked = {"features": features[:, :2], "values": level, "image_ids": images, "kind": "number", **FAST, **changes}
    with pytest.raises(ValueError, match=message):
        probe_label(**asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(("n_images", "n_values"), [(4, 3), (10, 1)])
def test_too_few_images_or_values_say_so(n_images: int, n_values: int) -> None:
    """The error carries the counts, so that a night can report the label as not probed."""
    features, images, level = codes_of(0, effect=1, n_images=n_images)
    with pytest.raises(TooFewToProbe) as caught:
        probe_label(features, level % n_values, images, kind="category")  # type: ignore[arg-type]
    assert (caught.value.n_values, caught.value.n_groups, caught.value.n_folds) == (n_values, n_images, 5)
