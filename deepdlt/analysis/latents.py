"""The codes of patches: what an encoder makes of them, without noise."""

import numpy as np
import torch
from numpy.typing import NDArray

from deepdlt.inputs.transforms import view_patches
from deepdlt.models import Model
from deepdlt.models.blocks import CodeKind
from deepdlt.training.patchset import Index, PatchSet

BATCH = 512


def encode_patches(
    model: Model, patches: PatchSet, index: Index, *, target_range: str, view: str = "pixels", threshold: float = 0.1
) -> tuple[NDArray[np.float32], CodeKind]:
    """Return a few numbers for each patch: its code, or what stands for it.

    Parameters
    ----------
    model : AutoEncoder, VariationalAutoEncoder or ResidualAutoEncoder
        On the patches' device; put into evaluation mode.
    patches : PatchSet
    index : sequence, ndarray or Tensor of int, shape (n,)
        Rows to encode.
    target_range : str
        ``signed`` or ``unit``: what the model was trained on.
    view, threshold : str, float
        What it was trained to reconstruct, see `deepdlt.inputs.transforms.view_patches`.

    Returns
    -------
    codes : ndarray of float32, shape (n, L)
    code_kind : {"mu", "bottleneck", "map_means"}
        The mean of a VAE's code, an autoencoder's bottleneck, or the mean of each map of a code of maps.

    Raises
    ------
    ValueError
        If the index is empty or leaves the set, or a name is not known.
    """
    model.eval()
    parts = []
    with torch.inference_mode():
        for rows in torch.split(patches.index(index), BATCH):
            batch = patches.batch(rows, target_range=target_range)
            seen = view_patches(batch, view=view, target_range=target_range, threshold=threshold)
            parts.append(model.mean_code(seen).cpu())
    return torch.cat(parts).numpy(), model.code_kind
