"""How far a training has come, as one file from which it goes on exactly.

The random streams of an epoch follow from the run's seed and the epoch's number, so the file holds
no generator: weights, optimiser, history and the best weights so far are all there is to a state.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor

from deepdlt.models import Model
from deepdlt.training.checkpoints import CheckpointUnreadable, load_tensors, save_tensors
from deepdlt.training.schedules import EarlyStopping, Schedule, State

logger = logging.getLogger(__name__)

FORMAT: Literal["deepdlt-progress-3"] = "deepdlt-progress-3"

CRITERIA: dict[str, tuple[str, int]] = {"loss": ("val_loss", -1), "psnr": ("val_psnr_db", 1), "ssim": ("val_ssim", 1)}
"""What a best checkpoint is best by: column of the history, and the sign that makes more better."""


@dataclass(frozen=True)
class EpochRecord:
    """One epoch: a row of the lake's table `epochs`. Losses are per patch, on the run's target range."""

    epoch: int
    """1-based."""
    train_loss: float
    """Mean over the patches of the epoch, each as its step saw it, dropout on."""
    train_reconstruction_loss: float
    """Without the KL divergence; that of an autoencoder is its loss."""
    train_kl: float | None
    """Nats per patch; None for an autoencoder, like `kl_weight`."""
    kl_weight: float | None
    """Of the epoch's last step. Validation takes the full beta always."""
    val_loss: float
    val_reconstruction_loss: float
    val_mse: float
    val_kl: float | None
    """Nats per patch; None for an autoencoder."""
    val_psnr_paper_db: float
    val_ssim_paper: float
    val_psnr_db: float
    """Data range 1 on [0, 1]."""
    val_ssim: float
    """Window 7, data range 1, on [0, 1]."""
    learning_rate: float
    """Of the epoch's last step."""
    seconds: float


class _Header(BaseModel):
    """What a progress file says of itself."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["deepdlt-progress-3"] = FORMAT
    training_digest: str
    n_threads: int
    history: list[dict[str, Any]]
    best_epochs: dict[str, int]
    states: dict[str, State]


@dataclass
class Progress:
    """A training between two epochs.

    Parameters
    ----------
    model : AutoEncoder or VariationalAutoEncoder
        On its device.
    optimiser : torch.optim.Optimizer
        Of the model's parameters.
    schedule : Schedule
        Of the learning rate.
    stopping : EarlyStopping, optional
        When to end before the last epoch; None for never.
    n_threads : int
        Of torch on the CPU. A training that goes on keeps the number that it began with, since sums
        over threads round as their number says.
    """

    model: Model
    optimiser: torch.optim.Optimizer
    schedule: Schedule
    stopping: EarlyStopping | None = None
    n_threads: int = field(default_factory=torch.get_num_threads)
    history: list[EpochRecord] = field(default_factory=list)
    best_epochs: dict[str, int] = field(default_factory=dict)
    """Epoch with the best value by each of `CRITERIA`; the earlier one where two are equal."""
    best_weights: dict[int, dict[str, Tensor]] = field(default_factory=dict)
    """Weights after each of those epochs."""

    @property
    def is_stopped(self) -> bool:
        """Whether the training has ended early."""
        return self.stopping is not None and self.stopping.is_exhausted

    def note(self, record: EpochRecord) -> None:
        """Add an epoch to the history, tell the schedule, and keep its weights where it is the best so far.

        Parameters
        ----------
        record : EpochRecord
            Of the epoch that the model has just ended.
        """
        self.history.append(record)
        for observer in self._observers().values():
            observer.observe(record.val_loss)
        for criterion, (column, sign) in CRITERIA.items():
            values = [sign * getattr(past, column) for past in self.history]
            self.best_epochs[criterion] = self.history[values.index(max(values))].epoch
        if record.epoch in self.best_epochs.values():
            self.best_weights[record.epoch] = _copied(self.model.state_dict())
        for epoch in self.best_weights.keys() - self.best_epochs.values():
            del self.best_weights[epoch]

    def save(self, path: Path, *, training_digest: str) -> None:
        """Write the state to a file, atomically.

        Parameters
        ----------
        path : Path
        training_digest : str
            Digest of everything that the numbers depend on.
        """
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        for number, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{name}": value for name, value in state.items() if value is not None}
        for epoch, weights in self.best_weights.items():
            tensors |= {f"best.{epoch}.{name}": tensor for name, tensor in weights.items()}
        header = _Header(
            training_digest=training_digest,
            n_threads=self.n_threads,
            history=[asdict(record) for record in self.history],
            best_epochs=self.best_epochs,
            states={name: observer.state_dict() for name, observer in self._observers().items()},
        )
        save_tensors(path, tensors, header=header.model_dump_json())

    def restore(self, path: Path, *, training_digest: str, epochs: int) -> bool:
        """Take up the state in a file, where there is one that fits.

        Parameters
        ----------
        path : Path
        training_digest : str
            Digest of the training that is to go on.
        epochs : int
            Epochs that it is to have in the end.

        Returns
        -------
        bool
            Whether a state was taken up. A file that is damaged, of another training, or beyond
            `epochs` is left alone, with a line in the log.
        """
        if not path.exists():
            return False
        try:
            tensors, text = load_tensors(path)
            header = _Header.model_validate_json(text)
            history = [EpochRecord(**record) for record in header.history]
        except (CheckpointUnreadable, ValidationError, TypeError) as error:
            logger.warning("training starts anew: %s holds no state of a training (%s)", path, error)
            return False
        if header.training_digest != training_digest:
            logger.info("training starts anew: %s is of other settings or data", path)
            return False
        if len(history) > epochs:
            logger.info("training starts anew: %s has %d epochs, %d are asked for", path, len(history), epochs)
            return False
        self._take_up(tensors)
        for name, observer in self._observers().items():
            observer.load_state_dict(header.states[name])
        self.history, self.best_epochs, self.n_threads = history, header.best_epochs, header.n_threads
        return True

    def _observers(self) -> dict[str, Schedule | EarlyStopping]:
        """Return what learns of every validation loss."""
        return {"schedule": self.schedule} | ({} if self.stopping is None else {"stopping": self.stopping})

    def _take_up(self, tensors: Mapping[str, Tensor]) -> None:
        """Put saved numbers into model, optimiser and best weights."""
        self.model.load_state_dict(_below(tensors, "model."), strict=True)
        state: dict[int, dict[str, Tensor]] = {}
        parameters = [weight for group in self.optimiser.param_groups for weight in group["params"]]
        for name, tensor in _below(tensors, "optimiser.").items():
            number, key = name.split(".", 1)
            state.setdefault(int(number), {})[key] = _laid_out_like(parameters[int(number)], tensor)
        self.optimiser.load_state_dict({"state": state, "param_groups": self.optimiser.state_dict()["param_groups"]})
        for name, tensor in _below(tensors, "best.").items():
            epoch, key = name.split(".", 1)
            self.best_weights.setdefault(int(epoch), {})[key] = tensor


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _copied(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a copy that training does not change."""
    return {name: tensor.detach().clone() for name, tensor in weights.items()}


def _laid_out_like(weight: Tensor, saved: Tensor) -> Tensor:
    """Return saved optimiser numbers in the weight's memory layout, which fused kernels take for granted."""
    return torch.empty_like(weight).copy_(saved) if saved.shape == weight.shape else saved
