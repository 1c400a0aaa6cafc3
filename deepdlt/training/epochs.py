"""One pass over the training patches, and one over those that validate."""

import contextlib
import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor

from deepdlt.errors import DeepdltError
from deepdlt.inputs.transforms import Example, make_example
from deepdlt.loss.losses import Dissimilarity, PatchLoss, objective, patch_loss
from deepdlt.models import Reconstruction, set_noise
from deepdlt.quality.scoring import evaluate
from deepdlt.seeds import derive_seed
from deepdlt.training.patchset import PatchSet
from deepdlt.training.progress import EpochRecord, Progress
from deepdlt.training.schedules import kl_weight
from deepdlt.training.settings import TrainingSettings


class TrainingDiverged(DeepdltError):
    """A loss is not finite any more."""

    def __init__(self, *, epoch: int, step: int | None, loss: float, learning_rate: float) -> None:
        self.epoch = epoch
        self.step = step
        self.loss = loss
        self.learning_rate = learning_rate
        where = "in validation" if step is None else f"at step {step}"
        super().__init__(
            f"the loss became {loss} in epoch {epoch} {where}: "
            f"train with a learning rate below {learning_rate:g}, or look for patches that are not images"
        )


@dataclass(frozen=True)
class Lesson:
    """What a training learns from, and how.

    Parameters
    ----------
    settings : TrainingSettings
    seed : int
        Of every random stream; a stream depends on seed, purpose and epoch alone.
    patches : PatchSet
    train_rows, val_rows : Tensor of int64, shape (n,)
        On the patches' device.
    dissimilarity : callable
        What a reconstruction is judged by.
    """

    settings: TrainingSettings
    seed: int
    patches: PatchSet
    train_rows: Tensor
    val_rows: Tensor
    dissimilarity: Dissimilarity

    @property
    def n_steps(self) -> int:
        """Steps of an epoch."""
        return math.ceil(len(self.train_rows) / self.settings.batch_size)

    def kl_weight(self, step: int) -> float:
        """Return the weight of the KL divergence at a step, counted from 0 over the whole training."""
        warm_up = round(self.settings.kl_warm_up_epochs * self.n_steps)
        return kl_weight(step, beta=self.settings.beta, n_warm_up_steps=warm_up)

    def order(self, epoch: int) -> Tensor:
        """Return the training rows in the order of an epoch; drawn on the CPU, so that every device has the same."""
        order = torch.randperm(len(self.train_rows), generator=self.stream("order", epoch, device="cpu"))
        return self.train_rows[order.to(self.train_rows.device)]

    def stream(self, purpose: str, epoch: int, *, device: str | torch.device | None = None) -> torch.Generator:
        """Return the random stream that one purpose has in one epoch, on the patches' device or another."""
        generator = torch.Generator(device or self.patches.device)
        generator.manual_seed(derive_seed(self.seed, purpose, epoch))
        return generator


def run_epoch(progress: Progress, lesson: Lesson, epoch: int) -> EpochRecord:
    """Train for one epoch, then validate.

    Parameters
    ----------
    progress : Progress
        Model, optimiser and schedule; changed in place.
    lesson : Lesson
    epoch : int
        1-based.

    Returns
    -------
    EpochRecord

    Raises
    ------
    TrainingDiverged
        If a loss is not finite.
    """
    started = time.perf_counter()
    trained = _train(progress, lesson, epoch)
    return close_epoch(progress, lesson, epoch, trained, started=started)


def close_epoch(
    progress: Progress, lesson: Lesson, epoch: int, trained: dict[str, float], *, started: float
) -> EpochRecord:
    """Validate after a pass over the training patches.

    Parameters
    ----------
    progress : Progress
        Model and optimiser, after the pass.
    lesson : Lesson
    epoch : int
        1-based.
    trained : dict of str to float
        As `mean_losses` gives it.
    started : float
        When the pass began, on the clock of `time.perf_counter`.

    Returns
    -------
    EpochRecord

    Raises
    ------
    TrainingDiverged
        If the validation loss is not finite.
    """
    settings = lesson.settings
    scores = evaluate(
        progress.model,
        lesson.patches,
        lesson.val_rows,
        target_range=settings.target_range,
        beta=settings.beta,
        seed=lesson.seed,
        view=settings.view,
        threshold=settings.threshold,
        dissimilarity=lesson.dissimilarity,
    )
    means = {name: float(values.mean()) for name, values in scores.items()}
    if not math.isfinite(means["loss"]):
        raise TrainingDiverged(epoch=epoch, step=None, loss=means["loss"], learning_rate=settings.learning_rate)
    return EpochRecord(
        epoch=epoch,
        train_loss=trained["loss"],
        train_reconstruction_loss=trained["reconstruction_loss"],
        train_kl=trained.get("kl"),
        kl_weight=lesson.kl_weight(epoch * lesson.n_steps - 1) if "kl" in trained else None,
        val_loss=means["loss"],
        val_reconstruction_loss=means["reconstruction_loss"],
        val_mse=means["mse"],
        val_kl=means.get("kl"),
        val_psnr_paper_db=means["psnr_paper_db"],
        val_ssim_paper=means["ssim_paper"],
        val_psnr_db=means["psnr_db"],
        val_ssim=means["ssim"],
        learning_rate=float(progress.optimiser.param_groups[0]["lr"]),
        seconds=time.perf_counter() - started,
    )


def _train(progress: Progress, lesson: Lesson, epoch: int) -> dict[str, float]:
    """Take one pass over the training patches and return mean loss and its parts.

    The losses stay on the device until the pass has ended: the host waits for them once.
    """
    model = progress.model.train()
    sums: list[Tensor] = []
    set_noise(model, lesson.stream("noise", epoch))
    for number, (inputs, target, _) in enumerate(_examples(lesson, epoch), start=(epoch - 1) * lesson.n_steps):
        with precision(lesson):
            output = model(inputs)
        beta = lesson.kl_weight(number)
        loss = patch_loss(in_float32(output), target, beta=beta, dissimilarity=lesson.dissimilarity)
        _step(progress, lesson, loss, number)
        sums.append(torch.stack([part.detach().sum() for part in loss if part is not None]))
    set_noise(model, None)
    return mean_losses(torch.stack(sums), lesson, epoch)


def mean_losses(sums: Tensor, lesson: Lesson, epoch: int) -> dict[str, float]:
    """Return the mean loss of an epoch over its patches, and the means of its parts.

    Parameters
    ----------
    sums : Tensor, shape (n_steps, 2 or 3)
        Of each step, over its patches: loss, reconstruction and, for a VAE, KL divergence.
    lesson : Lesson
    epoch : int
        1-based.

    Returns
    -------
    dict of str to float
        ``loss``, ``reconstruction_loss`` and, for a VAE, ``kl``.

    Raises
    ------
    TrainingDiverged
        If the loss of a step is not finite.
    """
    totals = sums.cpu().double()
    _refuse_infinite(totals[:, 0], epoch, lesson.settings.learning_rate)
    means = (totals.sum(0) / len(lesson.train_rows)).tolist()
    return dict(zip(("loss", "reconstruction_loss", "kl"), means, strict=False))


def _examples(lesson: Lesson, epoch: int) -> Iterator[Example]:
    """Yield the batches of an epoch, in its own order."""
    settings = lesson.settings
    transforms = lesson.stream("transforms", epoch)
    parts = torch.split(lesson.order(epoch), settings.batch_size)
    for clean in lesson.patches.batches(parts, target_range=settings.target_range):
        yield make_example(
            clean,
            target_range=settings.target_range,
            generator=transforms,
            is_turned=settings.is_turned,
            view=settings.view,
            threshold=settings.threshold,
            corruption=settings.corruption,
            level=settings.corruption_level,
        )


def _step(progress: Progress, lesson: Lesson, loss: PatchLoss, number: int) -> None:
    """Follow the gradient of a batch; `number` counts steps from 0 over the whole training."""
    settings, optimiser = lesson.settings, progress.optimiser
    rate = settings.learning_rate * progress.schedule.factor(number)
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(objective(loss, reduction=settings.loss_reduction))
    if settings.gradient_clip is not None:
        torch.nn.utils.clip_grad_norm_(progress.model.parameters(), settings.gradient_clip)
    optimiser.step()


def precision(lesson: Lesson) -> AbstractContextManager[object]:
    """Return what a forward pass in training runs under."""
    if lesson.settings.precision == "bf16":
        return torch.autocast(lesson.patches.device.type, torch.bfloat16)
    return contextlib.nullcontext()


def in_float32(output: Reconstruction) -> Reconstruction:
    """Return an output in float32, whatever it was computed in."""
    mu, log_var = (part if part is None else part.float() for part in (output.mu, output.log_var))
    return Reconstruction(output.reconstruction.float(), mu, log_var)


def _refuse_infinite(losses: Tensor, epoch: int, learning_rate: float) -> None:
    """Raise where the loss of a step is not finite."""
    broken = torch.nonzero(~losses.isfinite())
    if len(broken):
        first = int(broken[0])
        raise TrainingDiverged(epoch=epoch, step=first + 1, loss=float(losses[first]), learning_rate=learning_rate)
