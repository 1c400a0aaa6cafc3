"""What a model makes of patches."""

import torch
from torch import Tensor

from deepdlt.inputs.transforms import view_patches
from deepdlt.models import Model, set_noise
from deepdlt.seeds import derive_seed
from deepdlt.training.patchset import Index, PatchSet


def reconstruct(
    model: Model,
    patches: PatchSet,
    index: Index,
    *,
    target_range: str,
    seed: int = 0,
    view: str = "pixels",
    threshold: float = 0.1,
) -> tuple[Tensor, Tensor]:
    """Return patches as the model saw them, and as it gives them back.

    Parameters
    ----------
    model : AutoEncoder or VariationalAutoEncoder
        On the patches' device; put into evaluation mode.
    patches : PatchSet
    index : sequence, ndarray or Tensor of int, shape (n,)
        Rows to reconstruct.
    target_range : str
        ``signed`` or ``unit``: what the model was trained on.
    seed : int
        Seed of a VAE that samples in evaluation.
    view, threshold : str, float
        What the model was trained to reconstruct, see `deepdlt.inputs.transforms.view_patches`.

    Returns
    -------
    targets : Tensor of float32, shape (n, 1, S, S)
        On the target range, on the CPU.
    reconstructions : Tensor of float32, shape (n, 1, S, S)
        The model's output, on the CPU.

    Raises
    ------
    ValueError
        If the index is empty or leaves the set, or the range is not known.
    """
    clean = patches.batch(patches.index(index), target_range=target_range)  # (n, 1, S, S)
    targets = view_patches(clean, view=view, target_range=target_range, threshold=threshold)
    noise = torch.Generator(patches.device)
    noise.manual_seed(derive_seed(seed, "reconstruction"))
    set_noise(model.eval(), noise)
    with torch.inference_mode():
        reconstructions = model(targets).reconstruction  # (n, 1, S, S)
    set_noise(model, None)
    return targets.cpu(), reconstructions.cpu()
