"""Scores per patch, per fold, per label value."""

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import small_patches
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from deepdlt.models import build_model
from deepdlt.quality import baselines, metrics
from deepdlt.quality.intervals import Group, bootstrap_means, mean_interval
from deepdlt.quality.scoring import evaluate, score_patches, summarise_fold, summarise_labels
from deepdlt.quality.summaries import FOLD_SCHEMA, LABEL_SCHEMA, N_BOOTSTRAP
from deepdlt.seeds import derive_seed

MIGRATIONS = Path(__file__).parents[3] / "lake" / "migrations"
PATCHES = small_patches.patch_set(150)


def test_scores_are_those_of_each_patch_in_the_order_asked() -> None:
    """Batches and order leave no trace; measures and baselines are those of their modules."""
    model = build_model("ae", size_px=16)
    rows = [140, 3, 77, *range(80, 139)]
    frame = score_patches(model, PATCHES, rows, target_range="signed")
    assert frame["index"].to_list() == rows
    target = PATCHES.batch(torch.tensor(rows), target_range="signed")
    with torch.inference_mode():
        reconstruction = model.eval()(target).reconstruction
    expected = metrics.all_metrics(reconstruction, target, target_range="signed")
    expected |= {"floor_mse": baselines.clip_floor_mse(target), "flat_mse": baselines.flat_mse(target)}
    for name, values in expected.items():
        np.testing.assert_allclose(frame[name].to_numpy(), values, rtol=1e-4, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(frame["loss"].to_numpy(), frame["mse"].to_numpy(), rtol=1e-5)


def test_an_autoencoder_has_no_kl() -> None:
    """The column is there and null; a VAE's is a number."""
    plain = score_patches(build_model("ae", size_px=16), PATCHES, [0, 1], target_range="unit")
    variational = score_patches(build_model("vae", size_px=16, latent_dim=4), PATCHES, [0, 1], target_range="unit")
    assert plain["kl"].to_list() == [None, None]
    assert plain.schema == variational.schema
    assert variational["kl"].min() > 0


def test_scoring_leaves_the_model_as_it_was() -> None:
    """Mode, weights and running means stay."""
    model = build_model("ae", size_px=16).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    score_patches(model, PATCHES, range(100), target_range="signed")
    assert model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_a_sampling_vae_is_scored_by_seed() -> None:
    """The same seed draws the same codes, another seed others."""
    model = build_model("vae", size_px=16, latent_dim=4, is_sampling_in_evaluation=True)
    losses = [evaluate(model, PATCHES, range(5), target_range="unit", seed=seed)["loss"] for seed in (0, 0, 1)]
    assert torch.equal(losses[0], losses[1])
    assert not torch.equal(losses[0], losses[2])


def test_beta_weighs_the_kl() -> None:
    """Loss is reconstruction plus beta times KL, per patch."""
    model = build_model("vae", size_px=16, latent_dim=4)
    frame = score_patches(model, PATCHES, range(5), target_range="unit", beta=3.0)
    expected = frame["reconstruction_loss"] + 3 * frame["kl"]
    np.testing.assert_allclose(frame["loss"].to_numpy(), expected.to_numpy(), rtol=1e-6)


def scores(errors: dict[str, list[float]], *, split: str = "test", **labels: object) -> pl.DataFrame:
    """Return scores with the given squared errors of each image."""
    rows = [(image, error) for image, values in errors.items() for error in values]
    frame = pl.DataFrame(rows, schema=["image_id", "mse"], orient="row").with_columns(split=pl.lit(split))
    names = ("loss", "psnr_paper_db", "ssim_paper", "psnr_db", "ssim", "floor_mse", "ceiling_psnr_paper_db")
    return frame.with_columns(
        *(pl.col("mse").alias(name) for name in names),
        pl.lit(None, pl.Float64).alias("kl"),
        pl.lit(0.25).alias("flat_mse"),
        **{name: pl.lit(value) for name, value in labels.items()},
    )


def test_a_fold_is_the_mean_over_its_patches() -> None:
    """Counts, means, and whether the flat patch is better, for each split; the training row has its loss alone."""
    frame = pl.concat([scores({"a": [0.1, 0.2], "b": [0.6]}), scores({"c": [0.2]}, split="val")])
    fold = summarise_fold(frame, train_loss=0.5, n_train_patches=8, n_train_images=4)
    assert fold.schema == FOLD_SCHEMA
    assert fold["split"].to_list() == ["train", "val", "test"]
    train, val, test = fold.rows(named=True)
    assert {name: value for name, value in train.items() if value is not None} == {
        "split": "train",
        "n_patches": 8,
        "n_images": 4,
        "loss": 0.5,
    }
    assert (test["n_patches"], test["n_images"], test["mse"]) == (3, 2, pytest.approx(0.3))
    assert (test["is_below_flat"], val["is_below_flat"]) == (True, False)
    assert test["kl"] is None


def test_a_split_without_patches_has_no_row() -> None:
    """Nothing is averaged over nothing."""
    fold = summarise_fold(scores({"a": [0.1]}), train_loss=0.5, n_train_patches=8, n_train_images=4)
    assert fold["split"].to_list() == ["train", "test"]


def test_training_patches_are_not_summarised_as_held_out() -> None:
    """A wrong split is an error, not a row."""
    frame = scores({"a": [0.1]}, split="train")
    with pytest.raises(ValueError, match="must be val or test, got train"):
        summarise_fold(frame, train_loss=0.5, n_train_patches=8, n_train_images=4)
    with pytest.raises(ValueError, match="must be val or test, got train"):
        summarise_labels(frame, {})


def test_summaries_have_the_columns_of_the_lake() -> None:
    """But for the naming columns of the run, the frames are rows of the tables."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(MIGRATIONS.glob("*.sql")))
    naming = {"run_id", "profile", "preset", "model", "scheme", "label", "fold", "seed"}
    for table, schema, added in (("fold_metrics", FOLD_SCHEMA, naming), ("label_metrics", LABEL_SCHEMA, {"run_id"})):
        body = re.search(rf"CREATE TABLE {table} \((.*?)\n\);", text, re.DOTALL)
        assert body
        columns = re.findall(r"^\s+(\w+)\s+[A-Z]", body[1], re.MULTILINE)
        columns += re.findall(rf"ALTER TABLE {table} ADD COLUMN (\w+)", text)
        assert [name for name in columns if name not in added] == list(schema)


def test_two_images_have_the_interval_of_students_t() -> None:
    """External reference: `scipy.stats.t` with one degree of freedom; it lies about the mean over patches."""
    row = summarise_labels(scores({"a": [0.2], "b": [0.6]}, NP=10), {"NP": "NP"}).row(0, named=True)
    assert (row["label"], row["label_value"], row["split"]) == ("NP", "10", "test")
    assert (row["n_patches"], row["n_images"], row["mse"]) == (2, 2, pytest.approx(0.4))
    expected = stats.t.interval(0.95, 1, 0.4, stats.sem([0.2, 0.6]))
    assert (row["mse_ci_low"], row["mse_ci_high"]) == pytest.approx(expected)
    unequal = summarise_labels(scores({"a": [0.2], "b": [0.5, 0.6, 0.7]}, NP=10), {"NP": "NP"}).row(0, named=True)
    assert (unequal["n_patches"], unequal["mse"]) == (4, pytest.approx(0.5))
    assert (unequal["mse_ci_low"] + unequal["mse_ci_high"]) / 2 == pytest.approx(0.5)


@pytest.mark.parametrize("n_images", [5, 12])
def test_the_interval_of_a_label_value_is_that_of_its_images(n_images: int) -> None:
    """One interval for all that speaks of images: the same ends, from the same draws."""
    errors = np.random.default_rng(n_images).gamma(4, 0.0025, n_images)
    row = summarise_labels(scores({f"i{place:02}": [error] for place, error in enumerate(errors)}, NP=10), {"NP": "NP"})
    images = Group(errors, np.ones(n_images))
    rng = np.random.default_rng(derive_seed(0, "NP", "10", "test"))
    expected = mean_interval(images, bootstrap_means(images, n_draws=N_BOOTSTRAP, rng=rng), confidence=0.95)
    assert row.select("mse_ci_low", "mse_ci_high").row(0) == pytest.approx((expected.low, expected.high))


def test_one_image_has_no_interval() -> None:
    """There is nothing to draw from."""
    row = summarise_labels(scores({"a": [0.1, 0.3]}, NP=10), {"NP": "NP"}).row(0, named=True)
    assert (row["mse_ci_low"], row["mse_ci_high"]) == (None, None)


def test_label_values_are_rows_in_order() -> None:
    """Numbers by size and as people write them, words by alphabet; patches without a value are left out."""
    parts = [
        scores({f"i{number}": [0.1]}, angle_deg=angle, pattern=pattern)
        for number, (angle, pattern) in enumerate([(19.0, "V"), (5.5, "H"), (None, "D")])
    ]
    frame = pl.concat([part.cast({"angle_deg": pl.Float64}) for part in parts])
    labels = summarise_labels(frame, {"angle": "angle_deg", "PP1": "pattern"})
    assert labels.select("label", "label_value").rows() == [
        ("PP1", "D"),
        ("PP1", "H"),
        ("PP1", "V"),
        ("angle", "5.5"),
        ("angle", "19"),
    ]
    assert labels.schema == LABEL_SCHEMA


@given(counts=st.lists(st.integers(1, 6), min_size=2, max_size=8), seed=st.integers(0, 2**16), order=st.randoms())
@settings(max_examples=30, deadline=None)
def test_an_interval_is_of_images_whatever_the_order_of_rows(counts: list[int], seed: int, order: object) -> None:
    """It holds the mean, repeats by seed, ignores the order of rows, and many patches of one image do not narrow it."""
    rng = np.random.default_rng(seed)
    errors = {f"i{number}": rng.uniform(0, 1, n).tolist() for number, n in enumerate(counts)}
    frame = scores(errors, NP=10)
    row = summarise_labels(frame, {"NP": "NP"}, seed=seed, n_bootstrap=400).row(0, named=True)
    assert row["mse_ci_low"] - 1e-9 <= row["mse"] <= row["mse_ci_high"] + 1e-9
    shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)
    assert summarise_labels(shuffled, {"NP": "NP"}, seed=seed, n_bootstrap=400).row(0, named=True) == row
    doubled = pl.concat([frame, frame])
    again = summarise_labels(doubled, {"NP": "NP"}, seed=seed, n_bootstrap=400).row(0, named=True)
    assert again["mse_ci_low"] == pytest.approx(row["mse_ci_low"])
    assert again["mse_ci_high"] == pytest.approx(row["mse_ci_high"])
