"""K models of one architecture as one network: every layer computes all of them at once.

The layers stay those of the model; here stands what each becomes when its weights are K sets. Feature
maps lie side by side as channels, (B, K C, H, W): convolutions have K groups, and batch norm, which
looks at each channel for itself, needs no change. Rows of features are (K, R, C), and matrix products
go in batches. No layer lets one model see another, in value or in gradient.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepdlt.models import Model, Reconstruction
from deepdlt.models.blocks import (
    REDUCTION,
    ChannelDropout,
    Decoder,
    Doubling,
    FirstStage,
    Noisy,
    kernel_moments,
)
from deepdlt.models.residual import ResidualBlock
from deepdlt.models.variational import VariationalAutoEncoder

SAME = (nn.MaxPool2d, nn.PixelShuffle, nn.PixelUnshuffle, nn.Sigmoid, nn.ReLU, nn.ELU, nn.SELU, nn.LeakyReLU)
"""Layers that look at each channel, or at each run of channels of one model, for themselves."""


class GroupedModel:
    """The training form of K models of one architecture.

    Parameters
    ----------
    template : Model
        Says which layers there are; its own weights do not matter.

    Examples
    --------
    >>> from deepdlt.models import build_model
    >>> models = [build_model("ae", size_px=16, dropout=0.0, seed=seed).train() for seed in range(2)]
    >>> weights = {name: torch.stack([dict(model.named_parameters())[name] for model in models])
    ...            for name, _ in models[0].named_parameters()}
    >>> statistics = {name: torch.stack([dict(model.named_buffers())[name] for model in models])
    ...               for name, _ in models[0].named_buffers()}
    >>> patches = torch.rand(2, 4, 1, 16, 16)
    >>> together = GroupedModel(models[0])(patches, weights, statistics, []).reconstruction
    >>> alone = torch.stack([model(batch).reconstruction for model, batch in zip(models, patches)])
    >>> torch.allclose(together, alone.flatten(0, 1), atol=1e-6)
    True
    """

    def __init__(self, template: Model) -> None:
        self._template = template
        self._names = {module: name for name, module in template.named_modules()}

    def __call__(
        self, x: Tensor, weights: Mapping[str, Tensor], statistics: Mapping[str, Tensor], noise: "list[Tensor]"
    ) -> Reconstruction:
        """Reconstruct K batches, each with its own model, in training mode.

        Parameters
        ----------
        x : Tensor of float32, shape (K, B, 1, S, S)
            A batch for each model.
        weights : mapping of str to Tensor, shape (K, ...)
            Parameters of the K models by name.
        statistics : mapping of str to Tensor, shape (K, C)
            Running means and variances by name; moved in place, as batch norm does.
        noise : list of Tensor, shape (K, B, n)
            As `draw_noise` gives it.

        Returns
        -------
        Reconstruction
            `reconstruction` (K B, 1, S, S), model by model; `mu` and `log_var` (K B, L) of a VAE.
        """
        step = _Pass(self._names, weights, statistics, iter(noise), n_models=len(x))
        model = self._template
        maps = step.through(model.encoder, x[:, :, 0].transpose(0, 1))  # (B, K, S, S) -> (B, K C, H, W)
        if isinstance(model, VariationalAutoEncoder):
            features = _rows(maps, len(x))  # (K, B, 2 S^2)
            mu, log_var = step.linear(model.fc_mu, features), step.linear(model.fc_logvar, features)  # (K, B, L)
            code = mu + torch.exp(0.5 * log_var) * next(step.noise)
            maps = _maps(step.linear(model.fc_decoder, code), model.map_shape)
            return Reconstruction(step.decoded(model.decoder, maps), mu.flatten(0, 1), log_var.flatten(0, 1))
        if model.has_bottleneck:
            code = step.linear(model.fc_code, _rows(maps, len(x)))
            maps = _maps(step.linear(model.fc_decoder, code), model.map_shape)
        return Reconstruction(step.decoded(model.decoder, maps))


def draw_noise(model: Model, generators: "list[torch.Generator]", n_patches: int) -> list[Tensor]:
    """Draw what a training step of K models needs of chance, each model from a stream of its own.

    Bit for bit what K single models would draw from these streams.

    Parameters
    ----------
    model : Model
        One of the K.
    generators : list of torch.Generator
        One a model, on the device.
    n_patches : int
        Patches of each model's batch, B.

    Returns
    -------
    list of Tensor of float32, shape (K, B, n)
        In the order in which a pass uses it: factors on the maps of each dropout, then the noise on a VAE's code.
    """
    drawn: list[Tensor] = []
    for layer, n in _noisy_layers(model):
        numbers = torch.empty((len(generators), n_patches, n), device=generators[0].device)
        for row, generator in zip(numbers, generators, strict=True):
            if isinstance(layer, ChannelDropout):
                row.bernoulli_(1 - layer.p, generator=generator)
            else:
                row.normal_(generator=generator)
        drawn.append(numbers.div_(1 - layer.p) if isinstance(layer, ChannelDropout) else numbers)
    return drawn


def _noisy_layers(model: Model) -> Iterator[tuple[Noisy, int]]:
    """Yield the layers that draw in a training step, in their order, and how many numbers a patch each needs."""
    n_maps = 0
    for layer in model.encoder.modules():
        if isinstance(layer, nn.Conv2d):
            n_maps = layer.out_channels
        if isinstance(layer, ChannelDropout) and layer.p > 0:
            yield layer, n_maps
    if isinstance(model, VariationalAutoEncoder):
        yield model, model.latent_dim


@dataclass(frozen=True)
class _Pass:
    """One pass through the layers of K models."""

    names: Mapping[nn.Module, str]
    weights: Mapping[str, Tensor]
    statistics: Mapping[str, Tensor]
    noise: Iterator[Tensor]
    n_models: int

    def through(self, layer: nn.Module, x: Tensor) -> Tensor:
        """Return what a layer makes of its input."""
        for kind, method in _LAYERS.items():
            if isinstance(layer, kind):
                return method(self, layer, x)
        raise TypeError(f"{type(layer).__name__} has no grouped form: give it one in {__name__}")

    def decoded(self, decoder: nn.Module, maps: Tensor) -> Tensor:
        """Return patches, model by model: (B, K C, H, W) to (K B, 1, S, S)."""
        return self.through(decoder, maps).transpose(0, 1).flatten(0, 1)[:, None]

    def weight(self, layer: nn.Module, name: str) -> Tensor | None:
        """Return the K sets of one parameter of a layer, (K, ...); None where it has none."""
        return self.weights.get(f"{self.names[layer]}.{name}")

    def linear(self, layer: nn.Module, rows: Tensor) -> Tensor:
        """Return rows (K, R, C_in) as rows (K, R, C_out)."""
        weight, bias = cast("Tensor", self.weight(layer, "weight")), cast("Tensor", self.weight(layer, "bias"))
        return torch.baddbmm(bias[:, None], rows, weight.mT)

    def sequence(self, layer: nn.Module, x: Tensor) -> Tensor:
        """Go through layers one after another."""
        for child in layer.children():
            x = self.through(child, x)
        return x

    def same(self, layer: nn.Module, x: Tensor) -> Tensor:
        """Go through a layer that does not mind how many models there are."""
        return cast("Tensor", layer(x))

    def convolution(self, layer: nn.Module, x: Tensor) -> Tensor:
        """Convolve the maps of each model with its own kernels."""
        padding = cast("nn.Conv2d", layer).padding
        weight, bias = cast("Tensor", self.weight(layer, "weight")), self.weight(layer, "bias")
        flat = None if bias is None else bias.flatten()
        return functional.conv2d(x, weight.flatten(0, 1), flat, padding=padding, groups=self.n_models)

    def norm(self, layer: nn.Module, x: Tensor) -> Tensor:
        """Normalise each channel of each model over its batch, and move the running statistics."""
        norm = cast("nn.BatchNorm2d", layer)
        mean, variance = self._running(layer)
        weight, bias = (cast("Tensor", self.weight(layer, name)).flatten() for name in ("weight", "bias"))
        momentum = cast("float", norm.momentum)
        return functional.batch_norm(x, mean, variance, weight, bias, True, momentum, norm.eps)

    def dropout(self, layer: nn.Module, x: Tensor) -> Tensor:
        """Take the factors on maps that were drawn before."""
        if cast("ChannelDropout", layer).p == 0:
            return x
        factors = next(self.noise).transpose(0, 1).flatten(1)  # (K, B, C) -> (B, K C)
        return x * factors[:, :, None, None].to(x.dtype)

    def first_stage(self, layer: nn.Module, x: Tensor) -> Tensor:
        """See `FirstStage`: batch norm from the moments of the pixels, folded into the convolution."""
        convolution, norm, *later = layer.children()
        edge_px = cast("nn.Conv2d", convolution).kernel_size[0]
        weight, bias = (cast("Tensor", self.weight(convolution, name)) for name in ("weight", "bias"))
        gain, shift = (cast("Tensor", self.weight(norm, name)) for name in ("weight", "bias"))
        moments = kernel_moments(x.transpose(0, 1)[:, :, None], kernel_size_px=edge_px)
        pixel_mean, covariance, n_places = moments  # (K, k k), (K, k k, k k)
        kernels = weight.flatten(2).to(pixel_mean.dtype)  # (K, C, k k)
        mean = (kernels @ pixel_mean[..., None])[..., 0].to(x.dtype) + bias  # (K, C)
        variance = ((kernels @ covariance) * kernels).sum(-1).to(x.dtype)
        self._move_running(cast("nn.BatchNorm2d", norm), mean, variance * (n_places / (n_places - 1)))
        scale = gain / (variance + cast("nn.BatchNorm2d", norm).eps).sqrt()
        folded = weight * scale[..., None, None, None]  # (K, C, 1, k, k)
        bias = shift + scale * (bias - mean)
        maps = functional.conv2d(x, folded.flatten(0, 1), bias.flatten(), padding=edge_px // 2, groups=self.n_models)
        for child in later:
            maps = self.through(child, maps)
        return maps

    def residual(self, layer: nn.Module, x: Tensor) -> Tensor:
        """See `ResidualBlock`."""
        block = cast("ResidualBlock", layer)
        return self.same(block.activation, x + self.through(block.body, x))

    def decoder(self, layer: nn.Module, maps: Tensor) -> Tensor:
        """See `Decoder`: places of all patches of a model as rows, each becoming four of its own."""
        n_patches, _, edge, _ = maps.shape
        *stages, last, sigmoid = layer.children()
        rows = _apart(maps, self.n_models).permute(1, 0, 3, 4, 2).flatten(1, 3)  # (K, B H W, C)
        for doubling, norm, activation in zip(stages[::3], stages[1::3], stages[2::3], strict=True):
            children = self.doubled(doubling, rows).transpose(0, 1)  # (4 R, K, C)
            normed = activation(self.norm(norm, children.flatten(1)))
            rows = _apart(normed, self.n_models).transpose(0, 1)  # (K, 4 R, C)
        pixels: Tensor = sigmoid(self.doubled(last, rows))  # (K, B S S, 1)
        tree = pixels.view(self.n_models * n_patches, edge, edge, *(2,) * 6)  # as in `Decoder`
        upright = tree.permute(0, 1, 3, 5, 7, 2, 4, 6, 8)
        return upright.reshape(self.n_models, n_patches, REDUCTION * edge, REDUCTION * edge).transpose(0, 1)

    def doubled(self, layer: nn.Module, rows: Tensor) -> Tensor:
        """See `Doubling`: (K, R, C_in) to (K, 4 R, C_out)."""
        weight, bias = (cast("Tensor", self.weight(layer, name)) for name in ("weight", "bias"))
        kernels = weight.permute(0, 1, 3, 4, 2).flatten(2)  # (K, C_in, C_out, 2, 2) -> (K, C_in, 4 C_out)
        grown = torch.baddbmm(bias.repeat(1, 4)[:, None], rows, kernels)
        return grown.view(self.n_models, -1, cast("Doubling", layer).out_channels)

    def _running(self, norm: nn.Module) -> tuple[Tensor, Tensor]:
        """Return views of the running statistics of all models, (K C,) each."""
        name = self.names[norm]
        return self.statistics[f"{name}.running_mean"].view(-1), self.statistics[f"{name}.running_var"].view(-1)

    def _move_running(self, norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
        """Move running statistics towards those of a batch, (K, C) each."""
        with torch.no_grad():
            for running, now in zip(self._running(norm), (mean, variance), strict=True):
                running.lerp_(now.detach().flatten(), cast("float", norm.momentum))


_LAYERS: dict[type[nn.Module] | tuple[type[nn.Module], ...], Callable[[_Pass, nn.Module, Tensor], Tensor]] = {
    FirstStage: _Pass.first_stage,
    Decoder: _Pass.decoder,
    ResidualBlock: _Pass.residual,
    ChannelDropout: _Pass.dropout,
    nn.Conv2d: _Pass.convolution,
    nn.BatchNorm2d: _Pass.norm,
    SAME: _Pass.same,
    nn.Sequential: _Pass.sequence,
}
"""The first kind that fits counts."""


def _rows(maps: Tensor, n_models: int) -> Tensor:
    """Return feature maps as rows: (B, K C, H, W) to (K, B, C H W)."""
    return _apart(maps, n_models).transpose(0, 1).flatten(2)


def _apart(maps: Tensor, n_models: int) -> Tensor:
    """Return channels model by model: (B, K C, ...) to (B, K, C, ...)."""
    return maps.view(maps.shape[0], n_models, -1, *maps.shape[2:])


def _maps(rows: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Return rows as feature maps: (K, B, C H W) to (B, K C, H, W)."""
    n_models, n_patches, _ = rows.shape
    return rows.transpose(0, 1).reshape(n_patches, n_models * shape[0], *shape[1:])
