"""Does the code of a patch know the laser? Probes and pictures in the plane, for a run on the 80/10/10 split."""

import logging
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepdlt.analysis.embeddings import METHODS, embed
from deepdlt.analysis.pca import fit_pca
from deepdlt.analysis.probes import PROBE_SCHEMA, TooFewToProbe, probe_label
from deepdlt.analysis.spectral_features import spectral_features
from deepdlt.dataset.image_groups import condition_groups
from deepdlt.threads import one_thread
from lake import Lake
from lake.shards import read_patches
from lake.statements import load
from tasks.questions import asked_of, note_asked, unasked
from tasks.shared_patches import laid_out
from tasks.sheet import sheet_spec

logger = logging.getLogger(__name__)

PATCHES_AN_IMAGE = 8
"""Patches of each image that a probe sees: its unit is the image, and more of them tell little more."""

N_PERMUTATIONS = 99
PCA_COUNTS = (8, 32, 128)
MOST_EMBEDDED = 1500

NO_RUN = ""
"""Stands for the run of features that need none."""

PROBED_SCHEMA: dict[str, type[pl.DataType]] = {
    **PROBE_SCHEMA,
    **dict.fromkeys(("features", "label", "fold_groups"), pl.String),
}
EMBEDDED_SCHEMA: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(("patch_id", "method"), pl.String),
    **dict.fromkeys(("x", "y"), pl.Float64),
}

Features = dict[str, NDArray[np.floating]]


def store_probes(lake: Lake, run: dict[str, Any], labels: pl.DataFrame) -> None:
    """Probe a run's codes, and once a split PCA codes and spectra; embed the codes; write it all.

    What cannot be asked of so few images is noted beside the answers.

    Parameters
    ----------
    lake : Lake
    run : dict
        ``run_id``, ``split_id`` of a run on the 80/10/10 split.
    labels : polars.DataFrame
        Rows of the table `labels`, of the source that the run's patches were cut from.

    Raises
    ------
    ValueError
        If the lake holds no codes of the run.
    """
    run_id, split_id = run["run_id"], run["split_id"]
    latents = lake.query(load("latents_of_run"), [run_id])
    if latents.is_empty():
        raise ValueError(f"the lake holds no codes of run {run_id}")
    chosen = latents.sort("patch_id").group_by("image_id", maintain_order=True).head(PATCHES_AN_IMAGE)
    of = asked_of("probe", labels)
    with one_thread():
        if unasked(lake, "probe", [split_id], of):
            found, refusals = _probe(chosen, _modelless(lake, split_id, latents, chosen), labels)
            _store(lake, split_id, NO_RUN, of, found, refusals)
        found, refusals = _probe(chosen, {"latent": _codes(chosen)}, labels)
        embedded, unplaced = _embed(latents)
    _store(lake, split_id, run_id, of, found, refusals + unplaced, embedded)


def _store(
    lake: Lake,
    split_id: str,
    run_id: str,
    of: str,
    found: pl.DataFrame,
    refusals: list[str],
    embedded: pl.DataFrame | None = None,
) -> None:
    """Write what was found of a run, or of what needs none, in place of what stood there."""
    subject = run_id or split_id
    with lake.write(f"probes of {subject}") as transaction:
        transaction.replace_where("probes", found, split_id=split_id, run_id=run_id)
        if embedded is not None:
            transaction.replace_where("embeddings", embedded, run_id=run_id)
        note_asked(transaction, "probe", subject, of, refusal="; ".join(refusals))


def _codes(latents: pl.DataFrame) -> NDArray[np.float32]:
    """Return codes as an array, (n, L)."""
    return np.asarray(latents["code"].to_list(), np.float32)


def _modelless(lake: Lake, split_id: str, latents: pl.DataFrame, chosen: pl.DataFrame) -> Features:
    """Return features that need no training: PCA codes, fitted on training patches, and spectral power."""
    manifest = lake.query(load("patches_of_fold"), [split_id, 1])
    size_px = int(lake.query(load("size_of_split"), [split_id]).item())
    probed, train = (
        patches.select("patch_id").join(manifest, on="patch_id", how="left", maintain_order="left")
        for patches in (chosen, latents.filter(split="train"))
    )
    pixels = read_patches(lake.files, probed, size_px=size_px)
    features: Features = {"spectrum": spectral_features(pixels)}
    with laid_out(lake, train, size_px=size_px) as shared:
        pca = fit_pca(np.asarray(shared.map()), n_components=max(PCA_COUNTS))
    codes = pca.codes(pixels)
    return features | {f"pca_{count}": codes[:, :count] for count in PCA_COUNTS if count <= pca.n_components}


def _probe(chosen: pl.DataFrame, features: Features, labels: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Probe every label from each kind of features; return rows, and which labels cannot be probed, and why."""
    spec = sheet_spec()
    groups = condition_groups(labels, spec.setting_columns)
    known = chosen.select("image_id").join(labels, on="image_id", how="left").join(groups, on="image_id", how="left")
    parts, refusals = [pl.DataFrame(schema=PROBED_SCHEMA)], {}
    for key, label in spec.labels.items():
        for name, numbers in features.items():
            logger.info("probing %s from %s", key, name)
            try:
                found = probe_label(
                    numbers,
                    known[label.column],
                    known["image_id"],
                    kind=label.kind,
                    fold_groups=known["group_id"],
                    n_permutations=N_PERMUTATIONS,
                )
            except TooFewToProbe as error:
                logger.warning("%s is not probed: %s", key, error)
                refusals[key] = f"{key} is not probed: {error}"
                continue
            said = {"features": pl.lit(name), "label": pl.lit(key), "fold_groups": pl.lit("condition")}
            parts.append(found.with_columns(**said))
    return pl.concat(parts), list(refusals.values())


def _embed(latents: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Place evenly many codes of each image in a plane; return rows, and why there are none of a method."""
    each = max(1, MOST_EMBEDDED // latents["image_id"].n_unique())
    chosen = latents.sort("patch_id").group_by("image_id", maintain_order=True).head(each).head(MOST_EMBEDDED)
    codes, parts, refusals = _codes(chosen), [pl.DataFrame(schema=EMBEDDED_SCHEMA)], []
    for method in METHODS:
        logger.info("placing %d codes in a plane: %s", chosen.height, method)
        try:
            placed = embed(codes, method=method)
        except ValueError as error:
            logger.warning("codes are not placed in a plane by %s: %s", method, error)
            refusals.append(f"codes are not placed in a plane by {method}: {error}")
            continue
        xy = {"x": pl.Series(placed[:, 0]), "y": pl.Series(placed[:, 1])}
        parts.append(chosen.select("patch_id").with_columns(method=pl.lit(method), **xy))
    return pl.concat(parts), refusals
