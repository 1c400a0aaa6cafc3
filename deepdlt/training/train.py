"""Train one model on one fold: seeded, resumable.

The same seed gives the same numbers, bit for bit, on a CPU with the same number of threads; also
when the training was cut off after any epoch and went on from its progress file: it goes on with
the number of threads that it began with.
"""

from collections.abc import Callable
from pathlib import Path

import torch

from deepdlt.loss.losses import Dissimilarity, squared_error
from deepdlt.loss.objectives import Objective
from deepdlt.threads import torch_threads
from deepdlt.training.checkpoints import RunIdentity
from deepdlt.training.course import EPOCH_SCHEMA, Course, TrainingResult, epochs_frame
from deepdlt.training.epochs import Lesson, TrainingDiverged, run_epoch
from deepdlt.training.patchset import Index, PatchSet
from deepdlt.training.progress import EpochRecord
from deepdlt.training.settings import TrainingSettings

__all__ = [
    "EPOCH_SCHEMA",
    "TrainingDiverged",
    "TrainingResult",
    "build_dissimilarity",
    "epochs_frame",
    "train",
]


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
    before: TrainingDiverged | None = None,
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
    before : TrainingDiverged, optional
        What ended the first try, where this is the second one: it has a progress file of its own.

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
    dissimilarity = dissimilarity or build_dissimilarity(settings, device=patches.device)
    train_rows, val_rows = patches.index(train_index), patches.index(val_index)
    lesson = Lesson(settings, seed, patches, train_rows, val_rows, dissimilarity)
    course = Course.begin(
        lesson, identity=identity or RunIdentity(), folder=checkpoint_dir, resume=resume, before=before
    )
    with torch_threads(course.progress.n_threads):
        while not course.is_over:
            record = run_epoch(course.progress, lesson, course.n_epochs + 1)
            course.progress.note(record)
            course.save()
            if on_epoch is not None:
                on_epoch(record)
    return course.finish()


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
