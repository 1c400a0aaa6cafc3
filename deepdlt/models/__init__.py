"""The two models of the report and our own, by name."""

import torch

from deepdlt.models.autoencoder import AutoEncoder
from deepdlt.models.blocks import Reconstruction, set_noise
from deepdlt.models.residual import ResidualAutoEncoder
from deepdlt.models.variational import VariationalAutoEncoder
from deepdlt.seeds import derive_seed
from deepdlt.training.settings import VAE_LATENT_DIM

__all__ = [
    "MODELS",
    "AutoEncoder",
    "Model",
    "Reconstruction",
    "ResidualAutoEncoder",
    "VariationalAutoEncoder",
    "build_model",
    "count_parameters",
    "set_noise",
]

Model = AutoEncoder | VariationalAutoEncoder | ResidualAutoEncoder

MODELS: dict[str, type[AutoEncoder] | type[VariationalAutoEncoder] | type[ResidualAutoEncoder]] = {
    model.name: model for model in (AutoEncoder, VariationalAutoEncoder, ResidualAutoEncoder)
}


def build_model(
    name: str,
    *,
    size_px: int = 64,
    kernel_size_px: int = 3,
    activation: str = "relu",
    dropout: float = 0.2,
    latent_dim: int | None = None,
    is_sampling_in_evaluation: bool = False,
    seed: int = 0,
) -> Model:
    """Return a model with freshly drawn weights, on the CPU.

    The weights depend on `seed` alone, not on the device the model goes to or on what was drawn before.

    Parameters
    ----------
    name : str
        ``ae``, ``vae`` or ``residual``.
    size_px : int
        Edge of a patch, px; a multiple of 8.
    kernel_size_px : int
        Edge of the encoder's kernels, px: 3 or 5 (ae and vae).
    activation : str
        ``relu``, ``selu``, ``elu`` or ``leaky_relu``.
    dropout : float
        Share of encoder feature maps dropped in training, in [0, 1) (ae and vae).
    latent_dim : int, optional
        Numbers in the code of a patch; None for the VAE's 128 and an autoencoder's feature maps.
    is_sampling_in_evaluation : bool
        Whether the code is drawn in evaluation too (vae only).
    seed : int
        Seed of the weights.

    Returns
    -------
    AutoEncoder, VariationalAutoEncoder or ResidualAutoEncoder

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
            return AutoEncoder(
                size_px=size_px,
                kernel_size_px=kernel_size_px,
                activation=activation,
                dropout=dropout,
                latent_dim=latent_dim,
            )
        if name == ResidualAutoEncoder.name:
            return ResidualAutoEncoder(size_px=size_px, activation=activation, latent_dim=latent_dim)
        return VariationalAutoEncoder(
            size_px=size_px,
            kernel_size_px=kernel_size_px,
            activation=activation,
            dropout=dropout,
            latent_dim=VAE_LATENT_DIM if latent_dim is None else latent_dim,
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
