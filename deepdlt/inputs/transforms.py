"""What is done to a batch of clean patches before a model sees it.

Three things, in this order: flips and turns (`deepdlt.inputs.symmetry`), a view (`deepdlt.inputs.spectrum`),
corruption (`deepdlt.inputs.corruption`). Turn and view make input *and* target; corruption is for the
input alone, so that a model learns to take it away. In scoring, give the view only.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from deepdlt.inputs.corruption import add_gaussian_noise, add_salt_and_pepper
from deepdlt.inputs.scale import check_patches
from deepdlt.inputs.spectrum import fft_denoise, fourier_view
from deepdlt.inputs.symmetry import draw_symmetries, turn_patches
from deepdlt.training.target_ranges import range_bounds

VIEWS = ("pixels", "fft_denoised", "fourier")
CORRUPTIONS = ("none", "gaussian", "salt_and_pepper")


class Example(NamedTuple):
    """What a model is given and what it is to reconstruct."""

    input: Tensor
    """(B, 1, S, S), on the target range."""
    target: Tensor
    """(B, 1, S, S), on the target range, never corrupted; the very same tensor as `input` without corruption."""
    symmetries: Tensor | None = None
    """How each patch was turned, (B,), values of `deepdlt.inputs.symmetry.Symmetry`; None where none was."""


def view_patches(patches: Tensor, *, view: str, target_range: str, threshold: float = 0.1) -> Tensor:
    """Return patches as pixels, with weak Fourier components left out, or as spectra.

    Parameters
    ----------
    patches : Tensor of float, shape (B, 1, S, S)
        On the target range.
    view : str
        ``pixels`` (nothing is done), ``fft_denoised`` or ``fourier``.
    target_range : str
        ``signed`` or ``unit``.
    threshold : float
        Least magnitude that stays, relative to the largest one, in [0, 1] (``fft_denoised`` only).

    Returns
    -------
    Tensor, same shape and dtype
        On the target range.

    Raises
    ------
    ValueError
        If a name is not known, or the shape or the threshold is out of bounds.
    TypeError
        If the patches are no floats.
    """
    check_patches(patches)
    range_bounds(target_range)
    if view not in VIEWS:
        raise ValueError(f"view {view!r} is not known: use one of {', '.join(VIEWS)}")
    if view == "fft_denoised":
        return fft_denoise(patches, threshold=threshold, target_range=target_range)
    return fourier_view(patches, target_range=target_range) if view == "fourier" else patches


def corrupt(patches: Tensor, *, corruption: str, level: float, target_range: str, generator: torch.Generator) -> Tensor:
    """Return patches with noise on them.

    Parameters
    ----------
    patches : Tensor of float, shape (B, 1, S, S)
        On the target range. Not changed.
    corruption : str
        ``none``, ``gaussian`` or ``salt_and_pepper``.
    level : float
        Standard deviation as a share of the range (``gaussian``), or share of pixels (``salt_and_pepper``).
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
        If a name is not known, or the shape or the level is out of bounds.
    TypeError
        If the patches are no floats.
    """
    check_patches(patches)
    range_bounds(target_range)
    if corruption not in CORRUPTIONS:
        raise ValueError(f"corruption {corruption!r} is not known: use one of {', '.join(CORRUPTIONS)}")
    if corruption == "gaussian":
        return add_gaussian_noise(patches, std=level, target_range=target_range, generator=generator)
    if corruption == "salt_and_pepper":
        return add_salt_and_pepper(patches, share=level, target_range=target_range, generator=generator)
    return patches


def make_example(
    patches: Tensor,
    *,
    target_range: str,
    generator: torch.Generator,
    is_turned: bool = False,
    view: str = "pixels",
    threshold: float = 0.1,
    corruption: str = "none",
    level: float = 0.0,
) -> Example:
    """Turn, view and corrupt a batch for one training step.

    Parameters
    ----------
    patches : Tensor of float, shape (B, 1, S, S)
        Clean, on the target range. Not changed.
    target_range : str
        ``signed`` or ``unit``.
    generator : torch.Generator
        On the device of the patches. Nothing is drawn from it without turns or corruption.
    is_turned : bool
        Whether each patch is flipped and turned by an element drawn for it.
    view, threshold : str, float
        See `view_patches`.
    corruption, level : str, float
        See `corrupt`.

    Returns
    -------
    Example

    Raises
    ------
    ValueError
        If a name is not known, or the shape or a number is out of bounds.
    TypeError
        If the patches are no floats.

    Examples
    --------
    >>> grey = torch.full((2, 1, 8, 8), 0.5)
    >>> stream = torch.Generator().manual_seed(0)
    >>> noisy, target, _ = make_example(grey, target_range="unit", generator=stream, corruption="gaussian", level=0.1)
    >>> bool((noisy != grey).any()), target is grey
    (True, True)
    """
    symmetries = draw_symmetries(len(patches), generator=generator) if is_turned else None
    turned = patches if symmetries is None else turn_patches(patches, symmetries)
    target = view_patches(turned, view=view, target_range=target_range, threshold=threshold)
    noisy = corrupt(target, corruption=corruption, level=level, target_range=target_range, generator=generator)
    return Example(noisy, target, symmetries)
