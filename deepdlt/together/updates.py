"""The steps of the optimisers on many rows of weights at once, each row with numbers of its own.

Equal to torch's `Adam` and `SGD`, and to our `Muon`, up to rounding.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from deepdlt.training.muon import step_of_matrix

CLIP_EPSILON = 1e-6
"""As in `torch.nn.utils.clip_grad_norm_`."""


@dataclass(frozen=True)
class Rates:
    """What differs from row to row and from step to step.

    Parameters
    ----------
    learning_rate : Tensor of float32, shape (k,)
    correction_1, correction_2 : Tensor of float32, shape (k,)
        Adam's bias corrections, 1 - beta_1^t and 1 - beta_2^t.
    """

    learning_rate: Tensor
    correction_1: Tensor
    correction_2: Tensor


def clip_rows(gradients: Tensor, longest: float) -> Tensor:
    """Return gradients (k, P), each row shortened to a 2-norm where it is longer."""
    lengths = torch.linalg.vector_norm(gradients, dim=1, keepdim=True)  # (k, 1)
    factors: Tensor = longest / (lengths + CLIP_EPSILON)
    return gradients * factors.clamp(max=1.0)


def step_adam(
    weights: Tensor,
    gradients: Tensor,
    mean: Tensor,
    square: Tensor,
    rates: Rates,
    *,
    betas: tuple[float, float],
    epsilon: float,
) -> None:
    """Take one step of Adam in every row, in place.

    Parameters
    ----------
    weights, gradients, mean, square : Tensor of float32, shape (k, P)
        Weights, their gradients (weight decay added), and Adam's two moments.
    rates : Rates
    betas, epsilon : tuple of float, float
        As torch has them.
    """
    mean.lerp_(gradients, 1 - betas[0])
    square.mul_(betas[1]).addcmul_(gradients, gradients, value=1 - betas[1])
    denominator = square.sqrt().div_(rates.correction_2.sqrt()[:, None]).add_(epsilon)
    weights.sub_(mean / denominator * (rates.learning_rate / rates.correction_1)[:, None])


def step_sgd(weights: Tensor, gradients: Tensor, buffer: Tensor, rates: Rates, *, momentum: float) -> None:
    """Take one step of SGD with momentum in every row, in place.

    Parameters
    ----------
    weights, gradients, buffer : Tensor of float32, shape (k, P)
        Weights, their gradients (weight decay added), and torch's momentum buffer.
    rates : Rates
    momentum : float
        Share of the last step that is kept.
    """
    buffer.mul_(momentum).add_(gradients)
    weights.sub_(buffer * rates.learning_rate[:, None])


def step_muon(
    weights: Tensor, gradients: Tensor, buffer: Tensor, rates: Rates, *, n_rows: int, momentum: float
) -> None:
    """Take one step of Muon in every row, in place, with the numbers of a row as a matrix.

    Parameters
    ----------
    weights, gradients, buffer : Tensor of float32, shape (k, m * n)
        One parameter's weights, their gradients (weight decay added), and the momentum buffer.
    rates : Rates
    n_rows : int
        m.
    momentum : float
        Share of the last direction that is kept.
    """
    shape = (len(weights), n_rows, -1)
    step = step_of_matrix(gradients.reshape(shape), buffer.view(shape), momentum=momentum)
    weights.sub_(step.flatten(1) * rates.learning_rate[:, None])
