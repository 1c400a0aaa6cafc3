"""What training minimises, patch by patch, with its parts apart."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from deepdlt.models.blocks import Reconstruction

REDUCTIONS = ("mean", "batch_sum")

Dissimilarity = Callable[[Tensor, Tensor], Tensor]
"""From reconstruction and target, (B, 1, S, S) each on the run's target range, to one number a patch, (B,)."""


class PatchLoss(NamedTuple):
    """The loss of each patch of a batch and what it is made of."""

    loss: Tensor
    """What is minimised, (B,)."""
    reconstruction: Tensor
    """Dissimilarity, (B,): as it is for an autoencoder, times the number of pixels for a VAE."""
    kl: Tensor | None = None
    """KL divergence of the code from the prior, nats, (B,), not weighted; None for an autoencoder."""


def squared_error(reconstruction: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared error of each patch, differentiable and in the precision given.

    Parameters
    ----------
    reconstruction, target : Tensor, shape (B, 1, S, S)
        On the run's target range.

    Returns
    -------
    Tensor, shape (B,)
    """
    return (reconstruction - target).square().flatten(1).mean(1)


def kl_divergence(mu: Tensor, log_var: Tensor) -> Tensor:
    r"""Return the divergence of each patch's code from the standard normal prior.

    :math:`-\frac{1}{2} \sum_l (1 + \log\sigma_l^2 - \mu_l^2 - \sigma_l^2)`.

    Parameters
    ----------
    mu, log_var : Tensor, shape (B, L)
        Mean and log variance of the code.

    Returns
    -------
    Tensor, shape (B,)
        In nats.

    References
    ----------
    Kingma and Welling 2014, appendix B, doi:10.48550/arXiv.1312.6114
    """
    return -0.5 * (1 + log_var - mu.square() - log_var.exp()).sum(1)


def negative_elbo(
    output: Reconstruction, target: Tensor, *, beta: float | Tensor = 1.0, dissimilarity: Dissimilarity = squared_error
) -> PatchLoss:
    """Return what a VAE minimises for each patch: squared error summed over pixels, plus beta times KL.

    Another dissimilarity than the squared error, which is a mean over pixels, counts once a pixel, too.

    Parameters
    ----------
    output : Reconstruction
        With `mu` and `log_var`.
    target : Tensor, shape (B, 1, S, S)
        On the run's target range.
    beta : float or Tensor, shape (B,)
        Weight of the KL divergence, of all patches or of each.
    dissimilarity : callable
        `squared_error`, or a `deepdlt.loss.objectives.Objective`.

    Returns
    -------
    PatchLoss

    Raises
    ------
    ValueError
        If the output has no code distribution.
    """
    if output.mu is None or output.log_var is None:
        raise ValueError("negative_elbo needs mu and log_var: this output is an autoencoder's")
    n_pixels = target[0].numel()
    reconstruction = dissimilarity(output.reconstruction, target) * n_pixels
    kl = kl_divergence(output.mu, output.log_var)
    return PatchLoss(reconstruction + beta * kl, reconstruction, kl)


def patch_loss(
    output: Reconstruction, target: Tensor, *, beta: float | Tensor = 1.0, dissimilarity: Dissimilarity = squared_error
) -> PatchLoss:
    """Return the loss of each patch: its dissimilarity for an autoencoder, `negative_elbo` for a VAE.

    Parameters
    ----------
    output : Reconstruction
        Of either model.
    target : Tensor, shape (B, 1, S, S)
        On the run's target range.
    beta : float or Tensor, shape (B,)
        Weight of the KL divergence, of all patches or of each (VAE only).
    dissimilarity : callable
        `squared_error`, or a `deepdlt.loss.objectives.Objective`.

    Returns
    -------
    PatchLoss
    """
    if output.mu is not None:
        return negative_elbo(output, target, beta=beta, dissimilarity=dissimilarity)
    error = dissimilarity(output.reconstruction, target)
    return PatchLoss(error, error)


def objective(loss: PatchLoss, *, reduction: str = "mean") -> Tensor:
    """Return the one number whose gradient a step follows.

    The report sums its VAE's loss over the batch. That changes the scale of the gradient, hence the
    weight of the weight decay, and nothing in what is *reported*: losses are per patch either way.
    An autoencoder's is the mean always, as in the report.

    Parameters
    ----------
    loss : PatchLoss
        Of a batch.
    reduction : str
        ``mean`` over the batch, or ``batch_sum`` (VAE only).

    Returns
    -------
    Tensor, shape ()

    Raises
    ------
    ValueError
        If the reduction is not known.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"loss_reduction {reduction!r} is not known: use one of {', '.join(REDUCTIONS)}")
    is_sum = reduction == "batch_sum" and loss.kl is not None
    return loss.loss.sum() if is_sum else loss.loss.mean()
