"""Train every choice on patches of one source, all from one seed and in one order, and keep their epochs."""

import dataclasses
import json
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.choices.families import COMMON, FAMILIES, THIS_MODEL, Family
from benchmarks.machine import describe_machine
from benchmarks.sources import Stage, held_out_patches
from deepdlt.analysis.fold_baselines import measure_fold
from deepdlt.night import training_code
from deepdlt.threads import torch_threads
from deepdlt.training.checkpoints import load_checkpoint
from deepdlt.training.patchset import PatchSet
from deepdlt.training.settings import TrainingSettings
from deepdlt.training.train import build_dissimilarity, train
from lake import Lake
from lake.shards import read_patches

RESULTS = Path(__file__).parent / "results.json"
SIZE_PX = 64
SEED = 0

Say = Callable[[str], object]


@dataclasses.dataclass(frozen=True)
class Patches:
    """The 80/10/10 split by image of a source, without its test side."""

    pixels: PatchSet
    train: Any
    """Rows of the training patches."""
    val: Any
    """Rows of the validation patches."""

    def baselines(self) -> list[dict[str, Any]]:
        """Return what can be had without a network on the validation side, in the unit range."""
        array = self.pixels.pixels[:, 0].numpy()
        return measure_fold(array[self.train], {"val": array[self.val]}).filter(target_range="unit").to_dicts()


def load_patches(stage: Stage, n_per_image: int) -> Patches:
    """Return the patches of a source, cut and split as a night does."""
    with Lake.open(stage.lake(n_per_image), is_read_only=True) as lake:
        manifest = held_out_patches(lake)
        pixels = read_patches(lake.root, manifest, size_px=SIZE_PX)
    rows = {split: np.flatnonzero((manifest["split"] == split).to_numpy()) for split in ("train", "val")}
    return Patches(PatchSet.from_array(np.array(pixels), device="cpu"), **rows)


def train_all(stage: Stage, *, n_per_image: int, epochs: int, say: Say) -> dict[str, Any]:
    """Train every choice, one thread each, and keep what came of them; what is kept already is not done again."""
    patches = load_patches(stage, n_per_image)
    budget = {"n_per_image": n_per_image, "epochs": epochs, "seed": SEED, "source": stage.what}
    budget |= {"n_train": len(patches.train), "n_val": len(patches.val)}
    kept = _kept(budget)
    with torch_threads(1):
        for family in FAMILIES:
            for record in _train_family(family, patches, epochs, kept):
                kept.append(record)
                last = record["epochs"][-1]
                say(
                    f"{record['family']}: {record['choice']}: {last['val_psnr_db']:.2f} dB, SSIM {last['val_ssim']:.3f}"
                )
                _keep({"budget": budget, "records": kept})
    found = {"budget": budget, "records": kept, "baselines": patches.baselines()}
    _keep(found)
    return found


def settings_of(family: Family, choice: str, epochs: int) -> TrainingSettings:
    """Return what a choice trains with."""
    return TrainingSettings.model_validate(COMMON | family.base | family.choices[choice] | {"epochs": epochs})


def _train_family(
    family: Family, patches: Patches, epochs: int, kept: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield one record a choice of a family that is not kept yet."""
    done = {(record["family"], record["choice"]) for record in kept}
    missing = [choice for choice in family.choices if (family.name, choice) not in done]
    needs_encoder = any(settings_of(family, choice, epochs).feature_model for choice in missing)
    first = next(iter(family.choices))
    with tempfile.TemporaryDirectory() as folder:
        for choice in [first, *missing] if needs_encoder and first not in missing else missing:
            settings = settings_of(family, choice, epochs)
            result = train(
                patches.pixels,
                settings,
                train_index=patches.train,
                val_index=patches.val,
                checkpoint_dir=Path(folder, str(list(family.choices).index(choice))),
                dissimilarity=_dissimilarity(settings, Path(folder, "0")),
                seed=SEED,
            )
            if choice in missing:
                yield {
                    "family": family.name,
                    "choice": choice,
                    "settings": _chosen(settings),
                    "n_parameters": result.n_parameters,
                    "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
                    "code": training_code(),
                    "machine": describe_machine(),
                    "epochs": [dataclasses.asdict(epoch) for epoch in result.history],
                }


def _dissimilarity(settings: TrainingSettings, first: Path) -> Any:
    """Return what reconstructions are judged by; an encoder comes from the first training of the family."""
    if settings.feature_model != THIS_MODEL:
        return None
    stored = load_checkpoint(first / "loss.safetensors")
    return build_dissimilarity(
        settings,
        device=next(stored.model.parameters()).device,
        encoder=stored.model.encoder,
        encoder_range=stored.header.target_range,
    )


def _kept(budget: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the records of an earlier run of the same budget whose choices, and code, are still what they were."""
    if not RESULTS.exists():
        return []
    found = json.loads(RESULTS.read_text())
    wanted = {
        (family.name, choice): _chosen(settings_of(family, choice, budget["epochs"]))
        for family in FAMILIES
        for choice in family.choices
    }
    records: list[dict[str, Any]] = found["records"] if found["budget"] == budget else []
    return [
        one
        for one in records
        if one["settings"] == wanted.get((one["family"], one["choice"])) and one.get("code") == training_code()
    ]


def _chosen(settings: TrainingSettings) -> dict[str, Any]:
    """Return what a choice sets, as it is kept."""
    chosen: dict[str, Any] = json.loads(settings.model_dump_json(exclude_defaults=True))
    return chosen


def _keep(found: dict[str, Any]) -> None:
    """Write what is known so far."""
    RESULTS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def epochs_of(records: list[dict[str, Any]]) -> pl.DataFrame:
    """Return the epochs of some records, with the choice as ``series``."""
    return pl.DataFrame(
        [{"series": record["choice"], **epoch} for record in records for epoch in record["epochs"]],
        infer_schema_length=None,
    )
