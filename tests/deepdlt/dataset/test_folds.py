"""Folds cover, balance and separate what they should, whatever the order of rows."""

import logging
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold

from deepdlt.dataset.folds import FOLD_SCHEMA, TooFewToSplit, assign_folds, split_holdout, split_id_of
from deepdlt.digest import digest_json

SCHEMES = ["paper", "grouped"]
SEEDS = st.integers(0, 2**32)
FOLD_COUNTS = st.integers(2, 6)
BRIEFLY = settings(deadline=None, max_examples=25)  # an example deals several folds
LABELS = st.lists(st.sampled_from([5.5, 8.5, 19.0]), min_size=6, max_size=40)


def patches_of(n_images: int, n_each: int = 3) -> pl.DataFrame:
    """Return patches whose ids are in no order that images know of."""
    rows = [(digest_json([image, patch]), f"image {image:03d}") for image in range(n_images) for patch in range(n_each)]
    return pl.DataFrame(rows, schema=["patch_id", "image_id"], orient="row")


def values_of(labels: list[float] | list[str]) -> pl.DataFrame:
    """Return one label value an image."""
    return pl.DataFrame({"image_id": [f"image {image:03d}" for image in range(len(labels))], "value": labels})


def assigned(labels: list[float], *, scheme: str, n_folds: int = 5, seed: int = 0, n_each: int = 3) -> pl.DataFrame:
    """Assign folds of a number label."""
    return assign_folds(
        patches_of(len(labels), n_each), values_of(labels), scheme=scheme, kind="number", n_folds=n_folds, seed=seed
    )


def spread(frame: pl.DataFrame, split: str, unit: str) -> pl.DataFrame:
    """Return how many different units of each stratum a split holds in each fold, 0 included."""
    grid = frame.select(pl.col("fold").unique()).join(frame.select(pl.col("stratum").unique()), how="cross")
    counts = frame.filter(split=split).group_by("fold", "stratum").agg(n=pl.col(unit).n_unique().cast(pl.Int64))
    return grid.join(counts, on=["fold", "stratum"], how="left").fill_null(0)


@pytest.mark.parametrize("scheme", SCHEMES)
@BRIEFLY
@given(labels=LABELS, n_folds=FOLD_COUNTS, seed=SEEDS)
def test_every_fold_holds_every_patch_once(scheme: str, labels: list[float], n_folds: int, seed: int) -> None:
    """Each fold lists all patches, sorted, and no part of it is empty."""
    frame = assigned(labels, scheme=scheme, n_folds=n_folds, seed=seed)
    assert frame.schema == FOLD_SCHEMA
    everything = sorted(patches_of(len(labels))["patch_id"])
    for fold in range(1, n_folds + 1):
        part = frame.filter(fold=fold)
        assert part["patch_id"].to_list() == everything
        assert set(part["split"]) == {"train", "val", "test"}
    assert frame["fold"].is_sorted()


@BRIEFLY
@given(labels=LABELS, n_folds=FOLD_COUNTS, seed=SEEDS)
def test_no_image_stands_on_two_sides_when_grouped(labels: list[float], n_folds: int, seed: int) -> None:
    """Within a fold every image has one split, and over the folds it is tested exactly once."""
    frame = assigned(labels, scheme="grouped", n_folds=n_folds, seed=seed)
    assert frame.group_by("fold", "image_id").agg(pl.col("split").n_unique())["split"].unique().to_list() == [1]
    tested = frame.filter(split="test").unique(["fold", "image_id"])["image_id"]
    assert sorted(tested) == sorted(values_of(labels)["image_id"])


@BRIEFLY
@given(labels=LABELS, n_folds=FOLD_COUNTS, seed=SEEDS)
def test_every_patch_is_held_out_once_in_the_paper_scheme(labels: list[float], n_folds: int, seed: int) -> None:
    """Over the folds each patch validates or tests exactly once."""
    held_out = assigned(labels, scheme="paper", n_folds=n_folds, seed=seed).filter(pl.col("split") != "train")
    assert sorted(held_out["patch_id"]) == sorted(patches_of(len(labels))["patch_id"])


@pytest.mark.parametrize("scheme", SCHEMES)
@BRIEFLY
@given(labels=LABELS, n_folds=FOLD_COUNTS, seed=SEEDS)
def test_strata_are_spread_evenly_over_test_folds(scheme: str, labels: list[float], n_folds: int, seed: int) -> None:
    """Between folds, a stratum's share of what is held out differs by one patch or image at most."""
    frame = assigned(labels, scheme=scheme, n_folds=n_folds, seed=seed)
    if scheme == "paper":
        frame = frame.with_columns(pl.col("split").replace("val", "test"))
    counts = spread(frame, "test", "patch_id" if scheme == "paper" else "image_id")
    assert (counts.group_by("stratum").agg(gap=pl.col("n").max() - pl.col("n").min())["gap"] <= 1).all()
    totals = counts.group_by("fold").agg(pl.col("n").sum())["n"]
    assert totals.max() - totals.min() <= 1


@BRIEFLY
@given(labels=LABELS, n_folds=FOLD_COUNTS, seed=SEEDS)
def test_the_held_out_part_is_halved_evenly_in_the_paper_scheme(labels: list[float], n_folds: int, seed: int) -> None:
    """Test and validation differ by one patch at most, in all and in every stratum; a spare one is tested."""
    frame = assigned(labels, scheme="paper", n_folds=n_folds, seed=seed)
    both = spread(frame, "test", "patch_id").join(
        spread(frame, "val", "patch_id"), on=["fold", "stratum"], suffix="_val"
    )
    assert ((both["n"] - both["n_val"]).abs() <= 1).all()
    totals = both.group_by("fold").agg(pl.col("n", "n_val").sum())
    assert ((totals["n"] - totals["n_val"]).is_in([0, 1])).all()


@BRIEFLY
@given(labels=LABELS, seed=SEEDS)
def test_a_stratified_tenth_of_all_images_validates_when_grouped(labels: list[float], seed: int) -> None:
    """The count is a tenth of all, rounded, and each stratum gives its share of the rest to within one image."""
    frame = assigned(labels, scheme="grouped", seed=seed)
    val = spread(frame, "val", "image_id")
    n_val = max(1, round(len(labels) / 10))
    assert val.group_by("fold").agg(pl.col("n").sum())["n"].unique().to_list() == [n_val]
    rest = spread(frame.with_columns(pl.col("split").replace("val", "train")), "train", "image_id")
    share = val.join(rest, on=["fold", "stratum"], suffix="_rest").with_columns(
        expected=n_val * pl.col("n_rest") / pl.col("n_rest").sum().over("fold")
    )
    assert ((share["n"] - share["expected"]).abs() < 1 + 1e-9).all()


@pytest.mark.parametrize("scheme", SCHEMES)
@BRIEFLY
@given(labels=LABELS, seed=SEEDS, random=st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(scheme: str, labels: list[float], seed: int, random: object) -> None:
    """Shuffled patches and values give the same frame."""
    patches, values = patches_of(len(labels)), values_of(labels)
    seeds = [random.randrange(2**32) for _ in range(2)]  # type: ignore[attr-defined]
    kwargs = {"scheme": scheme, "kind": "number", "seed": seed}
    straight = assign_folds(patches, values, **kwargs)
    assert straight.equals(
        assign_folds(
            patches.sample(fraction=1, shuffle=True, seed=seeds[0]),
            values.sample(fraction=1, shuffle=True, seed=seeds[1]),
            **kwargs,
        )
    )


@pytest.mark.parametrize("scheme", SCHEMES)
def test_another_seed_deals_differently_and_the_same_seed_alike(scheme: str) -> None:
    """The seed is all that chance hangs on."""
    labels = [5.5, 8.5, 19.0] * 10
    first, again, other = (assigned(labels, scheme=scheme, seed=seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


@BRIEFLY
@given(
    n_folds=st.integers(2, 8),
    codes=st.lists(st.integers(0, 3), min_size=40, max_size=90),
    seed=st.integers(0, 2**32 - 1),
)
def test_counts_equal_those_of_scikit_learn(n_folds: int, codes: list[int], seed: int) -> None:
    """StratifiedKFold puts as many patches of each stratum into each fold's held-out part."""
    codes = [*range(4), *([0, 1, 2, 3] * 7), *codes]  # strata appear in their order and none is rare
    patches = patches_of(len(codes), n_each=1)
    frame = assign_folds(
        patches, values_of([f"c{code}" for code in codes]), scheme="paper", kind="category", n_folds=n_folds, seed=seed
    )
    ours = spread(frame.with_columns(pl.col("split").replace("val", "test")), "test", "patch_id")
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    for fold, (_, held_out) in enumerate(splitter.split(np.zeros(len(codes)), codes), start=1):
        theirs = np.bincount(np.array(codes)[held_out], minlength=4).tolist()
        assert ours.filter(fold=fold).sort("stratum")["n"].to_list() == theirs


@pytest.mark.parametrize("scheme", SCHEMES)
def test_strata_stand_beside_the_labels(scheme: str) -> None:
    """Numbers are strata where images are dealt, quantiles over patches as in the report; categories are themselves."""
    labels = [5.5] * 6 + [8.5] * 5 + [19.0] * 30
    expected = {"[5.5, 8.5]", "(8.5, 19]"} if scheme == "paper" else {"5.5", "8.5", "19"}
    assert set(assigned(labels, scheme=scheme)["stratum"]) == expected
    frame = assign_folds(patches_of(30), values_of(["V", "H", "D"] * 10), scheme=scheme, kind="category", seed=0)
    assert set(frame["stratum"]) == {"V", "H", "D"}
    assert frame.filter(image_id="image 001")["stratum"].unique().to_list() == ["H"]


@BRIEFLY
@given(seed=SEEDS)
def test_a_value_with_images_enough_is_tested_in_every_fold_when_grouped(seed: int) -> None:
    """The 17 images at 8.5 degrees of the real sheet, which quantiles put among the 28 at 5.5: three or four a fold."""
    labels = [5.5] * 28 + [8.5] * 17 + [19.0] * 122
    frame = assigned(labels, scheme="grouped", seed=seed, n_each=1)
    tested = frame.filter(split="test", stratum="8.5").group_by("fold").len()["len"]
    assert sorted(tested) == [3, 3, 3, 4, 4]


def test_quantiles_are_taken_over_patches() -> None:
    """An image with many patches weighs more: here it moves four of five edges onto its own value."""
    few = patches_of(8, 1)
    heavy = pl.concat([few, pl.DataFrame({"patch_id": [f"more {i}" for i in range(40)], "image_id": "image 000"})])
    values = values_of([float(i) for i in range(8)])
    kwargs = {"scheme": "paper", "kind": "number", "n_folds": 2, "seed": 0}
    assert assign_folds(few, values, **kwargs)["stratum"].n_unique() == 5
    assert assign_folds(heavy, values, **kwargs)["stratum"].n_unique() == 1


@pytest.mark.parametrize("missing", [None, float("nan"), "no row"], ids=str)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_images_without_a_value_are_left_out_and_counted(
    scheme: str, missing: float | str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Null, NaN and no row mean the same; the log says how many patches of how many images are gone."""
    values = values_of([5.5, 19.0] * 10 + [None if isinstance(missing, str) else missing])  # type: ignore[list-item]
    if missing == "no row":
        values = values.head(20)
    frame = assign_folds(patches_of(21), values, scheme=scheme, kind="number", seed=0)
    assert frame["image_id"].n_unique() == 20
    assert "image 020" not in frame["image_id"]
    assert "3 patches of 1 images have no value" in caplog.text


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_rare_stratum_is_spread_and_said(scheme: str, caplog: pytest.LogCaptureFixture) -> None:
    """Three members in five folds: each is tested, no warning is raised, and the log names the stratum."""
    labels = ["common"] * 20 + ["rare"] * 3
    frame = assign_folds(patches_of(23, 1), values_of(labels), scheme=scheme, kind="category", seed=0)
    held_out = frame.filter(pl.col("stratum") == "rare", pl.col("split") != "train")
    assert held_out["image_id"].n_unique() == 3
    assert "rare (3)" in caplog.text
    assert "common" not in caplog.text


def test_nothing_is_said_when_all_is_well(caplog: pytest.LogCaptureFixture) -> None:
    """Five images in five folds are enough, and a bin that holds no value is no rare stratum."""
    n_pulses = [10] * 6 + [20] * 2 + [50] * 6 + [100] * 5 + [500] * 5  # no value in (50, 90]
    with caplog.at_level(logging.DEBUG):
        assigned(n_pulses, scheme="grouped")
    assert not caplog.records


def test_a_hundred_images_are_cut_seventy_ten_twenty_when_grouped() -> None:
    """Twenty images test, ten validate, seventy train, in each of five folds."""
    frame = assigned([5.5, 19.0] * 50, scheme="grouped", n_each=1)
    assert frame.group_by("fold", "split").len().select("split", "len").unique().sort("split").rows() == [
        ("test", 20),
        ("train", 70),
        ("val", 10),
    ]


@pytest.mark.parametrize(
    ("scheme", "n_images", "n_each", "n_folds", "n_needed"),
    [("grouped", 4, 9, 5, 5), ("grouped", 3, 9, 2, 4), ("grouped", 0, 9, 5, 5), ("paper", 9, 1, 5, 10)],
)
def test_too_few_to_fill_all_folds_is_refused_with_both_counts(
    scheme: str, n_images: int, n_each: int, n_folds: int, n_needed: int
) -> None:
    """The error says what there is, what is needed and what to do; one more would have been enough."""
    remedy = "add images, or ask for fewer folds" if n_folds > 2 else "add images"
    with pytest.raises(TooFewToSplit, match=rf"{remedy}\.$") as caught:
        assigned([float(i) for i in range(n_images)], scheme=scheme, n_folds=n_folds, n_each=n_each)
    assert (caught.value.n_found, caught.value.n_needed) == (n_images, n_needed)
    enough = assigned([float(i) for i in range(n_needed)], scheme=scheme, n_folds=n_folds, n_each=n_each)
    assert enough.group_by("fold").agg(pl.col("split").n_unique())["split"].unique().to_list() == [3]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scheme": "random"}, "scheme"),
        ({"kind": "letter"}, "kind"),
        ({"n_folds": 1}, "n_folds"),
        ({"seed": -1}, "seed"),
        ({"values": values_of(["V"] * 20)}, "must hold numbers"),
        ({"values": pl.concat([values_of([1.0] * 20), values_of([2.0])])}, "several label values"),
        ({"patches": pl.concat([patches_of(20), patches_of(1)])}, "another row names too"),
    ],
    ids=["scheme", "kind", "n_folds", "seed", "text", "two values", "two patches"],
)
def test_arguments_that_make_no_sense_are_refused(changes: dict[str, object], message: str) -> None:
    """Each by its name."""
    arguments = {
        "patches": patches_of(20),
        "values": values_of([1.0] * 20),
        "scheme": "grouped",
        "kind": "number",
        "n_folds": 5,
        "seed": 0,
    }
    with pytest.raises(ValueError, match=message):
        assign_folds(**(arguments | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("n_images", "sizes"),
    [(208, (166, 21, 21)), (167, (133, 17, 17)), (24, (19, 2, 3)), (5, (3, 1, 1)), (3, (1, 1, 1))],
)
def test_the_holdout_split_has_the_sizes_of_the_report(n_images: int, sizes: tuple[int, int, int]) -> None:
    """80/10/10 rounded as the published code rounds, by whole images, with no part empty."""
    frame = split_holdout(patches_of(n_images), seed=0)
    assert frame.schema == FOLD_SCHEMA
    images = frame.group_by("split").agg(pl.col("image_id").n_unique()).rows()
    assert dict(images) == dict(zip(("train", "val", "test"), sizes, strict=True))
    assert frame.group_by("image_id").agg(pl.col("split").n_unique())["split"].unique().to_list() == [1]
    assert frame["patch_id"].to_list() == sorted(patches_of(n_images)["patch_id"])
    assert frame.select("fold", "stratum").unique().rows() == [(1, "all")]


@BRIEFLY
@given(n_images=st.integers(3, 60), seed=SEEDS, order=SEEDS)
def test_the_holdout_split_hangs_on_seed_and_images_alone(n_images: int, seed: int, order: int) -> None:
    """Rows in another order give the same frame."""
    patches = patches_of(n_images, 2)
    shuffled = patches.sample(fraction=1, shuffle=True, seed=order)
    assert split_holdout(patches, seed=seed).equals(split_holdout(shuffled, seed=seed))


def test_another_seed_holds_out_other_images() -> None:
    """Of ten seeds no two test the same 21 images of 208."""
    tested = [split_holdout(patches_of(208, 1), seed=seed).filter(split="test")["image_id"] for seed in range(10)]
    assert len({frozenset(images) for images in tested}) == 10


def test_one_more_image_moves_few_others() -> None:
    """Images keep their order when one is added, so only the parts' borders move."""
    frames = [split_holdout(patches_of(n, 1), seed=3) for n in range(100, 120)]
    for before, after in pairwise(frames):
        both = before.join(after, on="patch_id", suffix="_after")
        assert (both["split"] != both["split_after"]).sum() <= 2


@pytest.mark.parametrize(
    ("fractions", "sizes"),
    [
        ((0.7, 0.0, 0.3), {"train": 70, "test": 30}),
        ((0.7, 0.2, 0.1), {"train": 70, "val": 20, "test": 10}),
        ((0.57, 0.23, 0.2), {"train": 57, "val": 23, "test": 20}),
    ],
    ids=["no val", "sum below 0.9", "product below 57"],
)
def test_other_fractions_are_kept(fractions: tuple[float, float, float], sizes: dict[str, int]) -> None:
    """A part that is not asked for stays empty, and no image is lost to a rounding of the last digit."""
    frame = split_holdout(patches_of(100, 1), seed=0, fractions=fractions)
    assert dict(frame["split"].value_counts().rows()) == sizes


@pytest.mark.parametrize("fractions", [(0.8, 0.1, 0.2), (1.1, -0.1, 0.0)])
def test_fractions_that_are_none_are_refused(fractions: tuple[float, float, float]) -> None:
    """They are not negative and add up to 1."""
    with pytest.raises(ValueError, match="add up to 1"):
        split_holdout(patches_of(10), seed=0, fractions=fractions)


def test_two_images_cannot_be_split_in_three() -> None:
    """The error counts images, not patches."""
    with pytest.raises(TooFewToSplit, match=r"at least 3 labelled images, there are 2: add images\.$"):
        split_holdout(patches_of(2, 100), seed=0)


def test_a_split_is_named_after_all_that_decides_it() -> None:
    """Any other argument or label value gives another name; order of rows and integer type do not."""
    values = values_of([10, 20, 50])
    arguments = ["dataset", "paper", "NP", 5, 0]
    name = split_id_of(*arguments, values)  # type: ignore[arg-type]
    others = [[*arguments[:i], other, *arguments[i + 1 :]] for i, other in enumerate(["x", "grouped", "EP1", 4, 1])]
    names = {split_id_of(*other, values) for other in others}  # type: ignore[arg-type]
    names |= {split_id_of(*arguments, values_of(changed)) for changed in ([10, 20, 51], [10, 20], [10, 20, None])}  # type: ignore[arg-type, misc]
    names |= {split_id_of(*arguments, values, kind=kind) for kind in ("number", "category")}  # type: ignore[arg-type, misc]
    assert len(names | {name}) == 11
    assert split_id_of(*arguments, values.reverse()) == name  # type: ignore[arg-type]
    assert split_id_of(*arguments, values.cast({"value": pl.Float64})) == name  # type: ignore[arg-type]


def test_a_missing_number_is_named_like_a_null() -> None:
    """NaN has no JSON form and means the same as null."""
    null, nan = (split_id_of("d", "paper", "NP", 5, 0, values_of([1.0, gap])) for gap in (None, float("nan")))  # type: ignore[list-item]
    assert null == nan
