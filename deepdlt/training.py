"""Train one model on one fold: seeded, resumable, without a file read in between.

The same seed gives the same numbers, bit for bit, on a CPU with the same number of threads; also
when the training was cut off after any epoch and went on from its progress file: it goes on with
the number of threads that it began with.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import polars as pl
import torch

from deepdlt.checkpoints import BestBy, CheckpointHeader, RunIdentity, save_checkpoint
from deepdlt.digest import digest_bytes, digest_json
from deepdlt.epochs import Lesson, TrainingDiverged, run_epoch
from deepdlt.losses import Dissimilarity, squared_error
from deepdlt.models import Model, build_model, count_parameters
from deepdlt.objectives import Objective
from deepdlt.optimisers import build_optimiser
from deepdlt.patchset import Index, PatchSet
from deepdlt.progress import EpochRecord, Progress
from deepdlt.schedules import EarlyStopping, build_schedule
from deepdlt.threads import torch_threads
from deepdlt.training_settings import TrainingSettings

__all__ = [
    "EPOCH_SCHEMA",
    "PROGRESS_FILE",
    "TrainingDiverged",
    "TrainingResult",
    "build_dissimilarity",
    "epochs_frame",
    "train",
]

logger = logging.getLogger(__name__)

PROGRESS_FILE = "progress.safetensors"

EPOCH_SCHEMA: dict[str, type[pl.DataType]] = {
    "epoch": pl.Int32,
    **dict.fromkeys([name.name for name in fields(EpochRecord)[1:]], pl.Float64),
}


@dataclass(frozen=True)
class TrainingResult:
    """What a training leaves behind."""

    model: Model
    """After the last epoch, in evaluation mode, on the patches' device."""
    history: tuple[EpochRecord, ...]
    best_epochs: dict[BestBy, int]
    """Epoch of each checkpoint. `psnr` and `ssim` are the correct ones, `val_psnr_db` and `val_ssim`."""
    checkpoints: dict[BestBy, Path]
    """Files by ``loss``, ``psnr``, ``ssim``, ``last``."""
    file_digests: dict[BestBy, str]
    """Digest of each file's bytes."""
    n_parameters: int
    device: str
    """Kind of device: ``cpu``, ``cuda`` or ``mps``."""
    n_threads: int
    """Threads that torch had on the CPU; the last digits of its sums depend on their number."""
    resumed_after_epoch: int
    """Epochs that were taken from a progress file; 0 for none."""

    @property
    def epochs(self) -> pl.DataFrame:
        """History as a frame with the columns of the lake's table `epochs`, without ``run_id``."""
        return epochs_frame(self.history)

    @property
    def train_loss(self) -> float:
        """Training loss of the last epoch."""
        return self.history[-1].train_loss


def train(
    patches: PatchSet,
    settings: TrainingSettings,
    *,
    train_index: Index,
    val_index: Index,
    checkpoint_dir: Path,
    dissimilarity: Dissimilarity | None = None,
    seed: int = 0,
    identity: RunIdentity | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    resume: bool = True,
) -> TrainingResult:
    """Train a model on the device of the patches, and write its checkpoints.

    After every epoch the state of the training is written to ``progress.safetensors`` in
    `checkpoint_dir`; a later call with the same arguments goes on from there, and one with more
    epochs continues a finished training, unless its learning rate depends on their number. The best
    weights by validation loss, PSNR and SSIM and the last ones are written when the training ends.

    Parameters
    ----------
    patches : PatchSet
        On the device to train on.
    settings : TrainingSettings
        Architecture, loss, inputs, optimiser, budget.
    train_index, val_index : sequence, ndarray or Tensor of int
        Rows of the training and validation patches, at least one each.
    checkpoint_dir : Path
        Folder of this training alone; made where it is missing.
    dissimilarity : callable, optional
        What `build_dissimilarity` gives for the settings; built here where it is left out.
    seed : int
        Seed of weights, order, dropout, sampling and noise on the input.
    identity : RunIdentity, optional
        Where the training belongs; written into the checkpoints.
    on_epoch : callable, optional
        Called with each new epoch's record, after its state is on the disk.
    resume : bool
        Whether to go on from a progress file.

    Returns
    -------
    TrainingResult

    Raises
    ------
    ValueError
        If an index is empty or leaves the set, or the loss needs an encoder and none is given.
    TrainingDiverged
        If a loss is not finite.
    """
    identity = identity or RunIdentity()
    dissimilarity = dissimilarity or build_dissimilarity(settings, device=patches.device)
    train_rows, val_rows = patches.index(train_index), patches.index(val_index)
    lesson = Lesson(settings, seed, patches, train_rows, val_rows, dissimilarity)
    path = checkpoint_dir / PROGRESS_FILE
    digest = _digest(lesson, identity)

    progress = _start(lesson)
    if resume and progress.restore(path, training_digest=digest, epochs=settings.epochs):
        logger.info("training goes on after epoch %d of %d", len(progress.history), settings.epochs)
    n_resumed = len(progress.history)
    with torch_threads(progress.n_threads):
        for epoch in range(n_resumed + 1, settings.epochs + 1):
            if progress.is_stopped:
                logger.info("training ends after epoch %d: no better loss for a while", epoch - 1)
                break
            record = run_epoch(progress, lesson, epoch)
            progress.note(record)
            progress.save(path, training_digest=digest)
            if on_epoch is not None:
                on_epoch(record)
    return _finish(progress, settings, identity, checkpoint_dir, n_resumed)


def build_dissimilarity(
    settings: TrainingSettings,
    *,
    device: torch.device,
    encoder: torch.nn.Module | None = None,
    encoder_range: str = "unit",
) -> Dissimilarity:
    """Return what a reconstruction is judged by, on a device.

    Parameters
    ----------
    settings : TrainingSettings
        Its `loss`, and where the loss asks for them `vgg_weights`.
    device : torch.device
    encoder : torch.nn.Module, optional
        Of the stored model that `feature_model` names (feature_matching only).
    encoder_range : str
        What that model was trained on.

    Returns
    -------
    callable
        The plain squared error where the loss is that alone.

    Raises
    ------
    ValueError
        If the loss needs an encoder and none is given.
    WeightsUnusable
        If the file does not give VGG16's weights.
    """
    if settings.loss == {"mse": 1.0}:
        return squared_error
    weights = Path(settings.vgg_weights) if settings.vgg_weights else None
    return Objective(
        settings.loss,
        target_range=settings.target_range,
        encoder=encoder,
        encoder_range=encoder_range,
        vgg_weights=weights,
    ).to(device)


def _start(lesson: Lesson) -> Progress:
    """Return a training before its first epoch."""
    settings = lesson.settings
    model = build_model(
        settings.model,
        size_px=lesson.patches.size_px,
        kernel_size_px=settings.kernel_size_px,
        activation=settings.activation,
        dropout=settings.dropout,
        latent_dim=settings.n_code,
        is_sampling_in_evaluation=settings.is_sampling_in_evaluation,
        seed=lesson.seed,
    ).to(lesson.patches.device)
    optimiser = build_optimiser(
        settings.optimiser,
        model.parameters(),
        learning_rate=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )
    schedule = build_schedule(
        settings.schedule,
        n_steps=settings.epochs * lesson.n_steps,
        floor=settings.schedule_floor,
        warm_up=settings.warm_up,
        reduce_by=settings.reduce_by,
        patience=settings.plateau_patience,
        min_delta=settings.min_delta,
    )
    if settings.stop_patience is None:
        return Progress(model, optimiser, schedule)
    stopping = EarlyStopping(patience=settings.stop_patience, min_delta=settings.min_delta)
    return Progress(model, optimiser, schedule, stopping)


def _digest(lesson: Lesson, identity: RunIdentity) -> str:
    """Return the digest of everything that the numbers of each epoch depend on."""
    settings = lesson.settings.identity()
    if not lesson.settings.is_budget_in_schedule:
        del settings["epochs"]
    rows = [digest_bytes(part.cpu().numpy().data) for part in (lesson.train_rows, lesson.val_rows)]
    where = lesson.patches.device.type
    return digest_json([settings, lesson.seed, lesson.patches.digest, rows, where, identity.model_dump()])


def epochs_frame(history: Sequence[EpochRecord]) -> pl.DataFrame:
    """Return a history as a frame.

    Parameters
    ----------
    history : sequence of EpochRecord

    Returns
    -------
    polars.DataFrame
        One row per epoch, with the columns of the lake's table `epochs`, without ``run_id``.
    """
    return pl.DataFrame([asdict(record) for record in history], schema=EPOCH_SCHEMA)


def _finish(
    progress: Progress, settings: TrainingSettings, identity: RunIdentity, folder: Path, n_resumed: int
) -> TrainingResult:
    """Write the checkpoints and return the result."""
    model = progress.model.eval()
    last = progress.history[-1].epoch
    best_epochs: dict[BestBy, int] = {
        "loss": progress.best_epochs["loss"],
        "psnr": progress.best_epochs["psnr"],
        "ssim": progress.best_epochs["ssim"],
        "last": last,
    }
    paths: dict[BestBy, Path] = {best_by: folder / f"{best_by}.safetensors" for best_by in best_epochs}
    digests: dict[BestBy, str] = {}
    for best_by, epoch in best_epochs.items():
        weights = model.state_dict() if best_by == "last" else progress.best_weights[epoch]
        metrics = asdict(progress.history[epoch - 1])
        header = CheckpointHeader(
            model=model.name,
            model_settings=model.settings,
            target_range=settings.target_range,
            view=settings.view,
            threshold=settings.threshold,
            beta=settings.beta,
            best_by=best_by,
            epoch=epoch,
            metrics={name: value for name, value in metrics.items() if name not in ("epoch", "seconds")},
            identity=identity,
        )
        digests[best_by] = save_checkpoint(paths[best_by], weights, header)
    return TrainingResult(
        model=model,
        history=tuple(progress.history),
        best_epochs=best_epochs,
        checkpoints=paths,
        file_digests=digests,
        n_parameters=count_parameters(model),
        device=next(model.parameters()).device.type,
        n_threads=progress.n_threads,
        resumed_after_epoch=n_resumed,
    )
