"""What both models are made of: encoder, decoder, seeded dropout, named activations."""

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

CHANNELS = (32, 64, 128)
"""Feature maps of the three encoder stages; the decoder mirrors them."""

REDUCTION = 8
"""Three stages halve the edge: 64 px become 8."""

LEAKY_SLOPE = 0.1

CodeKind = Literal["mu", "bottleneck", "map_means"]
"""What a model's `mean_code` is: the mean of a Gaussian code, a bottleneck, or the means of its code's maps."""

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "elu": nn.ELU,
    "leaky_relu": partial(nn.LeakyReLU, LEAKY_SLOPE),
    "relu": nn.ReLU,
    "selu": nn.SELU,
}
"""All of them rise monotonically, which `EncoderStage` relies on."""


class Reconstruction(NamedTuple):
    """What a model gives back for a batch."""

    reconstruction: Tensor
    """Decoder output in [0, 1], same shape as the input, (B, 1, S, S)."""
    mu: Tensor | None = None
    """Mean of the code, (B, L); None for an autoencoder."""
    log_var: Tensor | None = None
    """Log variance of the code, (B, L); None for an autoencoder."""


def build_activation(name: str) -> nn.Module:
    """Return the activation of that name.

    Parameters
    ----------
    name : str
        One of `ACTIVATIONS`.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    ValueError
        If there is no such activation.
    """
    if name not in ACTIVATIONS:
        raise ValueError(f"activation {name!r} is not known: use one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]()


def code_edge_px(size_px: int) -> int:
    """Return the edge of the feature maps between encoder and decoder.

    Parameters
    ----------
    size_px : int
        Edge of a patch, px.

    Returns
    -------
    int
        ``size_px / 8``.

    Raises
    ------
    ValueError
        If the patch cannot be halved three times.
    """
    if size_px < REDUCTION or size_px % REDUCTION:
        raise ValueError(f"a patch of {size_px} px cannot be halved three times: use a multiple of {REDUCTION}")
    return size_px // REDUCTION


class Noisy(nn.Module):
    """A module that draws random numbers, from `generator` where one is set."""

    generator: torch.Generator | None = None


def set_noise(model: nn.Module, generator: torch.Generator | None) -> None:
    """Let every random draw inside a model come from one generator.

    Parameters
    ----------
    model : torch.nn.Module
        Its dropout and its sampling are affected.
    generator : torch.Generator or None
        On the model's device; None goes back to torch's global stream.
    """
    for module in model.modules():
        if isinstance(module, Noisy):
            module.generator = generator


def use_channels_last(model: nn.Module) -> None:
    """Lay the weights out channels last, which makes convolutions on a CPU faster and changes no number's meaning."""
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stubs


class ChannelDropout(Noisy):
    """Drop whole feature maps in training, like `torch.nn.Dropout2d`, from a stream of its own.

    Parameters
    ----------
    p : float
        Share of maps dropped, in [0, 1).

    Raises
    ------
    ValueError
        If `p` is out of bounds.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"dropout must be in [0, 1), got {p}")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` (B, C, H, W) with maps dropped and the others scaled up, or `x` itself in evaluation."""
        if not self.training or self.p == 0:
            return x
        keep = x.new_empty((*x.shape[:2], 1, 1)).bernoulli_(1 - self.p, generator=self.generator)  # (B, C, 1, 1)
        return x * keep.div_(1 - self.p)

    def extra_repr(self) -> str:
        """Say the share in `repr`."""
        return f"p={self.p}"


class EncoderStage(nn.Sequential):
    """Convolution, batch norm, then pool *before* activation and dropout.

    The report pools last. A maximum passes unchanged through any rising function and through a
    factor common to a whole map, so this order is the same function, to the last bit, on a quarter
    of the pixels.
    """

    def __init__(self, n_in: int, n_out: int, *, kernel_size_px: int, activation: str, dropout: float) -> None:
        super().__init__(
            nn.Conv2d(n_in, n_out, kernel_size_px, padding=kernel_size_px // 2),
            nn.BatchNorm2d(n_out),
            nn.MaxPool2d(2),
            build_activation(activation),
            ChannelDropout(dropout),
        )


class Encoder(nn.Sequential):
    """Three stages: (B, 1, S, S) to (B, 128, S/8, S/8)."""

    def __init__(self, *, kernel_size_px: int, activation: str, dropout: float) -> None:
        if kernel_size_px not in (3, 5):
            raise ValueError(f"kernel_size_px must be 3 or 5, got {kernel_size_px}")
        pairs = zip((1, *CHANNELS), CHANNELS, strict=False)
        super().__init__(
            *(
                EncoderStage(n_in, n_out, kernel_size_px=kernel_size_px, activation=activation, dropout=dropout)
                for n_in, n_out in pairs
            )
        )


class Decoder(nn.Sequential):
    """Three doublings of the edge: (B, 128, S/8, S/8) to (B, 1, S, S) in [0, 1]."""

    def __init__(self, *, activation: str) -> None:
        layers: list[nn.Module] = []
        for n_in, n_out in zip(CHANNELS[:0:-1], CHANNELS[-2::-1], strict=True):
            layers += [nn.ConvTranspose2d(n_in, n_out, 2, 2), nn.BatchNorm2d(n_out), build_activation(activation)]
        super().__init__(*layers, nn.ConvTranspose2d(CHANNELS[0], 1, 2, 2), nn.Sigmoid())
