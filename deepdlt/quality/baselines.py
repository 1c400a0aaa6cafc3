"""What can be had without a model, and what no model can have.

A decoder that ends in a sigmoid reaches [0, 1] only. For targets on [-1, 1], every pixel below 0
is out of its reach and costs its square at least: that is the *floor*. The *flat patch* answers
every pixel with the patch's own mean; a model that does worse has learnt nothing of structure.
"""

import math

from torch import Tensor

from deepdlt.quality.metrics import mse, psnr_paper_db


def clip_floor_mse(targets: Tensor, *, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Return the least mean squared error that any output in [low, high] can reach.

    It is that of the target clipped to the output's range.

    Parameters
    ----------
    targets : Tensor, shape (B, 1, S, S)
        On the run's target range.
    low, high : float
        Range of the decoder's output.

    Returns
    -------
    Tensor of float64, shape (B,)
        One a patch; the floor of a data set is their mean.
    """
    return mse(targets.clamp(low, high), targets)


def ceiling_psnr_paper_db(
    targets: Tensor, *, low: float = 0.0, high: float = 1.0, target_range: str = "signed"
) -> Tensor:
    """Return the report's PSNR at the floor: the most that any output in [low, high] can reach.

    Parameters
    ----------
    targets : Tensor, shape (B, 1, S, S)
        On the run's target range.
    low, high : float
        Range of the decoder's output.
    target_range : str
        ``signed`` or ``unit``, see `psnr_paper_db`.

    Returns
    -------
    Tensor of float64, shape (B,)
        In decibels; `deepdlt.quality.metrics.PSNR_CAP_DB` where a patch lies wholly in reach.
    """
    return psnr_paper_db(targets.clamp(low, high), targets, target_range=target_range)


def flat_mse(targets: Tensor, *, low: float = -math.inf, high: float = math.inf) -> Tensor:
    """Return the mean squared error of the flat patch: every pixel is the target's own mean.

    Parameters
    ----------
    targets : Tensor, shape (B, 1, S, S)
        On the run's target range.
    low, high : float
        Range that the flat value is clipped to. Without bounds this is the patch's variance; with
        the decoder's range it is the best constant patch that the decoder could give.

    Returns
    -------
    Tensor of float64, shape (B,)
    """
    flat = targets.mean((1, 2, 3), keepdim=True)  # (B, 1, 1, 1)
    return mse(flat.clamp(low, high).expand(targets.shape), targets)
