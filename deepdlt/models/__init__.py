"""The two models of the report, by name."""

import torch

from deepdlt.models.autoencoder import AutoEncoder
from deepdlt.models.blocks import Reconstruction, set_noise
from deepdlt.models.variational import VariationalAutoEncoder
from deepdlt.seeds import derive_seed

__all__ = [
    "MODELS",
    "AutoEncoder",
    "Model",
    "Reconstruction",
    "VariationalAutoEncoder",
    "build_model",
    "count_parameters",
    "set_noise",
]

Model = AutoEncoder | VariationalAutoEncoder

MODELS: dict[str, type[AutoEncoder] | type[VariationalAutoEncoder]] = {
    model.name: model for model in (AutoEncoder, VariationalAutoEncoder)
}


def build_model(
    name: str,
    *,
    size_px: int = 64,
    kernel_size_px: int = 3,
    activation: str = "relu",
    dropout: float = 0.2,
    latent_dim: int = 128,
    is_sampling_in_evaluation: bool = False,
    seed: int = 0,
) -> Model:
    """Return a model with freshly drawn weights, on the CPU.

    The weights depend on `seed` alone, not on the device the model goes to or on what was drawn before.

    Parameters
    ----------
    name : str
        ``ae`` or ``vae``.
    size_px : int
        Edge of a patch, px; a multiple of 8.
    kernel_size_px : int
        Edge of the encoder's kernels, px: 3 or 5.
    activation : str
        ``relu``, ``selu``, ``elu`` or ``leaky_relu``.
    dropout : float
        Share of encoder feature maps dropped in training, in [0, 1).
    latent_dim : int
        Numbers in the code of a patch (vae only).
    is_sampling_in_evaluation : bool
        Whether the code is drawn in evaluation too (vae only).
    seed : int
        Seed of the weights.

    Returns
    -------
    AutoEncoder or VariationalAutoEncoder

    Raises
    ------
    ValueError
        If a name is not known or a number is out of its bounds.
    """
    if name not in MODELS:
        raise ValueError(f"model {name!r} is not known: use one of {', '.join(MODELS)}")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive_seed(seed, "weights"))
        if name == AutoEncoder.name:
            return AutoEncoder(size_px=size_px, kernel_size_px=kernel_size_px, activation=activation, dropout=dropout)
        return VariationalAutoEncoder(
            size_px=size_px,
            kernel_size_px=kernel_size_px,
            activation=activation,
            dropout=dropout,
            latent_dim=latent_dim,
            is_sampling_in_evaluation=is_sampling_in_evaluation,
        )


def count_parameters(model: torch.nn.Module) -> int:
    """Return the number of trained numbers in a model.

    Parameters
    ----------
    model : torch.nn.Module

    Returns
    -------
    int
    """
    return sum(parameter.numel() for parameter in model.parameters())
