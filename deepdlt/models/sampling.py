"""Patches that a VAE imagines."""

import torch
from torch import Tensor

from deepdlt.models import VariationalAutoEncoder
from deepdlt.seeds import derive_seed

BATCH = 256


def sample_prior(vae: VariationalAutoEncoder, *, n: int, seed: int = 0, temperature: float = 1.0) -> Tensor:
    """Decode codes drawn from the standard normal prior.

    The codes are drawn on the CPU, so a seed means the same codes on every device. The decoder runs
    in evaluation mode; the model's own mode is left as it was.

    Parameters
    ----------
    vae : VariationalAutoEncoder
    n : int
        Patches wanted, at least 1.
    seed : int
        Seed of the codes.
    temperature : float
        Standard deviation of the codes, not negative: 1 is the prior, 0 gives the decoder's answer
        to the prior's mean n times.

    Returns
    -------
    Tensor of float32, shape (n, 1, S, S)
        In [0, 1], on the CPU.

    Raises
    ------
    ValueError
        If `n` is below 1 or the temperature is negative.

    Examples
    --------
    >>> sample_prior(VariationalAutoEncoder(size_px=16), n=2).shape
    torch.Size([2, 1, 16, 16])
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    if temperature < 0:
        raise ValueError(f"temperature must not be negative, got {temperature}")
    stream = torch.Generator()
    stream.manual_seed(derive_seed(seed, "prior"))
    codes = temperature * torch.randn(n, vae.latent_dim, generator=stream)  # (n, L)
    device = vae.fc_decoder.weight.device
    was_training = vae.training
    vae.eval()
    with torch.inference_mode():
        parts = [vae.decode(part.to(device)).cpu() for part in torch.split(codes, BATCH)]
    vae.train(was_training)
    return torch.cat(parts).contiguous()
