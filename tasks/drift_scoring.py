"""A process in which the champion looks at a night's new images and writes what it sees into the lake.

`tasks.drift` starts it as ``python -m tasks.drift_scoring NIGHT_ID``; log lines go out as events, as from
`tasks.trainer`. It ends by itself as soon as nobody listens any more. Prefect is not imported here.
"""

import logging
import os
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from deepdlt.config import TrainingSettings
from deepdlt.threads import share_cores
from lake import Lake
from lake.statements import load
from tasks.label_means import texts_of
from tasks.lake_access import open_lake
from tasks.messages import Event
from tasks.shared_patches import laid_out
from tasks.trainer import OURS, Speaker, own_output
from tasks.unseen import images_to_look_at

if TYPE_CHECKING:
    from deepdlt.analysis.drift import Newcomer, Reference
    from tasks.shared_patches import SharedPatches

logger = logging.getLogger("tasks.drift_scoring")  # run as a program, this module has another name


def main(night_id: str) -> None:
    """Look, write, and say that it is done, or why not."""
    speaker = Speaker(own_output())
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
        logging.getLogger(name).addHandler(speaker)
    threading.Thread(target=_end_with_the_flow, daemon=True).start()
    share_cores()  # before torch is imported
    try:
        look(open_lake(), night_id)
    except Exception as error:
        speaker.say(Event("failed", text=str(error)))
        raise
    speaker.say(Event("done"))


def look(lake: Lake, night_id: str) -> int:
    """Judge the images of a night that the champion has not seen, and write it; return how many these are.

    A champion whose trainings do not stand complete looks at none.

    Parameters
    ----------
    lake : Lake
    night_id : str
    """
    from deepdlt.analysis.drift import Judge

    champion, images = images_to_look_at(lake, night_id)
    if not images:
        return 0
    known = _reference(lake, champion)
    if not known.patch_errors.size:
        logger.warning(
            "new images are not looked at: the trainings of champion %s do not stand complete; train them again, or "
            "`deepdlt rollback`",
            champion["run_id"],
        )
        return 0
    judge = Judge(known)
    settings = lake.query(load("settings_of_images"), [champion["source"]])
    rows = [
        {"image_id": image, "n_patches": n_patches, "mse": one.error, "judged_at": datetime.now(UTC)}
        | {"pixel_size_nm": one.pixel_size_nm, "field_of_view_um": one.field_of_view_um}
        | vars(judge.judge(one))
        for image, n_patches, one in _newcomers(lake, champion, images, settings)
    ]
    for row in rows:
        logger.info("image %s: %s, %s", row["image_id"], row["verdict"], row["reason"])
    named = {name: pl.lit(champion[name]) for name in ("source", "preset", "run_id", "night_sequence")}
    with lake.write(f"drift of night {champion['night_sequence']}") as transaction:
        frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(**named)
        transaction.replace("drift", frame, key=("source", "image_id"))
    return len(rows)


def _reference(lake: Lake, champion: dict[str, Any]) -> "Reference":
    """Return what the champion knows: errors of all folds, codes of the very model, settings of its data set."""
    from deepdlt.analysis.drift import Reference

    runs = lake.query(load("evidence_of_group"), {"group_id": champion["group_id"]})["run_id"].to_list()
    patches = lake.query(load("test_errors_of_runs"), [runs])
    images = patches.group_by("image_id").agg(pl.col("loss", "flat_mse").mean()).sort("image_id")
    codes = lake.query(load("latents_of_run"), [champion["run_id"]])
    known = lake.query(load("images_of_split"), [champion["split_id"]])
    settings = lake.query(load("settings_of_images"), [champion["source"]]).join(known, on="image_id", how="semi")
    return Reference(
        patch_errors=patches["loss"].to_numpy(),
        image_errors=images["loss"].to_numpy(),
        contrasts=images["flat_mse"].to_numpy(),
        codes=_mean_codes(codes["image_id"].to_list(), _codes(codes))[1],
        pixel_sizes_nm=settings["pixel_size_nm"].drop_nulls().to_list(),
        fields_of_view_um=_fields_of_view(settings)["field_of_view_um"].drop_nulls().to_list(),
        labels={label: frozenset(values.values()) for label, values in texts_of(settings).items()},
    )


def _newcomers(
    lake: Lake, champion: dict[str, Any], images: Sequence[str], settings: pl.DataFrame
) -> list[tuple[str, int, "Newcomer"]]:
    """Score and encode the patches of new images; return image, number of patches, and what is seen of it."""
    from deepdlt.analysis.drift import Newcomer

    wanted = pl.DataFrame({"image_id": images})
    manifest = lake.query(load("placed_pixels_of_dataset"), [champion["dataset_id"]]).join(
        wanted, on="image_id", how="semi"
    )
    with laid_out(lake, manifest, size_px=champion["size_px"]) as shared:
        scores, codes = _see(lake, champion, shared)
    names, mean_codes = _mean_codes(manifest["image_id"].to_list(), codes)
    seen = manifest.select("image_id").with_columns(scores.select("mse", "flat_mse").get_columns())
    means = seen.group_by("image_id").agg(pl.len().alias("n"), pl.col("mse", "flat_mse").mean())
    told = means.join(_fields_of_view(settings), on="image_id", how="left").sort("image_id")
    code_of, labels = dict(zip(names, mean_codes, strict=True)), texts_of(settings)
    return [
        (
            row["image_id"],
            row["n"],
            Newcomer(
                error=row["mse"],
                contrast=row["flat_mse"],
                code=code_of[row["image_id"]],
                pixel_size_nm=row["pixel_size_nm"],
                field_of_view_um=row["field_of_view_um"],
                labels={
                    label: values[row["image_id"]] for label, values in labels.items() if row["image_id"] in values
                },
            ),
        )
        for row in told.iter_rows(named=True)
    ]


def _see(lake: Lake, champion: dict[str, Any], shared: "SharedPatches") -> tuple[pl.DataFrame, Any]:
    """Return scores and codes of patches, from the champion's checkpoint."""
    from deepdlt.analysis.latents import encode_patches
    from deepdlt.quality.scoring import score_patches
    from deepdlt.training.checkpoints import load_checkpoint
    from tasks.placing import place_patches

    device = os.environ.get("DEEPDLT_DEVICE") or "auto"
    path = lake.query(load("best_checkpoint_of_run"), [champion["run_id"]]).item()
    model = load_checkpoint(lake.files.fetch(path), device=device).model
    settings = TrainingSettings.model_validate_json(champion["settings"])
    patches, index = place_patches(shared, device), np.arange(shared.n_patches)
    seen_as: dict[str, Any] = {
        "target_range": settings.target_range,
        "view": settings.view,
        "threshold": settings.threshold,
    }
    scores = score_patches(model, patches, index, beta=settings.beta, seed=champion["seed"], **seen_as)
    return scores, encode_patches(model, patches, index, **seen_as)[0]


def _codes(latents: pl.DataFrame) -> Any:
    """Return codes as an array, (n, L)."""
    if latents.is_empty():
        return np.zeros(0)
    return latents["code"].list.to_array(len(latents.item(0, "code"))).to_numpy()


def _mean_codes(images: Sequence[str], codes: Any) -> tuple[list[str], Any]:
    """Return the images, sorted, and the mean code of each, (I, L)."""
    names, place = np.unique(np.asarray(images), return_inverse=True)
    means = np.zeros((len(names), *np.shape(codes)[1:]))
    np.add.at(means, place, codes)
    return names.tolist(), means / np.bincount(place, minlength=len(names)).reshape(-1, 1) if len(names) else means


def _fields_of_view(settings: pl.DataFrame) -> pl.DataFrame:
    """Return pixel size and field of view along x of each image."""
    width_um = pl.col("pixel_size_nm") * pl.col("width_px") / 1000
    return settings.select("image_id", "pixel_size_nm", field_of_view_um=width_um)


def _end_with_the_flow() -> None:
    """End this process at once when the flow is gone, however that one ended; a transaction under way is undone."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
