"""One epoch of the report's autoencoders, validation included; and the check that both sides train the same."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.child import Clock
from benchmarks.pairs import Pairs
from benchmarks.peaks import Peaks, autoencoder_flops
from benchmarks.row import Finding, Judge, Limit, Row, faster
from benchmarks.sources import Stage, held_out_patches

if TYPE_CHECKING:
    import polars as pl
    import torch
    from torch.utils.data import DataLoader

    from deepdlt.training.patchset import PatchSet
    from deepdlt.training.settings import TrainingSettings

SEED = 0
TOLERANCE = 1e-3
"""How far the loss curves of both sides may lie apart, relative to the loss."""

N_PER_IMAGE = 100
N_PER_IMAGE_CHECKED = 20
PRESETS = {"ae": "label-cv", "vae": "vae"}


def parameters_of(model: str) -> Callable[[Stage], dict[str, Any]]:
    """Return what makes the parameters of both sides."""

    def parameters(stage: Stage) -> dict[str, Any]:
        return {
            "model": model,
            "lake": str(stage.lake(N_PER_IMAGE)),
            "tables": str(stage.training(N_PER_IMAGE)),
            "checked_lake": str(stage.lake(N_PER_IMAGE_CHECKED)),
            "checked_tables": str(stage.training(N_PER_IMAGE_CHECKED)),
            "folder": str(stage.work / f"epoch-{model}"),
        }

    return parameters


def settings_of(model: str) -> "TrainingSettings":
    """Return the report's settings for one epoch."""
    from deepdlt.presets import find_preset

    return find_preset(PRESETS[model]).settings.model_copy(update={"epochs": 1})


def load_training(lake: str) -> "tuple[PatchSet, dict[str, pl.Series]]":
    """Return the patches of a lake's split in memory, and the rows of each part."""
    import polars as pl

    from deepdlt.training.patchset import PatchSet
    from lake import Lake
    from lake.shards import read_patches

    opened = Lake.open(lake, is_read_only=True)
    manifest = held_out_patches(opened).with_row_index("row")
    patches = PatchSet.from_array(read_patches(opened.root, manifest, size_px=64))
    parts = {split: manifest.filter(pl.col("split") == split)["row"] for split in ("train", "val", "test")}
    return patches, parts


def ours(clock: Clock, model: str, lake: str, folder: str, **others: str) -> None:
    """Load the patches, train one epoch, validate, write the checkpoints."""
    del others
    shutil.rmtree(folder, ignore_errors=True)
    from deepdlt.training.train import train

    with clock.running():
        patches, parts = load_training(lake)
        result = train(
            patches,
            settings_of(model),
            train_index=parts["train"].to_numpy(),
            val_index=parts["val"].to_numpy(),
            checkpoint_dir=Path(folder),
            seed=SEED,
        )
    clock.say(n_train=len(parts["train"]), n_val=len(parts["val"]), val_loss=result.history[0].val_loss)


def baseline(clock: Clock, model: str, tables: str, folder: str, **others: str) -> None:
    """Train one epoch from files, validate image by image, write the checkpoints."""
    del others
    shutil.rmtree(folder, ignore_errors=True)
    Path(folder).mkdir(parents=True)
    import torch

    from benchmarks.reference.dataset import make_loader
    from benchmarks.reference.models import AutoEncoder, VariationalAutoEncoder
    from benchmarks.reference.training import train_autoencoder, train_variational

    torch.manual_seed(SEED)
    learning_rate = settings_of(model).learning_rate
    with clock.running():
        train = make_loader(Path(tables, "train.csv"), is_shuffled=True)
        val = make_loader(Path(tables, "val.csv"), is_shuffled=False)
        given: dict[str, Any] = {"epochs": 1, "learning_rate": learning_rate, "folder": Path(folder)}
        if model == "ae":
            history = train_autoencoder(AutoEncoder(), train, val, **given)
        else:
            history = train_variational(VariationalAutoEncoder(), train, val, **given)
    clock.say(val_loss=history[0]["val_loss"])


def check(clock: Clock, model: str, checked_lake: str, checked_tables: str, folder: str, **others: str) -> None:
    """Train one epoch on both sides from the same weights, in the same order, with the same draws; compare."""
    del others
    shutil.rmtree(folder, ignore_errors=True)
    Path(folder, "reference").mkdir(parents=True)
    from benchmarks.reference.dataset import make_loader
    from deepdlt.training.train import train

    patches, parts = load_training(checked_lake)
    order = _Order(epoch_order(len(parts["train"])))
    loaders = (
        make_loader(Path(checked_tables, "train.csv"), is_shuffled=False, sampler=order),  # type: ignore[arg-type]
        make_loader(Path(checked_tables, "val.csv"), is_shuffled=False),
    )
    with clock.running():
        result = train(
            patches,
            settings_of(model),
            train_index=parts["train"].to_numpy(),
            val_index=parts["val"].to_numpy(),
            checkpoint_dir=Path(folder, "ours"),
            seed=SEED,
        )
        reached = reference_epoch(model, *loaders, Path(folder, "reference"))
    ours = {name: getattr(result.history[0], name) for name in reached}
    apart = {name: abs(ours[name] - reached[name]) / max(1.0, abs(reached[name])) for name in reached}
    clock.say(ours=ours, baseline=reached, apart=apart, largest=max(apart.values()))


def epoch_order(n_train: int) -> list[int]:
    """Return the order in which the program takes its training patches in the first epoch."""
    import torch

    from deepdlt.seeds import derive_seed

    order = torch.Generator().manual_seed(derive_seed(SEED, "order", 1))
    return list(torch.randperm(n_train, generator=order).tolist())


def reference_epoch(model: str, train: "DataLoader[Any]", val: "DataLoader[Any]", folder: Path) -> dict[str, float]:
    """Train the baseline for an epoch with the program's weights and random draws; the loader has its order."""
    import torch

    from benchmarks.reference.models import AutoEncoder, VariationalAutoEncoder
    from benchmarks.reference.training import train_autoencoder, train_variational
    from deepdlt.models.blocks import ChannelDropout, set_noise
    from deepdlt.seeds import derive_seed

    settings = settings_of(model)
    training_noise = torch.Generator().manual_seed(derive_seed(SEED, "noise", 1))
    evaluation_noise = torch.Generator().manual_seed(derive_seed(SEED, "evaluation"))
    given: dict[str, Any] = {"epochs": settings.epochs, "learning_rate": settings.learning_rate, "folder": folder}
    if model == "ae":
        plain = AutoEncoder(dropout=ChannelDropout, share_dropped=settings.dropout)
        _take_weights(plain, model)
        set_noise(plain, training_noise)
        return train_autoencoder(plain, train, val, **given)[0]

    def draw(like: torch.Tensor) -> torch.Tensor:
        noise = training_noise if sampling.training else evaluation_noise
        return torch.empty_like(like).normal_(generator=noise)

    sampling = VariationalAutoEncoder(dropout=ChannelDropout, share_dropped=settings.dropout, draw=draw)
    _take_weights(sampling, model)
    set_noise(sampling, training_noise)
    return train_variational(sampling, train, val, **given)[0]


def _take_weights(reference: "torch.nn.Module", model: str) -> None:
    """Give the baseline's network the weights that the program starts from; both list them in the same order."""
    from deepdlt.models import build_model

    settings = settings_of(model)
    ours = build_model(
        settings.model,
        size_px=64,
        kernel_size_px=settings.kernel_size_px,
        activation=settings.activation,
        dropout=settings.dropout,
        latent_dim=settings.n_code,
        is_sampling_in_evaluation=settings.is_sampling_in_evaluation,
        seed=SEED,
    )
    pairs = zip(reference.state_dict(), ours.state_dict().values(), strict=True)
    reference.load_state_dict({name: values.contiguous() for name, values in pairs})


class _Order:
    """Rows in an order that was drawn before."""

    def __init__(self, rows: Sequence[int]) -> None:
        self.rows = rows

    def __iter__(self) -> Iterator[int]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def same_curve(model: str) -> Judge:
    """Ask that one epoch from equal weights, order and draws gives equal losses on both sides."""

    def judge(pairs: Pairs) -> Finding:
        largest = max(one.said["check"]["largest"] for one in pairs.ours if "check" in one.said)
        return Finding(f"{model}: same losses within {TOLERANCE:g}", f"{largest:.1e} apart", largest <= TOLERANCE)

    return judge


def convolutions(pairs: Pairs, peaks: Peaks, parameters: dict[str, Any]) -> Limit:
    """Return the time of an epoch's convolutions at the speed of the library's fastest."""
    del parameters
    said = pairs.ours[0].said
    n_flops = autoencoder_flops(n_train=said["n_train"], n_val=said["n_val"])
    peak = max(peaks.convolution_flops, peaks.matmul_flops)
    return Limit(n_flops / peak, f"{n_flops / 1e12:.2f} TFLOP of convolutions at the measured {peak / 1e9:.0f} GFLOP/s")


ROWS = tuple(
    Row(
        name=f"{model}-epoch",
        work=f"{title}: one epoch of training, and validation",
        ours="benchmarks.rows.training:ours",
        other="benchmarks.rows.training:baseline",
        check="benchmarks.rows.training:check",
        parameters=parameters_of(model),
        judges=(faster(goal), same_curve(model)),
        limit=convolutions,
    )
    for model, title, goal in (("ae", "autoencoder", 3), ("vae", "variational autoencoder", 2))
)
