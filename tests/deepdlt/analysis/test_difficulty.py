"""Claims about difficulty are made where the numbers support them, and nowhere else."""

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from deepdlt.analysis.corrections import holm
from deepdlt.analysis.difficulty import Difficulty, fold_averages, label_difficulty
from deepdlt.analysis.difficulty_sentences import label_sentences

COLUMNS = {"NP": "n_pulses", "PP1": "pattern"}
FAST = {"n_bootstrap": 200, "n_permutations": 199}


NONE_SEEN = "No difference can be seen for NP (p = {} after Holm for 4 tests, 61 images)."
NONE_APART = (
    "Losses differ between values of NP (p = 0.02 after Holm for 4 tests, 61 images), "
    + "but no two of them can be told apart."
)


def experiment(
    seed: int, *, effect: float = 0.0, n_images: int = 40, n_patches: int = 4
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return losses and labels of simulated images; with an effect, 500 pulses are harder."""
    rng = np.random.default_rng(seed)
    ids = [f"{number:032x}" for number in range(n_images)]
    pulses = rng.choice([10, 50, 500], n_images, p=[0.45, 0.35, 0.2])
    of_image = rng.gamma(4, 0.0025, n_images) + effect * (pulses == 500)
    losses = np.repeat(of_image, n_patches) * rng.gamma(9, 1 / 9, n_images * n_patches)
    labels = pl.DataFrame({"image_id": ids, "n_pulses": pulses, "pattern": rng.choice(["V", "H", "D"], n_images)})
    return pl.DataFrame({"image_id": np.repeat(ids, n_patches), "loss": losses}), labels


def asked(seed: int, **changes: float) -> Difficulty:
    """Return what a simulated experiment shows."""
    return label_difficulty(*experiment(seed, **changes), COLUMNS, **FAST, seed=seed)  # type: ignore[arg-type]


@pytest.mark.long
def test_where_nothing_differs_claims_are_as_rare_as_alpha() -> None:
    """Of 200 experiments without any effect, about 5 % reject for a label and about 5 % claim anything at all."""
    results = [asked(seed) for seed in range(200)]
    rejected = np.mean([(result.tests["p_value"] <= 0.05).mean() for result in results])
    claimed = np.mean([result.sentences["sentence"].str.contains("harder").any() for result in results])
    assert 0.02 <= rejected <= 0.085
    assert claimed <= 0.095


def test_an_effect_that_is_there_is_found_for_its_label_alone() -> None:
    """20 experiments with 500 pulses three times as hard: claimed against 10 and 50 in nearly all, at its size."""
    found = [asked(seed, effect=0.02) for seed in range(20)]
    texts = ["\n".join(result.sentences["sentence"]) for result in found]
    assert sum("NP 500 is harder than NP 10 by" in text for text in texts) >= 18
    assert sum("PP1" in line and "harder" in line for text in texts for line in text.splitlines()) <= 3
    pairs = pl.concat([result.differences for result in found]).filter(
        (pl.col("harder_value") == "500") & (pl.col("easier_value") == "10")
    )
    covered = ((pairs["ci_low"] <= 0.02) & (pairs["ci_high"] >= 0.02)).mean()
    assert isinstance(covered, float)
    assert covered >= 0.8


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 0.02))
def test_a_sentence_claims_only_what_its_numbers_support(seed: int, effect: float) -> None:
    """Claims and rows whose interval excludes 0 and whose two p-values pass are the same, one for one."""
    result = asked(seed, effect=effect)
    p_label = dict(result.tests.select("label", "p_holm").iter_rows())
    claims = {
        (match[1], match[2], match[3])
        for sentence in result.sentences["sentence"]
        if (match := re.match(r"(\S+) (\S+) is harder than \1 (\S+) by", sentence))
    }
    supported = {
        (row["label"], row["harder_value"], row["easier_value"])
        for row in result.differences.iter_rows(named=True)
        if row["p_holm"] is not None and row["p_holm"] <= 0.05 and row["ci_low"] > 0 and p_label[row["label"]] <= 0.05
    }
    assert claims == supported
    flagged = result.differences.filter("is_claimed").select("label", "harder_value", "easier_value")
    assert set(flagged.iter_rows()) == supported
    assert set(result.sentences["label"]) == {"NP", "PP1"}


def repeated(seed: int, *, within: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return 4 repeats each of 18 conditions that differ by themselves; their labels have no effect.

    Repeats differ by `within` times as much as conditions do.
    """
    rng = np.random.default_rng([seed, 18])
    condition = np.repeat(np.arange(18), 4)
    ids = [f"{number:032x}" for number in rng.permutation(72)]
    pulses, patterns = rng.choice([10, 50, 500], 18), rng.choice(["V", "H", "D"], 18)
    labels = pl.DataFrame(
        {"image_id": ids, "name": ids, "shot": condition, "n_pulses": pulses[condition], "pattern": patterns[condition]}
    )
    loss = 1 + 0.1 * rng.normal(size=18)[condition] + 0.1 * within * rng.normal(size=72)
    return pl.DataFrame({"image_id": ids, "loss": loss}), labels


@pytest.mark.parametrize("within", [0.3, 1.0], ids=["repeats alike", "repeats as different as conditions"])
def test_repeats_of_a_condition_are_no_evidence_of_their_own(within: float) -> None:
    """Of 120 experiments in which conditions differ and labels do nothing, about 5 % reject for a label."""
    budget = {"n_bootstrap": 20, "n_permutations": 99}
    results = [
        label_difficulty(*repeated(seed, within=within), COLUMNS, settings=["shot"], **budget)  # type: ignore[arg-type]
        for seed in range(120)
    ]
    rejected = np.mean([(result.tests["p_value"] <= 0.05).mean() for result in results])
    claimed = np.mean([result.differences["is_claimed"].any() for result in results])
    assert 0.02 <= rejected <= 0.085
    assert claimed <= 0.08


def test_without_repeats_conditions_are_images() -> None:
    """Every number and every sentence is the one that no settings give."""
    losses, labels = experiment(3, effect=0.02)
    named = labels.with_columns(name="image_id", shot=pl.int_range(pl.len()))
    one = label_difficulty(losses, named, COLUMNS, **FAST)  # type: ignore[arg-type]
    other = label_difficulty(losses, named, COLUMNS, settings=["shot"], **FAST)  # type: ignore[arg-type]
    for name in ("values", "differences", "tests", "sentences"):
        assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)


def test_repeats_are_counted_as_images_and_conditions() -> None:
    """Two repeats of one condition of 10 pulses, one image of another: three images of two conditions, one mean."""
    losses = pl.DataFrame({"image_id": ["a", "b", "c", "d"], "loss": [1.0, 2.0, 6.0, 5.0]})
    labels = pl.DataFrame(
        {"image_id": ["d", "c", "b", "a"], "n_pulses": [50, 10, 10, 10], "pattern": ["V"] * 4, "shot": [3, 2, 1, 1]}
    ).with_columns(name="image_id")
    result = label_difficulty(losses, labels, COLUMNS, settings=["shot"], **FAST)  # type: ignore[arg-type]
    counts = ("label_value", "n_images", "n_conditions", "n_patches", "mean_loss")
    assert result.values.select(counts).rows() == [("10", 3, 2, 3, 3.0), ("50", 1, 1, 1, 5.0), ("V", 4, 3, 4, 3.5)]
    assert result.tests.select("n_images", "n_conditions").rows() == [(4, 3), (4, 3)]
    row = result.differences.row(0, named=True)
    sides = [(row[f"n_images_{side}"], row[f"n_conditions_{side}"]) for side in ("harder", "easier")]
    assert sides == [(1, 1), (3, 2)]
    assert "(p = 1 after Holm for 1 test, 4 images of 3 conditions)" in result.sentences["sentence"][0]
    assert result.sentences["sentence"][1] == "PP1 cannot be tested: it has one value only (4 images of 3 conditions)."


def judged(**changes: object) -> list[str]:
    """Return the sentences on one label with one pair of values, some of its numbers changed."""
    numbers = {"difference": 0.00123, "ci_low": 0.00041, "ci_high": 0.00209, "p_pair": 0.01, "p_label": 0.02, **changes}
    tests = pl.DataFrame(
        {"label": ["NP"], "n_values": [2], "n_images": [61], "p_holm": [numbers["p_label"]], "n_tests": [4]},
        schema_overrides={"p_holm": pl.Float64},
    ).with_columns(n_conditions=pl.lit(numbers.get("n_conditions", 61)))
    pair = {"label": ["NP"], "harder_value": ["500"], "easier_value": ["10"], "p_holm": [numbers["p_pair"]]}
    n_conditions = {"n_conditions_harder": [numbers.get("n_harder", 10)], "n_conditions_easier": [51]}
    counts = {"n_images_harder": [10], "n_images_easier": [51], **n_conditions}
    sizes = {name: [numbers[name]] for name in ("difference", "ci_low", "ci_high")}
    differences = pl.DataFrame(
        pair | counts | sizes, schema_overrides=dict.fromkeys(("p_holm", "ci_low", "ci_high"), pl.Float64)
    )
    return label_sentences(tests, differences, alpha=0.05)["sentence"].to_list()


def test_the_claim_reads_as_people_write_it() -> None:
    """Difference, interval and images stand in the sentence, rounded alike."""
    assert judged() == ["NP 500 is harder than NP 10 by 0.0012 (95 % CI 0.0004 to 0.0021, 10 and 51 images)."]
    assert judged(ci_low=0.000021) == [
        "NP 500 is harder than NP 10 by 0.00123 (95 % CI 0.00002 to 0.00209, 10 and 51 images)."
    ]
    (said,) = judged(n_harder=4)
    assert said.endswith("0.0021, 10 and 51 images of 4 and 51 conditions).")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"p_label": 0.41}, NONE_SEEN.format(0.41)),
        (
            {"p_label": 0.051, "p_pair": 0.0001},
            NONE_SEEN.format(0.051),
        ),
        (
            {"p_pair": 0.06},
            NONE_APART,
        ),
        (
            {"ci_low": -0.0001},
            NONE_APART,
        ),
        (
            {"ci_low": None, "ci_high": None, "p_pair": None},
            NONE_APART,
        ),
        ({"p_label": None}, "NP cannot be tested: it has one value only (61 images)."),
    ],
    ids=["nothing", "label fails though the pair passes", "pair fails", "interval holds 0", "one image", "no test"],
)
def test_each_missing_support_takes_the_claim_away(changes: dict[str, object], sentence: str) -> None:
    """Label, pair and interval must all agree before a sentence claims a difference."""
    assert judged(**changes) == [sentence]


def test_means_are_over_patches_and_counts_over_images() -> None:
    """Closed form on four images with unequal numbers of patches; the value without an image is not there."""
    losses = pl.DataFrame({"image_id": ["a", "a", "b", "c", "d"], "loss": [1.0, 3.0, 8.0, 5.0, 100.0]})
    labels = pl.DataFrame(
        {"image_id": ["d", "c", "b", "a", "e"], "n_pulses": [None, 50, 10, 10, 500], "pattern": ["V"] * 5}
    )
    result = label_difficulty(losses, labels, COLUMNS, **FAST)  # type: ignore[arg-type]
    values = result.values.select("label", "label_value", "n_images", "n_patches", "mean_loss")
    assert values.rows() == [("NP", "10", 2, 3, 4.0), ("NP", "50", 1, 1, 5.0), ("PP1", "V", 4, 5, 23.4)]
    assert result.values["ci_low"].is_null().to_list() == [False, True, False]
    assert result.tests.select("n_values", "n_images", "n_images_left_out", "n_tests").rows() == [
        (2, 3, 1, 1),
        (1, 4, 0, 1),
    ]
    row = result.differences.row(0, named=True)
    assert (row["harder_value"], row["easier_value"], row["difference"]) == ("50", "10", 1.0)
    assert (row["p_value"], row["p_holm"], row["ci_low"], row["is_claimed"]) == (None, None, None, False)
    assert result.sentences["sentence"][-1] == "PP1 cannot be tested: it has one value only (4 images)."


def test_a_label_that_no_image_has_says_so() -> None:
    """Images without any label leave a sentence, not a crash."""
    losses, labels = experiment(0)
    nothing = labels.with_columns(n_pulses=pl.lit(None, pl.Int64), pattern=pl.lit(None, pl.String))
    result = label_difficulty(losses, nothing, COLUMNS, **FAST)  # type: ignore[arg-type]
    assert result.sentences["sentence"].to_list() == [
        "NP cannot be tested: no image has a value of it.",
        "PP1 cannot be tested: no image has a value of it.",
    ]
    assert result.values.is_empty()
    assert result.tests["n_images_left_out"].to_list() == [40, 40]


def test_values_come_in_the_order_of_numbers() -> None:
    """5.5, 8.5 and 19 degrees are sorted as numbers and read without zeros behind."""
    losses, labels = experiment(0)
    labelled = labels.with_columns(angle_deg=pl.Series([19.0, 5.5, 8.5, 19.0] * 10))
    result = label_difficulty(losses, labelled, {"angle": "angle_deg"}, **FAST)  # type: ignore[arg-type]
    assert result.values["label_value"].to_list() == ["5.5", "8.5", "19"]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_the_order_of_rows_changes_nothing(shuffle: int) -> None:
    """Shuffled losses and labels give the same four frames, to the last bit."""
    losses, labels = experiment(3, effect=0.01)
    one = label_difficulty(losses, labels, COLUMNS, **FAST)  # type: ignore[arg-type]
    other = label_difficulty(
        losses.sample(fraction=1, shuffle=True, seed=shuffle),
        labels.sample(fraction=1, shuffle=True, seed=shuffle),
        dict(reversed(COLUMNS.items())),
        **FAST,  # type: ignore[arg-type]
    )
    for name in ("values", "differences", "tests", "sentences"):
        assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)


def test_another_label_beside_it_leaves_a_label_alone() -> None:
    """Each label has its own random stream; only the correction knows of the others."""
    losses, labels = experiment(3, effect=0.01)
    alone = label_difficulty(losses, labels, {"NP": "n_pulses"}, **FAST)  # type: ignore[arg-type]
    both = label_difficulty(losses, labels, COLUMNS, **FAST)  # type: ignore[arg-type]
    assert_frame_equal(alone.values, both.values.filter(pl.col("label") == "NP"))
    assert alone.tests["p_value"][0] == both.tests["p_value"][0]
    assert (alone.tests["n_tests"][0], both.tests["n_tests"][0]) == (1, 2)


def test_both_corrections_are_holms() -> None:
    """Labels are corrected for the number of labels, pairs of values for the pairs of their own label."""
    result = asked(3, effect=0.004)
    assert np.allclose(result.tests["p_holm"], holm(result.tests["p_value"]))
    for label in COLUMNS:
        pairs = result.differences.filter(pl.col("label") == label)
        assert pairs.height == 3
        assert np.allclose(pairs["p_holm"], holm(pairs["p_value"]))


def test_the_seed_moves_draws_and_shuffles_and_nothing_else() -> None:
    """Another seed gives other intervals and p-values within their noise, and the same means."""
    losses, labels = experiment(3, effect=0.004, n_images=80)
    one, other = (label_difficulty(losses, labels, COLUMNS, **FAST, seed=seed) for seed in (0, 1))  # type: ignore[arg-type]
    assert one.values["mean_loss"].equals(other.values["mean_loss"])
    for changed in ("values", "differences"):
        low, low_other = getattr(one, changed)["ci_low"], getattr(other, changed)["ci_low"]
        assert (low != low_other).all()
    assert not one.differences["p_value"].equals(other.differences["p_value"])
    assert np.allclose(one.tests["p_value"], other.tests["p_value"], atol=0.15)


def test_many_patches_of_few_images_are_no_evidence() -> None:
    """300 patches each of two images a value: the patches differ clearly, the images cannot."""
    rng = np.random.default_rng(0)
    ids = np.repeat(["a", "b", "c", "d"], 300)
    level = np.repeat([1.0, 1.1, 2.0, 2.1], 300)
    losses = pl.DataFrame({"image_id": ids, "loss": level + rng.normal(0, 0.1, 1200)})
    labels = pl.DataFrame({"image_id": ["a", "b", "c", "d"], "n_pulses": [10, 10, 50, 50], "pattern": list("VVVV")})
    result = label_difficulty(losses, labels, COLUMNS, **FAST)  # type: ignore[arg-type]
    assert not result.differences["is_claimed"].any()
    assert result.tests["p_value"][0] > 0.2


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), None])
def test_a_loss_that_says_nothing_is_refused(bad: float | None) -> None:
    """One diverged run would make every mean meaningless."""
    losses = pl.DataFrame({"image_id": ["a", "b"], "loss": [1.0, bad]})
    labels = pl.DataFrame({"image_id": ["a", "b"], "n_pulses": [1, 2], "pattern": ["V", "H"]})
    with pytest.raises(ValueError, match="1 of 2 losses are missing or not finite"):
        label_difficulty(losses, labels, COLUMNS)
    with pytest.raises(ValueError, match="1 of 2 losses"):
        fold_averages(losses.with_columns(label=pl.lit("NP"), fold=pl.lit(1)))


def test_labels_of_two_sources_and_senseless_settings_are_refused() -> None:
    """An image with two rows of labels would count twice."""
    losses, labels = experiment(0)
    with pytest.raises(ValueError, match="40 rows label an image again"):
        label_difficulty(losses, pl.concat([labels, labels]), COLUMNS)
    for changes in ({"n_bootstrap": 0}, {"n_permutations": 0}, {"alpha": 0.0}, {"alpha": 1.0}):
        with pytest.raises(ValueError, match="at least 1"):
            label_difficulty(losses, labels, COLUMNS, **changes)  # type: ignore[arg-type]


def test_the_reports_way_gives_averages_over_folds_and_their_spread() -> None:
    """The published test losses of angle and NP: .1842 and .1838, 0.0003 apart, well within their spread."""
    published = {"angle": [0.1860, 0.1842, 0.1846, 0.1820, 0.1840], "NP": [0.1848, 0.1845, 0.1828, 0.1823, 0.1847]}
    rows = [(label, fold, loss) for label, losses in published.items() for fold, loss in enumerate(losses, 1)]
    found = fold_averages(pl.DataFrame(rows, schema=["label", "fold", "loss"], orient="row"))
    assert found.averages.select("label", "n_folds").rows() == [("NP", 5), ("angle", 5)]
    assert found.averages["mean_loss"].to_numpy() == pytest.approx([0.18382, 0.18416])
    assert found.averages["sd"].to_numpy() == pytest.approx(
        [np.std(published[label], ddof=1) for label in ("NP", "angle")]
    )
    higher, lower, difference, spread = found.differences.row(0)
    assert (higher, lower) == ("angle", "NP")
    assert difference == pytest.approx(0.00034)
    assert spread == pytest.approx(np.hypot(*found.averages["sd"]))
    assert found.sentence == (
        "Fold averages, the report's way: NP 0.1838 (SD 0.0012), angle 0.1842 (SD 0.0014); "
        "the largest difference is angle over NP, 0.0003 (SD 0.0019)."
    )


def test_seeds_of_one_fold_are_averaged_before_folds_are() -> None:
    """The spread is over folds; a second seed does not make it two folds."""
    frame = pl.DataFrame({"label": ["NP"] * 4, "fold": [1, 1, 2, 2], "loss": [1.0, 3.0, 4.0, 4.0]})
    found = fold_averages(frame)
    assert found.averages.row(0) == ("NP", 2, 3.0, pytest.approx(np.sqrt(2)))
    assert found.sentence == "Fold averages, the report's way: NP 3.0 (SD 1.4)."


def test_the_largest_difference_is_named_and_rounding_is_not_shown() -> None:
    """Of three labels the two ends are named; folds that agree have a spread of 0, not of 1e-17."""
    frame = pl.DataFrame({"label": ["A", "B", "C"] * 2, "fold": [1, 1, 1, 2, 2, 2], "loss": [0.2, 0.1, 0.4] * 2})
    assert fold_averages(frame).sentence == (
        "Fold averages, the report's way: A 0.20 (SD 0.00), B 0.10 (SD 0.00), C 0.40 (SD 0.00); "
        "the largest difference is C over B, 0.30 (SD 0.00)."
    )
    nearly = pl.DataFrame({"label": ["A"] * 3, "fold": [1, 2, 3], "loss": [0.1, 0.1 + 1e-17, 0.3 - 0.2]})
    assert fold_averages(nearly).sentence == "Fold averages, the report's way: A 0.1000 (SD 0.0000)."


def test_one_fold_or_none_has_no_spread() -> None:
    """What cannot be computed is missing, not 0."""
    frame = pl.DataFrame({"label": ["NP", "angle"], "fold": [1, 1], "loss": [0.5, 0.25]})
    found = fold_averages(frame)
    assert found.averages["sd"].to_list() == [None, None]
    assert found.differences.row(0) == ("NP", "angle", 0.25, None)
    assert found.sentence.endswith("the largest difference is NP over angle, 0.25.")
    assert fold_averages(frame.clear()).sentence == "There are no folds to average."
