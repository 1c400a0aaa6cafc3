"""Compare patches by what a network that is not trained any more sees in them."""

import copy
from typing import Self

import torch
from torch import Tensor, nn

from deepdlt.inputs.scale import from_unit, widened
from deepdlt.training.target_ranges import range_bounds

FEATURE_FLOOR = 1e-4
"""Squared length below which the channels at one place count as no feature; it bounds the gradient there."""


class FeatureDistance(nn.Module):
    r"""Distance between the feature maps of two batches, stage by stage.

    At each place of a map the channels are a vector; it is scaled to length 1, so that no stage
    outweighs another by the size of its numbers. The distance is the squared difference of these
    vectors, averaged over places and stages: Zhang et al. 2018 without their learned weights.

    The stages are copied, frozen and kept in evaluation mode, whatever happens to the original.

    Parameters
    ----------
    *stages : torch.nn.Module
        Applied one after another, the first one to patches on [0, 1]; each gives a tensor
        (B, C, ...) whose distance counts.

    Raises
    ------
    ValueError
        If there is no stage.

    References
    ----------
    Zhang et al. 2018, doi:10.1109/CVPR.2018.00068
    """

    def __init__(self, *stages: nn.Module) -> None:
        super().__init__()
        if not stages:
            raise ValueError("a feature distance needs at least one stage")
        self.stages = copy.deepcopy(nn.ModuleList(stages)).requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> Self:  # noqa: ARG002  # the signature is that of every module
        """Stay in evaluation mode: nothing here is trained."""
        return super().train(False)

    def features(self, patches: Tensor) -> list[Tensor]:
        """Return what each stage gives, its channels scaled to length 1 at every place.

        Parameters
        ----------
        patches : Tensor of float, shape (B, 1, S, S)
            On [0, 1].

        Returns
        -------
        list of Tensor, shape (B, C, ...)
            In float32 at least; length 0 where a stage sees nothing.
        """
        maps = []
        for stage in self.stages:
            patches = stage(patches)
            wide = widened(patches)
            maps.append(wide * torch.rsqrt(wide.square().sum(1, keepdim=True) + FEATURE_FLOOR))
        return maps

    def forward(self, reconstruction: Tensor, target: Tensor) -> Tensor:
        """Return the distance of each pair.

        Parameters
        ----------
        reconstruction, target : Tensor of float, shape (B, 1, S, S)
            On [0, 1]. No gradient reaches the target.

        Returns
        -------
        Tensor, shape (B,)
            In [0, 4].
        """
        with torch.no_grad():
            goals = self.features(target)
        pairs = zip(self.features(reconstruction), goals, strict=True)
        stages = [(seen - goal).square().sum(1).reshape(len(goal), -1).mean(1) for seen, goal in pairs]  # (B,) each
        return torch.stack(stages).mean(0)


class _OnRange(nn.Module):
    """Map [0, 1] to the range that a model was trained on."""

    def __init__(self, target_range: str) -> None:
        super().__init__()
        range_bounds(target_range)
        self.target_range = target_range

    def forward(self, patches: Tensor) -> Tensor:
        return from_unit(patches, target_range=self.target_range)


def encoder_distance(encoder: nn.Module, *, target_range: str) -> FeatureDistance:
    """Return the feature distance in the eyes of a stored model's encoder.

    Parameters
    ----------
    encoder : torch.nn.Module
        From patches (B, 1, S, S) to a tensor (B, C, ...). Of a `torch.nn.Sequential`, as the
        encoders of `deepdlt.models` are, every stage counts; of anything else its output.
    target_range : str
        ``signed`` or ``unit``: what the stored model was trained on; its checkpoint says.

    Returns
    -------
    FeatureDistance

    Raises
    ------
    ValueError
        If the range is not known or the encoder has no stage.
    """
    first, *others = list(encoder) if isinstance(encoder, nn.Sequential) and len(encoder) else [encoder]
    return FeatureDistance(nn.Sequential(_OnRange(target_range), first), *others)
