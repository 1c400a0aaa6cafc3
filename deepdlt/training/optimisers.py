"""Optimisers by name."""

from collections.abc import Iterable

import torch

from deepdlt.training.muon import Muon

OPTIMISERS = ("adam", "sgd", "muon")

FUSED_DEVICES = frozenset({"cpu", "cuda", "mps"})
"""Kinds of device on which torch updates all weights in one pass."""


def build_optimiser(
    name: str,
    parameters: Iterable[torch.nn.Parameter],
    *,
    learning_rate: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> torch.optim.Optimizer:
    """Return an optimiser over parameters that are on their device already.

    Parameters
    ----------
    name : str
        ``adam``, ``sgd`` with momentum, or ``muon``.
    parameters : iterable of torch.nn.Parameter
        All on one device.
    learning_rate : float
        Step size, above 0.
    momentum : float
        Share of the last step that is kept, in [0, 1) (sgd and muon).
    weight_decay : float
        L2 penalty, added to the gradient; not negative.

    Returns
    -------
    torch.optim.Optimizer

    Raises
    ------
    ValueError
        If the name is not known or a number is out of its bounds.
    """
    if name not in OPTIMISERS:
        raise ValueError(f"optimiser {name!r} is not known: use one of {', '.join(OPTIMISERS)}")
    if learning_rate <= 0:
        raise ValueError(f"learning_rate must be above 0, got {learning_rate}")
    weights = list(parameters)
    if name == "muon":
        return Muon(weights, lr=learning_rate, momentum=momentum, weight_decay=weight_decay)
    is_fused = {weight.device.type for weight in weights} <= FUSED_DEVICES
    if name == "adam":
        return torch.optim.Adam(weights, lr=learning_rate, weight_decay=weight_decay, fused=is_fused)
    return torch.optim.SGD(weights, lr=learning_rate, momentum=momentum, weight_decay=weight_decay, fused=is_fused)
