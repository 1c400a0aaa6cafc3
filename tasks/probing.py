"""Does the code of a patch know the laser? Probes and pictures in the plane, for a run on the 80/10/10 split."""

import logging
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepdlt.embeddings import METHODS, embed
from deepdlt.image_groups import condition_groups
from deepdlt.pca import fit_pca
from deepdlt.probes import TooFewToProbe, probe_label
from deepdlt.spectral_features import spectral_features
from deepdlt.threads import one_thread
from lake import Lake
from lake.shards import read_patches
from lake.statements import load
from tasks.sheet import sheet_spec

logger = logging.getLogger(__name__)

PATCHES_AN_IMAGE = 8
"""Patches of each image that a probe sees: its unit is the image, and more of them tell little more."""

N_PERMUTATIONS = 99
PCA_COUNTS = (8, 32, 128)
MOST_EMBEDDED = 1500


def store_probes(lake: Lake, run: dict[str, Any]) -> None:
    """Probe a run's codes, and once a split PCA codes and spectra; embed the codes; write it all.

    Parameters
    ----------
    lake : Lake
    run : dict
        ``run_id``, ``split_id``, ``dataset_id`` of a run on the 80/10/10 split.

    Raises
    ------
    ValueError
        If the lake holds no codes of the run.
    """
    latents = lake.query(load("latents_of_run"), [run["run_id"]])
    if latents.is_empty():
        raise ValueError(f"the lake holds no codes of run {run['run_id']}")
    source = lake.query(load("dataset_by_id"), [run["dataset_id"]]).item(0, "source")
    labels = lake.query(load("labels_of_source"), [source])
    chosen = latents.sort("patch_id").group_by("image_id", maintain_order=True).head(PATCHES_AN_IMAGE)
    with one_thread():
        rows = [_probe_all(chosen, _codes(chosen), labels, "latent", run["run_id"])]
        if not _is_split_probed(lake, run["split_id"]):
            rows += [
                _probe_all(chosen, features, labels, name, "")
                for name, features in _modelless(lake, run["split_id"], latents, chosen).items()
            ]
        embedded = _embed(latents, run["run_id"])
    probes = pl.concat([part for part in rows if part is not None] or [pl.DataFrame()])
    with lake.write(f"probes of run {run['run_id']}") as transaction:
        if probes.height:
            named = probes.with_columns(split_id=pl.lit(run["split_id"]))
            key = ("split_id", "run_id", "features", "label", "probe", "unit", "metric")
            transaction.replace("probes", named, key=key)
        if embedded.height:
            transaction.replace_where("embeddings", embedded, run_id=run["run_id"])


def _is_split_probed(lake: Lake, split_id: str) -> bool:
    """Tell whether what needs no model has been probed on a split."""
    return bool(lake.query("SELECT 1 FROM probes WHERE split_id = ? AND run_id = '' LIMIT 1", [split_id]).height)


def _codes(latents: pl.DataFrame) -> NDArray[np.float32]:
    """Return codes as an array, (n, L)."""
    return np.asarray(latents["code"].to_list(), np.float32)


def _modelless(
    lake: Lake, split_id: str, latents: pl.DataFrame, chosen: pl.DataFrame
) -> dict[str, NDArray[np.floating]]:
    """Return features that need no training: PCA codes, fitted on training patches, and spectral power."""
    manifest = lake.query(load("patches_of_fold"), [split_id, 1])
    size_px = int(lake.query(load("size_of_split"), [split_id]).item())
    pixels = read_patches(lake.root, manifest, size_px=size_px)
    place = {patch_id: row for row, patch_id in enumerate(manifest["patch_id"])}
    rows = np.array([place[patch_id] for patch_id in chosen["patch_id"]])
    train = np.array([place[patch_id] for patch_id in latents.filter(pl.col("split") == "train")["patch_id"]])
    features: dict[str, NDArray[np.floating]] = {"spectrum": spectral_features(pixels[rows])}
    pca = fit_pca(pixels[train], n_components=max(PCA_COUNTS))
    codes = pca.codes(pixels[rows])
    return features | {f"pca_{count}": codes[:, :count] for count in PCA_COUNTS if count <= pca.n_components}


def _probe_all(
    chosen: pl.DataFrame, features: NDArray[np.floating], labels: pl.DataFrame, name: str, run_id: str
) -> pl.DataFrame | None:
    """Probe every label from one kind of features; a label that cannot be probed is logged."""
    spec = sheet_spec()
    groups = condition_groups(labels, spec.setting_columns)
    known = chosen.select("image_id").join(labels, on="image_id", how="left").join(groups, on="image_id", how="left")
    parts = []
    for key, label in spec.labels.items():
        logger.info("probing %s from %s", key, name)
        try:
            found = probe_label(
                features,
                known[label.column],
                known["image_id"],
                kind=label.kind,
                fold_groups=known["group_id"],
                n_permutations=N_PERMUTATIONS,
            )
        except TooFewToProbe as error:
            logger.warning("%s is not probed: %s", key, error)
            continue
        said = {"run_id": run_id, "features": name, "label": key, "fold_groups": "condition"}
        parts.append(found.with_columns(pl.lit(value).alias(column) for column, value in said.items()))
    return pl.concat(parts) if parts else None


def _embed(latents: pl.DataFrame, run_id: str) -> pl.DataFrame:
    """Return rows of the table `embeddings`: evenly many patches of each image."""
    n_images = latents["image_id"].n_unique()
    each = max(1, MOST_EMBEDDED // n_images)
    chosen = latents.sort("patch_id").group_by("image_id", maintain_order=True).head(each).head(MOST_EMBEDDED)
    codes, parts = _codes(chosen), [pl.DataFrame()]
    for method in METHODS:
        logger.info("placing %d codes in a plane: %s", chosen.height, method)
        try:
            placed = embed(codes, method=method)
        except ValueError as error:
            logger.warning("codes of run %s are not placed in a plane: %s", run_id, error)
            continue
        place = {"run_id": pl.lit(run_id), "method": pl.lit(method)}
        xy = pl.DataFrame({"x": placed[:, 0], "y": placed[:, 1]})
        parts.append(pl.concat([chosen.select("patch_id"), xy], how="horizontal").with_columns(**place))
    return pl.concat(parts, how="diagonal")
