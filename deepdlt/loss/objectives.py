"""What training minimises beside the report's squared error: losses by name, mixed by weight."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from deepdlt.inputs.scale import to_unit
from deepdlt.loss.dissimilarity import absolute_error, log_squared_error, spectral_error, ssim_error
from deepdlt.loss.features import encoder_distance
from deepdlt.loss.losses import Dissimilarity, squared_error
from deepdlt.loss.names import OBJECTIVES, objective_weights
from deepdlt.loss.vgg import vgg16_distance
from deepdlt.training.target_ranges import range_bounds

__all__ = ["OBJECTIVES", "Objective", "objective_weights"]

ON_TARGET_RANGE: dict[str, Dissimilarity] = {"mse": squared_error, "l1": absolute_error}
"""Taken on the run's own scale, as the report's loss is."""

ON_UNIT_RANGE: dict[str, Dissimilarity] = {
    "log_mse": log_squared_error,
    "ssim": ssim_error,
    "spectral": spectral_error,
}
"""Defined on [0, 1]; patches of a signed run are mapped there by ``(x + 1) / 2``, as `deepdlt.quality.metrics` does."""


class Objective(nn.Module):
    """A loss or a mixture of losses, patch by patch; 0 where the reconstruction is the target.

    Networks inside are frozen copies. ``to(device)`` moves them; no parameter of theirs is trained, and
    none belongs into an optimiser or a checkpoint.

    Parameters
    ----------
    loss : str or mapping of str to float
        ``mse``, ``l1``, ``log_mse``, ``ssim`` (one minus it), ``spectral``, ``feature_matching``, ``perceptual``,
        or weights by these names.
    target_range : str
        ``signed`` or ``unit``: the run's.
    encoder : torch.nn.Module, optional
        Encoder of a stored model (``feature_matching`` only).
    encoder_range : str
        What that model was trained on, ``signed`` or ``unit`` (``feature_matching`` only).
    vgg_weights : Path, optional
        Safetensors file with VGG16's weights (``perceptual`` only).

    Raises
    ------
    ValueError
        If a name or range is not known, a weight is out of its bounds, or what a loss needs is missing.
    WeightsUnusable
        If the file does not give VGG16's weights.

    Examples
    --------
    >>> patch = torch.full((1, 1, 8, 8), 0.5)
    >>> Objective({"mse": 1.0, "l1": 0.5}, target_range="unit")(patch + 0.25, patch)
    tensor([0.1875])
    """

    def __init__(
        self,
        loss: str | Mapping[str, float] = "mse",
        *,
        target_range: str,
        encoder: nn.Module | None = None,
        encoder_range: str = "unit",
        vgg_weights: Path | None = None,
    ) -> None:
        super().__init__()
        range_bounds(target_range)
        self.weights = objective_weights(loss)
        self.target_range = target_range
        self.networks = nn.ModuleDict()
        if "feature_matching" in self.weights:
            if encoder is None:
                raise ValueError("feature_matching needs the encoder of a stored model: give one, or leave it out")
            self.networks["feature_matching"] = encoder_distance(encoder, target_range=encoder_range)
        if "perceptual" in self.weights:
            if vgg_weights is None:
                raise ValueError("perceptual needs a file with VGG16's weights: give its path, or leave it out")
            self.networks["perceptual"] = vgg16_distance(vgg_weights)

    def parts(self, reconstruction: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Return each loss of the mixture for each patch, not weighted.

        Parameters
        ----------
        reconstruction, target : Tensor of float, shape (B, 1, S, S)
            On the run's target range. Gradients flow to the reconstruction.

        Returns
        -------
        dict of str to Tensor, shape (B,)
            In the order of `OBJECTIVES`.

        Raises
        ------
        ValueError
            If the shapes differ or are not (B, 1, S, S).
        """
        if reconstruction.shape != target.shape or target.ndim != 4 or target.shape[1] != 1:
            shapes = f"{tuple(reconstruction.shape)} and {tuple(target.shape)}"
            raise ValueError(f"reconstruction and target must both be (B, 1, S, S), got {shapes}")
        parts = {name: part(reconstruction, target) for name, part in ON_TARGET_RANGE.items() if name in self.weights}
        if len(parts) < len(self.weights):
            x, y = (to_unit(patches, target_range=self.target_range) for patches in (reconstruction, target))
            on_unit: dict[str, Dissimilarity] = {**ON_UNIT_RANGE, **dict(self.networks.items())}
            parts |= {name: part(x, y) for name, part in on_unit.items() if name in self.weights}
        return parts

    def forward(self, reconstruction: Tensor, target: Tensor) -> Tensor:
        """Return the weighted sum of the losses of each patch.

        Parameters
        ----------
        reconstruction, target : Tensor of float, shape (B, 1, S, S)
            On the run's target range. Gradients flow to the reconstruction.

        Returns
        -------
        Tensor, shape (B,)

        Raises
        ------
        ValueError
            If the shapes differ or are not (B, 1, S, S).
        """
        parts = self.parts(reconstruction, target)
        return torch.stack([self.weights[name] * part for name, part in parts.items()]).sum(0)
