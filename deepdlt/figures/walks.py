"""Ways through the code of a variational autoencoder: from patch to patch, and along one number."""

from collections.abc import Sequence

import torch
from torch import Tensor

from deepdlt.models import VariationalAutoEncoder


def interpolate(vae: VariationalAutoEncoder, starts: Tensor, ends: Tensor, *, shares: Sequence[float]) -> Tensor:
    """Decode codes on the straight way from one patch's mean code to another's.

    Parameters
    ----------
    vae : VariationalAutoEncoder
        Put into evaluation mode.
    starts, ends : Tensor of float32, shape (n, 1, S, S)
        On the target range, on the model's device.
    shares : sequence of float
        How far on the way: 0 gives the start's code, 1 the end's.

    Returns
    -------
    Tensor of float32, shape (n, steps, S, S)
        In [0, 1], on the CPU.

    Raises
    ------
    ValueError
        If there are not as many ends as starts, or no step.
    """
    if starts.shape != ends.shape or not shares:
        raise ValueError(f"starts {tuple(starts.shape)}, ends {tuple(ends.shape)} and {len(shares)} steps do not fit")
    vae.eval()
    with torch.inference_mode():
        first, last = vae.mean_code(starts), vae.mean_code(ends)  # (n, L) each
        ways = [vae.decode(torch.lerp(first, last, share))[:, 0] for share in shares]  # (n, S, S) each
    return torch.stack(ways, 1).cpu()  # (n, steps, S, S)


def traverse(vae: VariationalAutoEncoder, patch: Tensor, *, numbers: Sequence[int], steps: Sequence[float]) -> Tensor:
    """Decode a patch's mean code with one of its numbers set to each of some values.

    Parameters
    ----------
    vae : VariationalAutoEncoder
        Put into evaluation mode.
    patch : Tensor of float32, shape (1, 1, S, S)
        On the target range, on the model's device.
    numbers : sequence of int
        Places in the code, from 0.
    steps : sequence of float
        Values; the prior has mean 0 and standard deviation 1.

    Returns
    -------
    Tensor of float32, shape (n, steps, S, S)
        In [0, 1], on the CPU.

    Raises
    ------
    ValueError
        If a place is not in the code, or there is nothing to do.
    """
    if not numbers or not steps or not all(0 <= number < vae.latent_dim for number in numbers):
        raise ValueError(f"numbers must be places in a code of {vae.latent_dim} and steps not empty, got {numbers}")
    vae.eval()
    with torch.inference_mode():
        codes = vae.mean_code(patch).repeat(len(numbers), len(steps), 1)  # (1, L) -> (n, steps, L)
        for row, number in enumerate(numbers):
            codes[row, :, number] = torch.tensor(steps, device=codes.device)
        decoded = vae.decode(codes.flatten(0, 1))[:, 0]  # (n * steps, S, S)
    return decoded.reshape(len(numbers), len(steps), *decoded.shape[1:]).cpu()


def information_of_numbers(vae: VariationalAutoEncoder, patches: Tensor) -> Tensor:
    """Return how much each number of the code says: its mean KL divergence from the prior.

    Parameters
    ----------
    vae : VariationalAutoEncoder
        Put into evaluation mode.
    patches : Tensor of float32, shape (n, 1, S, S)
        On the target range, on the model's device.

    Returns
    -------
    Tensor of float32, shape (L,)
        Nats; 0 for a number that the encoder leaves to the prior. On the CPU.
    """
    vae.eval()
    with torch.inference_mode():
        mu, log_var = vae.encode(patches)  # (n, L) each
        divergence: Tensor = 0.5 * (mu.square() + log_var.exp() - 1 - log_var)  # (n, L)
    return divergence.mean(0).cpu()
