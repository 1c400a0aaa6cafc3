"""torchvision's `ToTensor` and `Normalize`, line by line as torchvision defines them for an 8-bit grey picture."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def to_tensor(picture: Image.Image) -> Tensor:
    """Return a grey picture as float32 in [0, 1], (1, M, N)."""
    image = torch.from_numpy(np.array(picture, np.uint8, copy=True))
    image = image.view(picture.size[1], picture.size[0], 1)  # (M, N, 1)
    image = image.permute((2, 0, 1)).contiguous()  # (1, M, N)
    return image.to(dtype=torch.get_default_dtype()).div(255)


def normalize(image: Tensor, mean: list[float], std: list[float]) -> Tensor:
    """Return ``(image - mean) / std`` channel by channel."""
    image = image.clone()
    means = torch.as_tensor(mean, dtype=image.dtype, device=image.device).view(-1, 1, 1)
    stds = torch.as_tensor(std, dtype=image.dtype, device=image.device).view(-1, 1, 1)
    return image.sub_(means).div_(stds)
