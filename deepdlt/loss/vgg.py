"""The convolutions of VGG16 with weights from a file that the user points to.

Nothing is downloaded. The file is a safetensors file of a state dict with torchvision's names,
``features.0.weight`` and so on; whatever else is in it is left aside.
"""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from deepdlt.errors import DeepdltError
from deepdlt.loss.features import FeatureDistance

LAYERS: tuple[int | Literal["pool"], ...] = (64, 64, "pool", 128, 128, "pool", 256, 256, 256, "pool", 512, 512, 512)
"""Channels of configuration D of Simonyan and Zisserman 2015, doi:10.48550/arXiv.1409.1556, to its fourth
block. The fifth sees 4 x 4 places of a 64 px patch, too few to compare."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Of red, green and blue on [0, 1]: what the network was trained to expect."""

PREFIX = "features."

MIN_SIZE_PX = 8
"""Three poolings halve the edge."""


class WeightsUnusable(DeepdltError):
    """A weights file is missing or is not VGG16's."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(
            f"{path} does not give VGG16's weights: {reason}. Nothing is downloaded: write the state dict of a "
            "VGG16 that you have (torchvision's names) with safetensors.torch.save_file, and point to that file"
        )


class GreyToImageNet(nn.Module):
    """Give grey patches on [0, 1] the three channels and the scale of ImageNet: (B, 1, S, S) to (B, 3, S, S)."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))

    def forward(self, patches: Tensor) -> Tensor:
        """Return the same grey in every channel, normalised."""
        if patches.shape[-1] < MIN_SIZE_PX:
            raise ValueError(f"VGG16 needs patches of {MIN_SIZE_PX} px or more, got {patches.shape[-1]} px")
        return (patches - self.mean) / self.std


def vgg16_distance(path: Path) -> FeatureDistance:
    """Return the perceptual distance: features of VGG16 after the last activation of its first four blocks.

    Parameters
    ----------
    path : Path
        Safetensors file with at least the tensors ``features.N.weight`` and ``features.N.bias`` of
        these blocks, with or without ``features.`` in front.

    Returns
    -------
    FeatureDistance

    Raises
    ------
    WeightsUnusable
        If there is no such file, it is no safetensors file, or a tensor is missing, has another
        shape or is not finite.

    References
    ----------
    Johnson et al. 2016, doi:10.1007/978-3-319-46475-6_43
    """
    layers = _layers()
    shapes = {
        f"{index}.{name}": tuple(tensor.shape)
        for index, layer in enumerate(layers)
        for name, tensor in layer.state_dict().items()
    }
    tensors = _read(path, shapes)
    for index, layer in enumerate(layers):
        names = layer.state_dict()
        layer.load_state_dict({name: tensors[f"{index}.{name}"] for name in names}, assign=True)
    starts = [0, *(index for index, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)), len(layers)]
    first, *others = (nn.Sequential(*layers[a:b]) for a, b in pairwise(starts))
    return FeatureDistance(nn.Sequential(GreyToImageNet(), *first), *others)


def _layers() -> list[nn.Module]:
    """Return the layers in torchvision's order, without numbers in them and without a random draw."""
    layers: list[nn.Module] = []
    n_in = 3
    for layer in LAYERS:
        if layer == "pool":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(n_in, layer, 3, padding=1, device="meta"), nn.ReLU()]
            n_in = layer
    return layers


def _read(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Read the tensors of these names in float32, and refuse the file with all that does not fit."""
    if not path.is_file():
        raise WeightsUnusable(path, "there is no such file")
    try:
        with safe_open(path, framework="pt") as file:
            present = set(file.keys())
            prefix = PREFIX if any(name.startswith(PREFIX) for name in present) else ""
            wanted = {name: prefix + name for name in shapes}
            tensors = {name: file.get_tensor(key).float() for name, key in wanted.items() if key in present}
    except (OSError, SafetensorError) as error:
        raise WeightsUnusable(path, str(error)) from error
    faults = [f"{wanted[name]} {fault}" for name in shapes if (fault := _fault_of(tensors.get(name), shapes[name]))]
    if faults:
        raise WeightsUnusable(path, "; ".join(faults))
    return tensors


def _fault_of(tensor: Tensor | None, shape: tuple[int, ...]) -> str:
    """Say what is wrong with a tensor; nothing is an empty text."""
    if tensor is None:
        return "is missing"
    if tuple(tensor.shape) != shape:
        return f"has shape {tuple(tensor.shape)}, not {shape}"
    return "" if bool(tensor.isfinite().all()) else "is not finite"
