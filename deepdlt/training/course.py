"""One training from its start, or from where it was cut off, to its checkpoints; alone or beside others."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Self

import polars as pl

from deepdlt.digest import digest_bytes, digest_json
from deepdlt.models import Model, build_model, count_parameters
from deepdlt.training.checkpoints import BestBy, CheckpointHeader, RunIdentity, save_checkpoint
from deepdlt.training.epochs import Lesson, TrainingDiverged
from deepdlt.training.optimisers import build_optimiser
from deepdlt.training.progress import EpochRecord, Progress
from deepdlt.training.progress_files import AGAIN_FILE, PROGRESS_FILE
from deepdlt.training.schedules import EarlyStopping, build_schedule

logger = logging.getLogger(__name__)

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
    n_together: int
    """Trainings that were one network with this one, it included."""
    resumed_after_epoch: int
    """Epochs that were taken from a progress file; 0 for none."""
    diverged: str = ""
    """What ended the first try, where this is the second one."""

    @property
    def epochs(self) -> pl.DataFrame:
        """History as a frame with the columns of the lake's table `epochs`, without ``run_id``."""
        return epochs_frame(self.history)

    @property
    def train_loss(self) -> float:
        """Training loss of the last epoch."""
        return self.history[-1].train_loss


@dataclass
class Course:
    """A training that is under way.

    Parameters
    ----------
    lesson : Lesson
    identity : RunIdentity
    folder : Path
        Where its progress and its checkpoints go.
    progress : Progress
        How far it is.
    before : TrainingDiverged, optional
        What ended the first try, where this is the second one.
    n_resumed : int
        Epochs that were taken from a progress file.
    """

    lesson: Lesson
    identity: RunIdentity
    folder: Path
    progress: Progress
    before: TrainingDiverged | None = None
    n_resumed: int = 0

    @classmethod
    def begin(
        cls,
        lesson: Lesson,
        *,
        identity: RunIdentity,
        folder: Path,
        resume: bool,
        before: TrainingDiverged | None = None,
    ) -> Self:
        """Return a training before its first epoch, or after the last one that its progress file holds."""
        course = cls(lesson, identity, folder, _start(lesson), before)
        epochs = lesson.settings.epochs
        if resume and course.progress.restore(course._file, training_digest=course._digest, epochs=epochs):
            course.n_resumed = course.n_epochs
            logger.info("training goes on after epoch %d of %d", course.n_epochs, epochs)
        return course

    @property
    def n_epochs(self) -> int:
        """Epochs that are done."""
        return len(self.progress.history)

    @property
    def is_over(self) -> bool:
        """Whether no epoch is left, or the loss has not got better for too long."""
        return self.progress.is_stopped or self.n_epochs >= self.lesson.settings.epochs

    def save(self) -> None:
        """Write the state to the progress file."""
        self.progress.save(self._file, training_digest=self._digest)

    def finish(self, *, n_together: int = 1) -> TrainingResult:
        """Write the checkpoints and return the result.

        Parameters
        ----------
        n_together : int
            Trainings that were one network with this one, it included.
        """
        progress = self.progress
        if self.n_epochs < self.lesson.settings.epochs:
            logger.info("training ends after epoch %d: no better loss for a while", self.n_epochs)
        model = progress.model.eval()
        best_epochs: dict[BestBy, int] = {
            "loss": progress.best_epochs["loss"],
            "psnr": progress.best_epochs["psnr"],
            "ssim": progress.best_epochs["ssim"],
            "last": progress.history[-1].epoch,
        }
        paths: dict[BestBy, Path] = {best_by: self.folder / f"{best_by}.safetensors" for best_by in best_epochs}
        return TrainingResult(
            model=model,
            history=tuple(progress.history),
            best_epochs=best_epochs,
            checkpoints=paths,
            file_digests={by: self._write(by, epoch, paths[by]) for by, epoch in best_epochs.items()},
            n_parameters=count_parameters(model),
            device=next(model.parameters()).device.type,
            n_threads=progress.n_threads,
            n_together=n_together,
            resumed_after_epoch=self.n_resumed,
            diverged="" if self.before is None else str(self.before),
        )

    def _write(self, best_by: BestBy, epoch: int, path: Path) -> str:
        """Write one checkpoint and return its digest."""
        progress, settings = self.progress, self.lesson.settings
        metrics = asdict(progress.history[epoch - 1])
        header = CheckpointHeader(
            model=progress.model.name,
            model_settings=progress.model.settings,
            target_range=settings.target_range,
            view=settings.view,
            threshold=settings.threshold,
            beta=settings.beta,
            best_by=best_by,
            epoch=epoch,
            metrics={name: value for name, value in metrics.items() if name not in ("epoch", "seconds")},
            identity=self.identity,
        )
        weights = progress.model.state_dict() if best_by == "last" else progress.best_weights[epoch]
        return save_checkpoint(path, weights, header)

    @property
    def _file(self) -> Path:
        return self.folder / (PROGRESS_FILE if self.before is None else AGAIN_FILE)

    @cached_property
    def _digest(self) -> str:
        """Digest of everything that the numbers of each epoch depend on."""
        lesson = self.lesson
        settings = lesson.settings.identity()
        if not lesson.settings.is_budget_in_schedule:
            del settings["epochs"]
        rows = [digest_bytes(part.cpu().numpy().data) for part in (lesson.train_rows, lesson.val_rows)]
        where = lesson.patches.device.type
        return digest_json([settings, lesson.seed, lesson.patches.digest, rows, where, self.identity.model_dump()])


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
