"""Muon: steps of one length in every direction of a matrix of weights, and Adam for what is no matrix.

A gradient's matrix is mostly a few strong directions; plain steps follow those and hardly move along the others. Muon
makes all its singular values nearly one before it follows it.

References
----------
.. [1] K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
   https://kellerjordan.github.io/posts/muon/ (iteration and its coefficients; Adam for the first and the last layer).
.. [2] J. Liu et al., "Muon is scalable for LLM training", arXiv:2502.16982 (length of a step as Adam's).
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
N_ITERATIONS = 5
LIKE_ADAM = 0.2
"""Root mean square of a step of Adam at a learning rate of one, about."""
LEAST_EDGE = 16
"""Weights with fewer rows or columns, such as the first and the last layer's of the report's network, are left to
Adam."""
SMALLEST_NORM = 1e-7


def is_matrix(shape: torch.Size) -> bool:
    """Tell whether weights of a shape are followed as a matrix: first axis against all others."""
    return len(shape) > 1 and min(shape[0], shape[1:].numel()) >= LEAST_EDGE


def orthogonalised(matrices: Tensor) -> Tensor:
    """Return matrices with the same singular vectors, and singular values between 0.7 and 1.2, about.

    Singular values below a thousandth of the norm stay smaller: five iterations do not bring them up.

    Parameters
    ----------
    matrices : Tensor of float32, shape (..., m, n)

    Returns
    -------
    Tensor, shape (..., m, n)
    """
    a, b, c = COEFFICIENTS
    is_tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if is_tall else matrices
    x = x / torch.linalg.matrix_norm(x, keepdim=True).clamp(min=SMALLEST_NORM)
    for _ in range(N_ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    made: Tensor = x.mT if is_tall else x
    return made


def step_of_matrix(gradient: Tensor, momentum_buffer: Tensor, *, momentum: float) -> Tensor:
    """Return where a gradient leads at a learning rate of one, and take it into the momentum, in place.

    Parameters
    ----------
    gradient, momentum_buffer : Tensor of float32, shape (..., m, n)
    momentum : float
        Share of the last direction that is kept.

    Returns
    -------
    Tensor, shape (..., m, n)
        To be subtracted from the weights, times the learning rate.
    """
    momentum_buffer.lerp_(gradient, 1 - momentum)
    ahead = gradient.lerp(momentum_buffer, momentum)  # Nesterov's
    length: float = LIKE_ADAM * max(ahead.shape[-2:]) ** 0.5
    return orthogonalised(ahead) * length


class Muon(torch.optim.Optimizer):
    """Muon for matrices of weights, Adam for the rest.

    A kernel of shape (o, i, h, w) counts as a matrix of o rows.

    Parameters
    ----------
    parameters : iterable of torch.nn.Parameter
    lr : float
        Of both; a good one of Adam's is a good one here.
    momentum : float
        Of the matrices.
    betas, eps : tuple of float, float
        Of Adam.
    weight_decay : float
        L2 penalty, added to the gradient.
    """

    def __init__(
        self,
        parameters: Iterable[torch.nn.Parameter],
        *,
        lr: float,
        momentum: float = 0.9,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})
        self.momentum = momentum
        self.betas = betas
        self.eps = eps

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Follow the gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weights in group["params"]:
                if weights.grad is None:
                    continue
                gradient = weights.grad
                if group["weight_decay"]:
                    gradient = gradient.add(weights, alpha=group["weight_decay"])
                if is_matrix(weights.shape):
                    self._follow_matrix(weights, gradient, group["lr"])
                else:
                    self._follow(weights, gradient, group["lr"])
        return loss

    def _follow_matrix(self, weights: Tensor, gradient: Tensor, learning_rate: float) -> None:
        """Take Muon's step."""
        state: dict[str, Any] = self.state[weights]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(weights)
        # A kernel may lie channels last; a matrix is its rows.
        buffer: Tensor = state["momentum_buffer"].contiguous()
        state["momentum_buffer"] = buffer
        rows = (weights.shape[0], -1)
        step = step_of_matrix(gradient.reshape(rows), buffer.view(rows), momentum=self.momentum)
        weights.sub_(step.view(weights.shape), alpha=learning_rate)

    def _follow(self, weights: Tensor, gradient: Tensor, learning_rate: float) -> None:
        """Take Adam's step."""
        state: dict[str, Any] = self.state[weights]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32)
            state["exp_avg"] = torch.zeros_like(weights)
            state["exp_avg_sq"] = torch.zeros_like(weights)
        state["step"] += 1
        n = float(state["step"])
        state["exp_avg"].lerp_(gradient, 1 - self.betas[0])
        state["exp_avg_sq"].mul_(self.betas[1]).addcmul_(gradient, gradient, value=1 - self.betas[1])
        spread = state["exp_avg_sq"].sqrt().div_((1 - self.betas[1] ** n) ** 0.5).add_(self.eps)
        weights.addcdiv_(state["exp_avg"], spread, value=-learning_rate / (1 - self.betas[0] ** n))
