"""Train one model on one fold: seeded, resumable, without a file read in between.

The same seed gives the same numbers, bit for bit, on a CPU with the same number of threads; also
when the training was cut off after any epoch and went on from its progress file.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import polars as pl
import torch
from torch import Tensor

from deepdlt.checkpoints import BestBy, CheckpointHeader, RunIdentity, save_checkpoint
from deepdlt.digest import digest_bytes, digest_json
from deepdlt.errors import DeepdltError
from deepdlt.losses import REDUCTIONS, objective, patch_loss
from deepdlt.models import Model, build_model, count_parameters, set_noise
from deepdlt.optimisers import build_optimiser
from deepdlt.patchset import Index, PatchSet
from deepdlt.progress import EpochRecord, Progress
from deepdlt.scoring import evaluate
from deepdlt.seeds import derive_seed
from deepdlt.target_ranges import range_bounds

logger = logging.getLogger(__name__)

PROGRESS_FILE = "progress.safetensors"

EPOCH_SCHEMA: dict[str, type[pl.DataType]] = {
    "epoch": pl.Int32,
    **dict.fromkeys([name.name for name in fields(EpochRecord)[1:]], pl.Float64),
}


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


@dataclass(frozen=True)
class _Plan:
    """The arguments of `train` that its numbers depend on, but for the number of epochs."""

    model: str
    kernel_size_px: int
    activation: str
    dropout: float
    latent_dim: int
    beta: float
    optimiser: str
    learning_rate: float
    momentum: float
    weight_decay: float
    batch_size: int
    target_range: str
    is_sampling_in_evaluation: bool
    loss_reduction: str
    seed: int

    def __post_init__(self) -> None:
        """Refuse what the parts would not refuse by themselves before the first step."""
        range_bounds(self.target_range)
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {self.batch_size}")
        if self.loss_reduction not in REDUCTIONS:
            raise ValueError(f"loss_reduction {self.loss_reduction!r} is not known: use {' or '.join(REDUCTIONS)}")

    def start(self, patches: PatchSet) -> Progress:
        """Return the training before its first epoch."""
        model = build_model(
            self.model,
            size_px=patches.size_px,
            kernel_size_px=self.kernel_size_px,
            activation=self.activation,
            dropout=self.dropout,
            latent_dim=self.latent_dim,
            is_sampling_in_evaluation=self.is_sampling_in_evaluation,
            seed=self.seed,
        ).to(patches.device)
        optimiser = build_optimiser(
            self.optimiser,
            model.parameters(),
            learning_rate=self.learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
        )
        return Progress(model, optimiser)

    def digest(self, patches: PatchSet, train_rows: Tensor, val_rows: Tensor, identity: RunIdentity) -> str:
        """Return the digest of everything that the numbers depend on, but for the number of epochs."""
        rows = [digest_bytes(part.cpu().numpy().data) for part in (train_rows, val_rows)]
        return digest_json([asdict(self), patches.digest, rows, patches.device.type, identity.model_dump()])


def train(
    patches: PatchSet,
    *,
    train_index: Index,
    val_index: Index,
    checkpoint_dir: Path,
    model: str = "ae",
    kernel_size_px: int = 3,
    activation: str = "relu",
    dropout: float = 0.2,
    latent_dim: int = 128,
    beta: float = 1.0,
    optimiser: str = "adam",
    learning_rate: float = 5e-4,
    momentum: float = 0.9,
    weight_decay: float = 1e-5,
    batch_size: int = 32,
    epochs: int = 10,
    target_range: str = "signed",
    is_sampling_in_evaluation: bool = True,
    loss_reduction: str = "mean",
    seed: int = 0,
    identity: RunIdentity | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    resume: bool = True,
) -> TrainingResult:
    """Train a model on the device of the patches, and write its checkpoints.

    After every epoch the state of the training is written to ``progress.safetensors`` in
    `checkpoint_dir`; a later call with the same arguments goes on from there, and one with more
    `epochs` continues a finished training. The best weights by validation loss, PSNR and SSIM and
    the last ones are written when the training ends.

    Parameters
    ----------
    patches : PatchSet
        On the device to train on.
    train_index, val_index : sequence, ndarray or Tensor of int
        Rows of the training and validation patches, at least one each.
    checkpoint_dir : Path
        Folder of this training alone; made where it is missing.
    model : str
        ``ae`` or ``vae``.
    kernel_size_px : int
        Edge of the encoder's kernels, px: 3 or 5.
    activation : str
        ``relu``, ``selu``, ``elu`` or ``leaky_relu``.
    dropout : float
        Share of encoder feature maps dropped, in [0, 1).
    latent_dim : int
        Numbers in the code of a patch (vae only).
    beta : float
        Weight of the KL divergence (vae only).
    optimiser : str
        ``adam`` or ``sgd``.
    learning_rate : float
        Step size, constant.
    momentum : float
        In [0, 1) (sgd only).
    weight_decay : float
        L2 penalty on the weights.
    batch_size : int
        Patches a step; the last step of an epoch may have fewer.
    epochs : int
        Passes over the training patches, counted from the beginning.
    target_range : str
        ``signed``: patches on [-1, 1], as in the report; ``unit``: on [0, 1].
    is_sampling_in_evaluation : bool
        Whether the code is drawn in validation too, as in the report (vae only).
    loss_reduction : str
        ``mean`` or ``batch_sum``, see `deepdlt.losses.objective` (vae only).
    seed : int
        Seed of weights, order, dropout and sampling.
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
        If a name is not known, a number out of its bounds, or an index empty or beyond the set.
    TrainingDiverged
        If a loss is not finite.
    """
    plan = _Plan(
        model=model,
        kernel_size_px=kernel_size_px,
        activation=activation,
        dropout=dropout,
        latent_dim=latent_dim,
        beta=beta,
        optimiser=optimiser,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
        batch_size=batch_size,
        target_range=target_range,
        is_sampling_in_evaluation=is_sampling_in_evaluation,
        loss_reduction=loss_reduction,
        seed=seed,
    )
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1, got {epochs}")
    identity = identity or RunIdentity()
    train_rows, val_rows = patches.index(train_index), patches.index(val_index)
    path = checkpoint_dir / PROGRESS_FILE
    digest = plan.digest(patches, train_rows, val_rows, identity)

    progress = plan.start(patches)
    if resume and progress.restore(path, training_digest=digest, epochs=epochs):
        logger.info("training goes on after epoch %d of %d", len(progress.history), epochs)
    n_resumed = len(progress.history)
    for epoch in range(n_resumed + 1, epochs + 1):
        record = _run_epoch(progress, plan, patches, train_rows, val_rows, epoch)
        progress.note(record)
        progress.save(path, training_digest=digest)
        if on_epoch is not None:
            on_epoch(record)
    return _finish(progress, plan, identity, checkpoint_dir, n_resumed)


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


def _run_epoch(
    progress: Progress, plan: _Plan, patches: PatchSet, train_rows: Tensor, val_rows: Tensor, epoch: int
) -> EpochRecord:
    """Train for one epoch, validate, and return the record."""
    started = time.perf_counter()
    train_loss = _train_epoch(progress, plan, patches, train_rows, epoch)
    scores = evaluate(progress.model, patches, val_rows, target_range=plan.target_range, beta=plan.beta, seed=plan.seed)
    means = {f"val_{name}": float(values.mean()) for name, values in scores.items()}
    if not math.isfinite(means["val_loss"]):
        raise TrainingDiverged(epoch=epoch, step=None, loss=means["val_loss"], learning_rate=plan.learning_rate)
    return EpochRecord(
        epoch=epoch,
        train_loss=train_loss,
        val_loss=means["val_loss"],
        val_mse=means["val_mse"],
        val_kl=means.get("val_kl"),
        val_psnr_paper_db=means["val_psnr_paper_db"],
        val_ssim_paper=means["val_ssim_paper"],
        val_psnr_db=means["val_psnr_db"],
        val_ssim=means["val_ssim"],
        learning_rate=float(progress.optimiser.param_groups[0]["lr"]),
        seconds=time.perf_counter() - started,
    )


def _train_epoch(progress: Progress, plan: _Plan, patches: PatchSet, train_rows: Tensor, epoch: int) -> float:
    """Take one pass over the training patches and return their mean loss.

    The loss stays on the device until the pass has ended: the host waits for it once.
    """
    model, optimiser = progress.model.train(), progress.optimiser
    order = torch.randperm(len(train_rows), generator=_stream("cpu", plan.seed, "order", epoch))
    steps = torch.split(train_rows[order.to(train_rows.device)], plan.batch_size)
    losses = torch.zeros(len(steps), device=patches.device)
    set_noise(model, _stream(patches.device, plan.seed, "noise", epoch))
    for step, rows in enumerate(steps):
        target = patches.batch(rows, target_range=plan.target_range)
        loss = patch_loss(model(target), target, beta=plan.beta)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(objective(loss, reduction=plan.loss_reduction))
        optimiser.step()
        losses[step] = loss.loss.detach().sum()
    set_noise(model, None)
    sums = losses.cpu().double()
    broken = torch.nonzero(~sums.isfinite())
    if len(broken):
        first = int(broken[0])
        raise TrainingDiverged(epoch=epoch, step=first + 1, loss=float(sums[first]), learning_rate=plan.learning_rate)
    return float(sums.sum()) / len(train_rows)


def _stream(device: str | torch.device, seed: int, purpose: str, epoch: int) -> torch.Generator:
    """Return the random stream that one purpose has in one epoch."""
    generator = torch.Generator(device)
    generator.manual_seed(derive_seed(seed, purpose, epoch))
    return generator


def _finish(progress: Progress, plan: _Plan, identity: RunIdentity, folder: Path, n_resumed: int) -> TrainingResult:
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
            target_range=plan.target_range,
            beta=plan.beta,
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
        resumed_after_epoch=n_resumed,
    )
