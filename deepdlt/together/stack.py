"""The states of K trainings of one architecture in common tensors, one row each.

Everything that a step changes lies in a few large tensors: all weights of a model are a row of one of
them, and so are the optimiser's numbers. So an update of all models is a handful of operations, with
a learning rate, a clipping and a bias correction for each row. The models and optimisers of the
trainings themselves look into their rows: they see every step, and are saved and scored as always.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from deepdlt.training.muon import Muon
from deepdlt.training.progress import Progress

OPTIMISER_STATES: dict[type[torch.optim.Optimizer], tuple[str, ...]] = {
    torch.optim.Adam: ("exp_avg", "exp_avg_sq"),
    torch.optim.SGD: ("momentum_buffer",),
    Muon: ("momentum_buffer", "exp_avg", "exp_avg_sq"),
}
"""What each optimiser keeps for each weight, by torch's names; of Muon's, a weight uses the first or the others."""


@dataclass(frozen=True)
class Place:
    """Where a parameter lies in a row."""

    name: str
    start: int
    n: int
    shape: torch.Size


class Stack:
    """K trainings, row by row.

    Parameters
    ----------
    progresses : sequence of Progress
        At least one, of one architecture and with the same kind of optimiser. Their models, running
        statistics and optimisers are views of the rows from here on.
    """

    def __init__(self, progresses: Sequence[Progress]) -> None:
        self.progresses = list(progresses)
        first = progresses[0]
        self.places = _places(first.model)
        n_weights = sum(place.n for place in self.places)
        like = next(first.model.parameters())
        self.kinds = OPTIMISER_STATES[type(first.optimiser)]
        self.weights = like.new_empty((len(progresses), n_weights)).detach()
        """(K, P)."""
        self.moments = {kind: torch.zeros_like(self.weights) for kind in self.kinds}
        """What the optimiser keeps, (K, P) each."""
        self.statistics: dict[str, Tensor] = {}
        """Running means and variances by name, (K, C) each."""
        for row, progress in enumerate(self.progresses):
            self._take_weights(row, progress)
        self._take_statistics()

    def __len__(self) -> int:
        return len(self.progresses)

    @property
    def tensors(self) -> list[Tensor]:
        """Everything that a step changes."""
        return [self.weights, *self.moments.values(), *self.statistics.values()]

    def named(self, rows: Tensor) -> dict[str, Tensor]:
        """Return rows of weights, (k, P), as parameters by name, (k, ...) each; gradients flow back to the rows."""
        parts = torch.split(rows, [place.n for place in self.places], 1)
        return {place.name: part.view(-1, *place.shape) for place, part in zip(self.places, parts, strict=True)}

    def note_steps(self, row: int, *, n_steps: int, n_new: int, learning_rate: float) -> None:
        """Tell model and optimiser of a training how many steps it has taken, in all and in this epoch."""
        progress = self.progresses[row]
        for name, counter in progress.model.named_buffers():
            if name.endswith("num_batches_tracked"):
                counter += n_new
        for group in progress.optimiser.param_groups:
            group["lr"] = learning_rate
        for state in progress.optimiser.state.values():
            if "step" in state:
                state["step"].fill_(n_steps)

    def _take_weights(self, row: int, progress: Progress) -> None:
        """Move a model's weights and its optimiser's numbers into a row."""
        parameters = dict(progress.model.named_parameters())
        for place in self.places:
            parameter = parameters[place.name]
            held: dict[str, Any] = progress.optimiser.state[parameter]
            if "exp_avg" in self.kinds and "step" not in held:
                where = parameter.device if progress.optimiser.defaults.get("fused") else "cpu"
                held["step"] = torch.zeros((), dtype=torch.float32, device=where)
            for kind, rows in self.moments.items():
                view = self._view(rows, row, place)
                if held.get(kind) is not None:
                    view.copy_(held[kind])
                held[kind] = view
            view = self._view(self.weights, row, place)
            view.copy_(parameter.detach())
            parameter.data = view

    def _take_statistics(self) -> None:
        """Move the running statistics of all models into rows."""
        for name, _ in self.progresses[0].model.named_buffers():
            if name.endswith("num_batches_tracked"):
                continue
            path, _, leaf = name.rpartition(".")
            owners = [progress.model.get_submodule(path) for progress in self.progresses]
            self.statistics[name] = torch.stack([owner.get_buffer(leaf) for owner in owners])
            for owner, view in zip(owners, self.statistics[name], strict=True):
                setattr(owner, leaf, view)

    def _view(self, rows: Tensor, row: int, place: Place) -> Tensor:
        """Return a parameter's place in a row, in its shape."""
        return rows[row, place.start : place.start + place.n].view(place.shape)


def _places(model: nn.Module) -> list[Place]:
    """Return where each parameter of a model lies in a row."""
    places: list[Place] = []
    start = 0
    for name, parameter in model.named_parameters():
        places.append(Place(name, start, parameter.numel(), parameter.shape))
        start += parameter.numel()
    return places
