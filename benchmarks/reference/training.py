"""Training epochs and their validation, image by image."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from benchmarks.reference.models import AutoEncoder, VariationalAutoEncoder

WEIGHT_DECAY = 1e-5


def train_autoencoder(
    model: AutoEncoder,
    train: DataLoader[Any],
    val: DataLoader[Any],
    *,
    epochs: int,
    learning_rate: float,
    folder: Path,
) -> list[dict[str, float]]:
    """Train for some epochs, validate after each, keep the best; return what each epoch reached."""
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate, weight_decay=WEIGHT_DECAY, fused=False)
    criterion = nn.MSELoss()
    history: list[dict[str, float]] = []
    for _ in range(epochs):
        model.train()
        total = 0.0
        for inputs, _ in train:
            loss = criterion(model(inputs), inputs)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            total += loss.item() * inputs.size(0)
        history.append({"train_loss": total / _size(train)} | _validate(model, val))
        _keep(model, optimiser, history, folder)
    return history


def train_variational(
    model: VariationalAutoEncoder,
    train: DataLoader[Any],
    val: DataLoader[Any],
    *,
    epochs: int,
    learning_rate: float,
    folder: Path,
) -> list[dict[str, float]]:
    """Train for some epochs, validate after each by the loss alone, as published; losses are per patch."""
    optimiser = torch.optim.Adam(model.parameters(), lr=learning_rate, weight_decay=WEIGHT_DECAY, fused=False)
    history: list[dict[str, float]] = []
    for _ in range(epochs):
        model.train()
        total = 0.0
        for inputs, _ in train:
            loss = _variational_loss(model, inputs)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            val_total = sum(_variational_loss(model, inputs).item() for inputs, _ in val)
        history.append({"train_loss": total / _size(train), "val_loss": val_total / _size(val)})
        _keep(model, optimiser, history, folder)
    return history


def score_image(target: NDArray[np.float32], output: NDArray[np.float32]) -> tuple[float, float]:
    """Return the report's PSNR in dB, and its SSIM, of one patch."""
    psnr = peak_signal_noise_ratio(target, output, data_range=target.max() - target.min())  # type: ignore[no-untyped-call]
    stretched = _stretched(target), _stretched(output)
    ssim = structural_similarity(*stretched, data_range=1.0, win_size=5)  # type: ignore[no-untyped-call]
    return float(psnr), float(ssim)


def test_loss(model: AutoEncoder, test: DataLoader[Any]) -> float:
    """Return the mean squared error of the test patches."""
    model.eval()
    with torch.no_grad():
        total = sum((functional.mse_loss(model(inputs), inputs).item() * inputs.size(0) for inputs, _ in test), 0.0)
    return float(total / _size(test))


def _size(loader: DataLoader[Any]) -> int:
    """Return the number of patches that a loader gives."""
    return len(loader.dataset)  # type: ignore[arg-type]


def _validate(model: AutoEncoder, val: DataLoader[Any]) -> dict[str, float]:
    """Return loss, PSNR and SSIM of the validation patches."""
    model.eval()
    sums = np.zeros(3)
    with torch.no_grad():
        for inputs, _ in val:
            outputs = model(inputs)
            loss = functional.mse_loss(outputs, inputs).item() * inputs.size(0)
            pairs = zip(inputs.cpu().numpy(), outputs.cpu().numpy(), strict=True)
            scores = [score_image(target.squeeze(), output.squeeze()) for target, output in pairs]
            sums += (loss, *np.sum(scores, axis=0))
    names = ("val_loss", "val_psnr_paper_db", "val_ssim_paper")
    return dict(zip(names, (sums / _size(val)).tolist(), strict=True))


def _variational_loss(model: VariationalAutoEncoder, inputs: Tensor) -> Tensor:
    """Return squared errors plus KL divergence, summed over the batch."""
    outputs, mu, log_var = model(inputs)
    divergence = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())
    return functional.mse_loss(outputs, inputs, reduction="sum") + divergence


def _stretched(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Map an image's own range onto [0, 1]."""
    stretched: NDArray[np.float32] = (image - image.min()) / (image.max() - image.min())
    return stretched


def _keep(model: nn.Module, optimiser: torch.optim.Optimizer, history: list[dict[str, float]], folder: Path) -> None:
    """Write the state after an epoch, and once more for each measure that is the best so far."""
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "epoch": len(history)}
    torch.save(state, folder / "last.pt")
    for name, sign in (("val_loss", -1), ("val_psnr_paper_db", 1), ("val_ssim_paper", 1)):
        values = [sign * epoch[name] for epoch in history if name in epoch]
        if values and values[-1] == max(values):
            torch.save(state, folder / f"best_{name}.pt")
