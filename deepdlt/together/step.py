"""One step of K trainings as one network: forward, backward, update."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from deepdlt.loss.losses import patch_loss
from deepdlt.models.grouped import GroupedModel
from deepdlt.together.stack import Stack
from deepdlt.together.updates import Rates, clip_rows, step_adam, step_muon, step_sgd
from deepdlt.training.epochs import Lesson, in_float32, precision
from deepdlt.training.muon import is_matrix

ADAM_BETAS, ADAM_EPSILON = (0.9, 0.999), 1e-8
"""Torch's defaults, which `deepdlt.training.optimisers` takes."""


class StepInput(NamedTuple):
    """What a step of k trainings takes, all on the device."""

    inputs: Tensor
    """(k, n, 1, S, S), on the target range."""
    target: Tensor
    """(k, n, 1, S, S)."""
    noise: list[Tensor]
    """As `deepdlt.models.grouped.draw_noise` gives it."""
    numbers: Tensor
    """Learning rate, Adam's two bias corrections, weight of the KL divergence: (4, k)."""

    @property
    def tensors(self) -> list[Tensor]:
        """Everything in it."""
        return [self.inputs, self.target, *self.noise, self.numbers]

    def copied(self) -> "StepInput":
        """Return the same numbers in memory of their own."""
        noise = [one.clone() for one in self.noise]
        return StepInput(self.inputs.clone(), self.target.clone(), noise, self.numbers.clone())


@dataclass(frozen=True)
class StepTogether:
    """The step of the trainings in a stack.

    Parameters
    ----------
    stack : Stack
    lesson : Lesson
        Any of the trainings': settings and dissimilarity are those of all.
    """

    stack: Stack
    lesson: Lesson

    def __call__(self, given: StepInput, rows: slice) -> Tensor:
        """Take a step in some rows of the stack, without a look at any number.

        Parameters
        ----------
        given : StepInput
        rows : slice
            k rows.

        Returns
        -------
        Tensor, shape (k, 2 or 3)
            Sums over each batch's patches: loss, reconstruction and, for a VAE, KL divergence.
        """
        settings = self.lesson.settings
        (k, n), target = given.target.shape[:2], given.target.flatten(0, 1)
        weights = self.stack.weights[rows].detach().requires_grad_()
        statistics = {name: values[rows] for name, values in self.stack.statistics.items()}
        with precision(self.lesson):
            output = self._model(given.inputs, self.stack.named(weights), statistics, given.noise)
        beta = given.numbers[3][:, None].expand(k, n).flatten()
        loss = patch_loss(in_float32(output), target, beta=beta, dissimilarity=self.lesson.dissimilarity)
        is_sum = settings.loss_reduction == "batch_sum" and loss.kl is not None
        (gradients,) = torch.autograd.grad(loss.loss.sum() if is_sum else loss.loss.sum() / n, weights)
        self._update(gradients, given.numbers, rows)
        return torch.stack([part.detach().view(k, n).sum(1) for part in loss if part is not None], 1)

    @cached_property
    def _model(self) -> GroupedModel:
        return GroupedModel(self.stack.progresses[0].model)

    @torch.no_grad()
    def _update(self, gradients: Tensor, numbers: Tensor, rows: slice) -> None:
        """Follow the gradients."""
        settings, weights = self.lesson.settings, self.stack.weights[rows]
        if settings.gradient_clip is not None:
            gradients = clip_rows(gradients, settings.gradient_clip)
        if settings.weight_decay:
            gradients = gradients.add(weights, alpha=settings.weight_decay)
        rates = Rates(*numbers[:3])
        first, *others = (values[rows] for values in self.stack.moments.values())
        if settings.optimiser == "adam":
            step_adam(weights, gradients, first, others[0], rates, betas=ADAM_BETAS, epsilon=ADAM_EPSILON)
        elif settings.optimiser == "sgd":
            step_sgd(weights, gradients, first, rates, momentum=settings.momentum)
        else:
            self._step_muon(weights, gradients, [first, *others], rates)

    def _step_muon(self, weights: Tensor, gradients: Tensor, moments: list[Tensor], rates: Rates) -> None:
        """Follow the gradients of each parameter as it is followed alone."""
        for place in self.stack.places:
            columns = slice(place.start, place.start + place.n)
            w, g, buffer, mean, square = (one[:, columns] for one in (weights, gradients, *moments))
            if is_matrix(place.shape):
                step_muon(w, g, buffer, rates, n_rows=place.shape[0], momentum=self.lesson.settings.momentum)
            else:
                step_adam(w, g, mean, square, rates, betas=ADAM_BETAS, epsilon=ADAM_EPSILON)
