"""An audit counts what both sides of a fold share, patch by patch and image by image."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from deepdlt.dataset.audit import SplitAudit, audit_split
from deepdlt.dataset.folds import assign_folds
from deepdlt.dataset.overlap import overlaps_any

SETTINGS = ["n_pulses", "angle_deg"]
COLUMNS = {"NP": "n_pulses", "angle": "angle_deg"}
SPLITS = st.lists(st.sampled_from(["train", "val", "test"]), min_size=30, max_size=30)


def frames(seed: int, *, n_images: int = 6, n_patches: int = 5) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return patches of 8 and 16 px at random places of small images, and labels."""
    rng = np.random.default_rng(seed)
    ids = [f"image {number:03d}" for number in range(n_images)]
    n = n_images * n_patches
    patches = pl.DataFrame(
        {
            "patch_id": [f"patch {number:04d}" for number in rng.permutation(n)],
            "image_id": np.repeat(ids, n_patches),
            "origin_row": rng.integers(0, 40, n),
            "origin_col": rng.integers(0, 60, n),
            "size_px": rng.choice([8, 16], n),
        }
    )
    names = [f"R/{number // 2}-{number % 2}" for number in range(n_images)]
    labels = {"image_id": ids, "name": names, "n_pulses": rng.choice([10, 20, 500], n_images)}
    return patches, pl.DataFrame(labels | {"angle_deg": rng.choice([5.5, 19.0], n_images)})


def folds_of(patches: pl.DataFrame, splits: list[str], fold: int = 1) -> pl.DataFrame:
    """Return one fold with these splits, in the order of patches."""
    named = {"fold": pl.lit(fold, pl.Int32), "split": pl.Series(splits), "stratum": pl.lit("all")}
    return patches.select("patch_id", "image_id").with_columns(**named)


def audited(folds: pl.DataFrame, patches: pl.DataFrame, labels: pl.DataFrame) -> SplitAudit:
    """Return the audit with the settings and labels of these tests."""
    return audit_split(
        folds, patches, labels, setting_columns=SETTINGS, label_columns=COLUMNS, stratified_by="n_pulses"
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), SPLITS)
def test_overlap_is_that_of_painted_pixels(seed: int, splits: list[str]) -> None:
    """A held-out patch overlaps where a training patch of its image has painted a pixel that it covers."""
    patches, labels = frames(seed)
    painted: dict[str, np.ndarray] = {}
    for row, split in zip(patches.iter_rows(named=True), splits, strict=True):
        canvas = painted.setdefault(row["image_id"], np.zeros((60, 80), bool))
        if split == "train":
            canvas[row["origin_row"] :, row["origin_col"] :][: row["size_px"], : row["size_px"]] = True
    expected = {"val": 0, "test": 0}
    for row, split in zip(patches.iter_rows(named=True), splits, strict=True):
        crop = painted[row["image_id"]][row["origin_row"] :, row["origin_col"] :][: row["size_px"], : row["size_px"]]
        if split != "train":
            expected[split] += bool(crop.any())
    sides = audited(folds_of(patches, splits), patches, labels).sides
    found = dict(sides.select("side", "n_overlapping_patches").iter_rows())
    assert found.get("val", 0) == expected["val"]
    assert found.get("test", 0) == expected["test"]
    assert found.get("held_out", 0) == sum(expected.values())
    assert np.allclose(sides["overlap_share"], sides["n_overlapping_patches"] / sides["n_patches"])


@pytest.mark.parametrize(
    ("row", "col", "size_px", "overlaps"),
    [
        (8, 8, 8, True),
        (15, 15, 8, True),
        (16, 8, 8, False),
        (8, 16, 8, False),
        (0, 0, 8, False),
        (1, 1, 8, True),
        (0, 0, 32, True),
        (10, 10, 2, True),
    ],
    ids=["same", "corner", "below", "beside", "touching corner", "one pixel", "around", "inside"],
)
def test_touching_is_not_overlapping(row: int, col: int, size_px: int, overlaps: bool) -> None:
    """Against a patch of 8 px at (8, 8), in the same image; in another image nothing overlaps."""
    geometry = (np.array([8, row]), np.array([8, col]), np.array([8, size_px]), np.array([[True], [False]]))
    assert overlaps_any(np.array([0, 0]), *geometry)[1, 0] == overlaps
    assert not overlaps_any(np.array([0, 1]), *geometry)[1, 0]


def test_chunks_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven patches at a time find what all at once find."""
    rng = np.random.default_rng(0)
    image, top, left, side = (rng.integers(low, high, 60) for low, high in ((0, 2), (0, 50), (0, 50), (5, 12)))
    chosen = rng.random((60, 3)) < 0.3
    whole = overlaps_any(image, top, left, side, chosen)
    monkeypatch.setattr("deepdlt.dataset.overlap.CHUNK", 7)
    assert np.array_equal(overlaps_any(image, top, left, side, chosen), whole)
    assert whole.any()
    assert not whole.all()


def test_both_sides_are_counted() -> None:
    """Closed form: three images, the first and second of one spot, all of one condition but the last."""
    patches = pl.DataFrame({"patch_id": list("abcd"), "image_id": ["x", "y", "z", "z"]}).with_columns(
        origin_row=pl.lit(0), origin_col=pl.Series([0, 0, 0, 64]), size_px=pl.lit(64)
    )
    labels = pl.DataFrame(
        {"image_id": ["x", "y", "z"], "name": ["8-2", "8-2d", "9"], "n_pulses": [10, 10, 50], "angle_deg": [5.5] * 3}
    )
    folds = folds_of(patches, ["train", "val", "test", "train"])
    sides = audited(folds, patches, labels).sides
    assert sides.select(pl.exclude("overlap_share")).rows() == [
        (1, "val", 2, 1, 2, 1, 0, 2, 1, 1, 2, 1, 1, 0),
        (1, "test", 2, 1, 2, 1, 1, 2, 1, 1, 2, 1, 1, 0),
        (1, "held_out", 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 0),
    ]
    assert sides["overlap_share"].to_list() == [0.0, 0.0, 0.0]


def test_strata_tell_which_values_they_merge() -> None:
    """A bin of two values is merged; values are listed in their own order, as people write them."""
    patches, labels = frames(0, n_images=4, n_patches=2)
    labels = labels.with_columns(n_pulses=pl.Series([100, 20, 500, 20]))
    splits = ["train", "val", "train", "test", "train", "train", "train", "test"]
    strata = pl.Series(["[20, 100]"] * 4 + ["(100, 500]"] * 2 + ["[20, 100]"] * 2)
    folds = folds_of(patches, splits).with_columns(stratum=strata)
    found = audited(folds, patches, labels).strata.sort("stratum")
    assert found.select(pl.exclude("fold")).rows() == [
        ("(100, 500]", "500", 1, 1, 2, 0, 0, False),
        ("[20, 100]", "20, 100", 2, 3, 3, 1, 2, True),
    ]


def test_values_of_a_stratum_are_listed_in_the_order_of_numbers() -> None:
    """Twenty values in one bin, in whatever order their images come."""
    patches, labels = frames(0, n_images=20, n_patches=2)
    labels = labels.with_columns(n_pulses=pl.Series(np.random.default_rng(0).permutation(20) + 1))
    found = audited(folds_of(patches, ["train", "test"] * 20), patches, labels).strata
    assert found["label_values"].to_list() == [", ".join(str(number) for number in range(1, 21))]


def test_strata_of_no_label_have_no_values() -> None:
    """The 80/10/10 split has one stratum and no label: its values are missing, not none."""
    patches, labels = frames(0)
    folds = folds_of(patches, ["train"] * 20 + ["test"] * 10)
    found = audit_split(folds, patches, labels, setting_columns=SETTINGS, label_columns={}).strata
    assert found.select("label_values", "n_values", "is_merged", "n_train_patches").row(0) == (None, None, None, 20)


def test_label_shares_compare_held_out_with_training() -> None:
    """Closed form: 10 pulses are half of training and absent from the test side; the blank image does not count."""
    patches, labels = frames(0, n_images=5, n_patches=2)
    labels = labels.with_columns(n_pulses=pl.Series([10, 50, 50, 500, None]), angle_deg=pl.lit(19.0))
    folds = folds_of(patches, ["train"] * 4 + ["test"] * 4 + ["train", "test"])
    audit = audited(folds, patches, labels)
    shares = audit.label_shares.filter((pl.col("label") == "NP") & (pl.col("side") == "test"))
    assert shares.select("label_value", "train_share", "share", "deviation").rows() == [
        ("10", 0.5, 0.0, -0.5),
        ("50", 0.5, 0.5, 0.0),
        ("500", 0.0, 0.5, 0.5),
    ]
    assert set(audit.label_shares["side"]) == {"test", "held_out"}
    largest = audit.largest_deviations.filter(pl.col("side") == "test")
    assert largest.select("label", "label_value", "deviation").rows() == [("NP", "10", -0.5), ("angle", "19", 0.0)]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), SPLITS)
def test_shares_add_up_and_the_largest_deviation_is_the_largest(seed: int, splits: list[str]) -> None:
    """Both shares add up to 1 wherever the side has patches, and deviations to 0."""
    patches, labels = frames(seed)
    audit = audited(folds_of(patches, ["train", *splits[1:]]), patches, labels)
    sums = audit.label_shares.group_by("fold", "side", "label").agg(pl.sum("train_share", "share", "deviation"))
    for name, total in (("train_share", 1), ("share", 1), ("deviation", 0)):
        assert np.allclose(sums[name], total)
    largest = audit.label_shares.group_by("side", "label").agg(pl.col("deviation").abs().max())
    joined = audit.largest_deviations.join(largest, on=["side", "label"], suffix="_expected")
    assert np.allclose(joined["deviation"].abs(), joined["deviation_expected"])
    assert joined.height == largest.height


@pytest.mark.parametrize("scheme", ["paper", "grouped"])
def test_the_two_schemes_are_told_apart(scheme: str) -> None:
    """The report's folds have every image on both sides; the grouped ones none, and no pixel either."""
    patches, labels = frames(1, n_images=30, n_patches=20)
    values = labels.select("image_id", value="n_pulses")
    folds = assign_folds(patches, values, scheme=scheme, kind="number", n_folds=5, seed=0)  # type: ignore[arg-type]
    held_out = audited(folds, patches, labels).sides.filter(pl.col("side") == "held_out")
    assert held_out["fold"].to_list() == [1, 2, 3, 4, 5]
    if scheme == "grouped":
        assert held_out.select(pl.sum("n_shared_images", "n_overlapping_patches")).row(0) == (0, 0)
        assert (held_out["n_shared_conditions"] > 0).all()
    else:
        assert (held_out["n_shared_images"] >= 29).all()
        assert (held_out["overlap_share"] > 0.5).all()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_folds_are_audited_alone_and_in_any_order_of_rows(seed: int) -> None:
    """Two folds together give what each gives alone; shuffled rows give the same."""
    patches, labels = frames(seed)
    rng = np.random.default_rng(seed)
    parts = [folds_of(patches, rng.choice(["train", "val", "test"], 30).tolist(), fold) for fold in (1, 2)]
    both = audited(pl.concat(parts).sample(fraction=1, shuffle=True, seed=seed), patches.reverse(), labels.reverse())
    alone = [audited(part, patches, labels) for part in parts]
    of_label = ["fold", "side", "label"]
    keys = {"sides": ["fold", "side"], "strata": ["fold"], "largest_deviations": of_label}
    keys |= {"label_shares": [*of_label, "label_value"]}
    for name, key in keys.items():
        expected = pl.concat([getattr(one, name) for one in alone])
        assert_frame_equal(getattr(both, name).sort(key), expected.sort(key))


def test_frames_that_do_not_fit_are_refused() -> None:
    """What is missing or doubled is named, rather than dropped by a join."""
    patches, labels = frames(0)
    folds = folds_of(patches, ["train"] * 20 + ["test"] * 10)
    with pytest.raises(ValueError, match="lists a patch more than once"):
        audited(pl.concat([folds, folds]), patches, labels)
    with pytest.raises(ValueError, match="patches list a patch more than once"):
        audited(folds, pl.concat([patches, patches]), labels)
    with pytest.raises(ValueError, match="got holdout"):
        audited(folds.with_columns(split=pl.lit("holdout")), patches, labels)
    with pytest.raises(ValueError, match=r"1 values of patch_id .* missing from patches"):
        audited(folds, patches[1:], labels)
    with pytest.raises(ValueError, match=r"1 values of image_id .* missing from labels"):
        audited(folds, patches, labels[1:])
