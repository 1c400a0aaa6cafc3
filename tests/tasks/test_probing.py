"""Probes tell a code that knows the laser from one that does not, and are asked once."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from planted import PATCHES_AN_IMAGE, PlantedLake
from polars.testing import assert_frame_equal

from deepdlt.analysis.pca import fit_pca
from deepdlt.analysis.spectral_features import spectral_features
from deepdlt.dataset.image_groups import condition_groups
from lake.shards import read_patches
from lake.statements import load
from tasks import probing
from tasks.probing import store_probes
from tasks.sheet import sheet_spec

KEY = ["split_id", "run_id", "features", "label", "probe", "unit", "metric"]


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few shuffles, and codes are placed by PCA alone: UMAP is compiled for 10 s."""
    monkeypatch.setattr(probing, "METHODS", ("pca",))
    monkeypatch.setattr(probing, "N_PERMUTATIONS", 19)


def codes(planted: PlantedLake, *, knows: bool) -> dict[str, np.ndarray]:
    """Return a code for each image: noise of its own, and where it knows the pattern, that as well."""
    rng = np.random.default_rng(2)
    patterns = {"V": (1, 0, 0), "H": (0, 1, 0), "D": (0, 0, 1)}
    rows = planted.labels.sort("image_id").select("image_id", "pattern").rows()
    found = {image: rng.normal(size=6) for image, _ in rows}
    for image, pattern in rows:
        if knows:
            found[image][:3] = 3 * np.array(patterns[pattern]) + 0.2 * found[image][:3]
    return found


def probe(planted: PlantedLake, code: dict[str, Any], run_id: str = "run", **columns: Any) -> pl.DataFrame:
    """Put a run with these codes into the newest night, probe it, and return what the view says."""
    run = planted.run(run_id, planted.holdout, **columns)
    planted.night([run], codes={run_id: code})
    store_probes(planted.lake, run, planted.labels)
    return planted.lake.query("FROM probe")


def of_code(found: pl.DataFrame, label: str) -> pl.DataFrame:
    """Return what was read of a label from the codes, per image."""
    return found.filter(features="latent", label=label, unit="image")


def test_a_code_that_holds_the_label_is_told(planted: PlantedLake) -> None:
    """Both probes read the pattern from it nearly without fault, better than from any shuffle."""
    found = of_code(probe(planted, codes(planted, knows=True)), "PP1")
    assert set(found["probe"]) == {"logistic", "knn"}
    assert (found["score"] > 0.9).all()
    assert (found["p_value"] == 0.05).all()


def test_a_code_of_noise_is_told_from_it(planted: PlantedLake) -> None:
    """Neither probe reads the pattern better than chance allows."""
    found = of_code(probe(planted, codes(planted, knows=False)), "PP1")
    assert (found["score"] < 0.6).all()
    assert (found["p_value"] > 0.05).all()


def test_every_label_is_asked_of_every_feature(planted: PlantedLake) -> None:
    """By linear and neighbour probes, per patch and per image, against shuffled labels, conditions kept together."""
    found = probe(planted, codes(planted, knows=True))
    asked = found.group_by("label").agg(pl.col("features").unique().sort(), pl.col("probe").unique().sort())
    features = ["latent", "pca_32", "pca_8", "spectrum"]  # 96 training patches allow 95 components: no PCA-128
    linear = {"angle": "ridge", "PP1": "logistic", "NP": "ridge", "EP1": "ridge"}
    assert dict(asked.select("label", "probe").rows()) == {label: ["knn", name] for label, name in linear.items()}
    assert asked["features"].to_list() == [features] * 4
    assert set(found["unit"]) == {"patch", "image"}
    stored = planted.lake.query("FROM probes")
    assert set(stored["fold_groups"]) == {"condition"}
    assert stored.select(KEY).is_unique().all()
    assert set(stored["n_images"]) == {30}
    assert set(stored["n_patches"]) == {30 * PATCHES_AN_IMAGE}


def test_features_without_a_model_are_probed_once_a_split(planted: PlantedLake) -> None:
    """A second run on the split adds its own codes; PCA and spectra stand as they were, under no run."""
    probe(planted, codes(planted, knows=True))
    before = planted.lake.query("SELECT * FROM probes WHERE run_id = '' ORDER BY ALL")
    snapshot = planted.lake.query("SELECT asked_at FROM analyses WHERE subject = ?", [planted.holdout.split_id])
    probe(planted, codes(planted, knows=False), "second", seed=1)
    assert set(planted.lake.query("FROM probes")["run_id"]) == {"", "run", "second"}
    assert planted.lake.query("SELECT * FROM probes WHERE run_id = '' ORDER BY ALL").equals(before)
    again = planted.lake.query("SELECT asked_at FROM analyses WHERE subject = ?", [planted.holdout.split_id])
    assert again.equals(snapshot)


def test_done_twice_it_stands_once(planted: PlantedLake) -> None:
    """Probes and pictures are replaced by the same rows."""
    probe(planted, codes(planted, knows=True))
    before = [planted.lake.query(f"SELECT * FROM {table} ORDER BY ALL") for table in ("probes", "embeddings")]
    probe(planted, codes(planted, knows=True))
    after = [planted.lake.query(f"SELECT * FROM {table} ORDER BY ALL") for table in ("probes", "embeddings")]
    for one, other in zip(before, after, strict=True):
        assert one.height
        assert_frame_equal(one, other)


def test_pca_knows_the_training_patches_alone(planted: PlantedLake) -> None:
    """Its codes are those of a fit on the training side; spectra are those of the very patches."""
    run = planted.run("run", planted.holdout)
    planted.night([run], codes={"run": codes(planted, knows=True)})
    latents = planted.lake.query(load("latents_of_run"), ["run"])
    features = probing._modelless(planted.lake, planted.holdout.split_id, latents, latents)
    manifest = planted.lake.query(load("patches_of_fold"), [planted.holdout.split_id, 1])
    pixels = read_patches(planted.lake.root, manifest, size_px=64)
    is_train = (manifest["split"] == "train").to_numpy()
    expected = fit_pca(pixels[is_train], n_components=32).codes(pixels)
    assert manifest["patch_id"].equals(latents["patch_id"])
    assert np.abs(features["pca_32"]) == pytest.approx(np.abs(expected), abs=1e-2)
    assert features["spectrum"] == pytest.approx(spectral_features(pixels))


def test_a_label_that_cannot_be_probed_is_noted(planted: PlantedLake) -> None:
    """Codes of the images of four conditions are too few for five folds; they are placed in a plane all the same."""
    groups = condition_groups(planted.labels, sheet_spec().setting_columns)
    few = set(groups.filter(pl.col("group_id").is_in(groups["group_id"].unique().sort().head(4).implode()))["image_id"])
    code = {image: each for image, each in codes(planted, knows=True).items() if image in few}
    found = probe(planted, code)
    assert found.is_empty()
    refused = dict(planted.lake.query("SELECT preset <> '', reason FROM unanswered").rows())
    assert set(refused) == {True, False}  # of the run's codes, and of the split's principal components
    assert all("PP1 is not probed: A probe in 5 folds needs at least 5 images" in reason for reason in refused.values())
    assert planted.lake.query("SELECT count(*) FROM embeddings").item() == len(few) * PATCHES_AN_IMAGE


def test_too_few_codes_for_a_picture_are_noted(planted: PlantedLake) -> None:
    """One image has four patches, a plane needs five."""
    code = dict(list(codes(planted, knows=True).items())[:1])
    probe(planted, code)
    (refused,) = planted.lake.query("SELECT reason FROM unanswered WHERE preset <> ''").rows()
    assert "codes are not placed in a plane by pca: five codes of two numbers are needed" in refused[0]


def test_a_run_without_codes_is_refused(planted: PlantedLake) -> None:
    """Rather than probed as a run of no patches."""
    with pytest.raises(ValueError, match="no codes of run run"):
        store_probes(planted.lake, planted.run("run", planted.holdout), planted.labels)


def test_no_image_fills_the_picture_alone(planted: PlantedLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are more patches than a picture takes, each image gives as many."""
    monkeypatch.setattr(probing, "MOST_EMBEDDED", 60)
    probe(planted, codes(planted, knows=True))
    placed = planted.lake.query("SELECT image_id FROM embeddings JOIN patches USING (patch_id)")
    assert placed["image_id"].value_counts()["count"].to_list() == [2] * 30


@pytest.mark.long
def test_codes_are_placed_by_every_method(planted: PlantedLake, monkeypatch: pytest.MonkeyPatch) -> None:
    """PCA, t-SNE and UMAP each place every patch somewhere."""
    monkeypatch.setattr(probing, "METHODS", ("pca", "tsne", "umap"))
    probe(planted, codes(planted, knows=True))
    placed = planted.lake.query("SELECT method, count(*) AS n FROM embeddings WHERE isfinite(x + y) GROUP BY ALL")
    assert dict(placed.iter_rows()) == dict.fromkeys(("pca", "tsne", "umap"), 120)
