"""Noise for denoising autoencoders: it goes onto the input, never onto the target."""

import torch
from torch import Tensor

from deepdlt.inputs.scale import check_patches, widened
from deepdlt.training.target_ranges import range_bounds


def add_gaussian_noise(patches: Tensor, *, std: float, target_range: str, generator: torch.Generator) -> Tensor:
    """Add independent normal noise to every pixel, then clip into the range.

    Parameters
    ----------
    patches : Tensor of float, shape (B, 1, S, S)
        On the target range. Not changed.
    std : float
        Standard deviation before clipping, as a share of the distance from black to white, not
        negative: 0.1 is 25.5 grey levels of 8 bits on either range.
    target_range : str
        ``signed`` or ``unit``.
    generator : torch.Generator
        On the device of the patches.

    Returns
    -------
    Tensor, same shape and dtype
        On the target range.

    Raises
    ------
    ValueError
        If the shape, the range or `std` is out of bounds.
    TypeError
        If the patches are no floats.
    """
    check_patches(patches)
    if not 0 <= std < float("inf"):
        raise ValueError(f"the standard deviation of the noise must be finite and not negative, got {std}")
    low, high = range_bounds(target_range)
    wide = widened(patches)
    noise = torch.empty_like(wide).normal_(0, 1, generator=generator)
    return (wide + std * (high - low) * noise).clamp(low, high).to(patches.dtype)


def add_salt_and_pepper(patches: Tensor, *, share: float, target_range: str, generator: torch.Generator) -> Tensor:
    """Replace pixels by white or black, one as likely as the other, each pixel for itself.

    Parameters
    ----------
    patches : Tensor of float, shape (B, 1, S, S)
        On the target range. Not changed.
    share : float
        Chance of a pixel to be replaced, in [0, 1].
    target_range : str
        ``signed`` or ``unit``.
    generator : torch.Generator
        On the device of the patches.

    Returns
    -------
    Tensor, same shape and dtype
        On the target range; pixels that were not replaced are bit for bit what they were.

    Raises
    ------
    ValueError
        If the shape, the range or `share` is out of bounds.
    TypeError
        If the patches are no floats.
    """
    check_patches(patches)
    if not 0 <= share <= 1:
        raise ValueError(f"the share of replaced pixels must be in [0, 1], got {share}")
    low, high = range_bounds(target_range)
    # Drawn in float32 whatever the patches are: half precision is too coarse for small shares.
    draw = torch.rand(patches.shape, generator=generator, device=patches.device)
    return patches.masked_fill(draw < share / 2, low).masked_fill(draw >= 1 - share / 2, high)
