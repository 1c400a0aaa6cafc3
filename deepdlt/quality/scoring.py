"""Scores of a trained model, patch by patch; `summarise_fold` and `summarise_labels` average them."""

from collections.abc import Iterable, Iterator

import polars as pl
import torch
from torch import Tensor

from deepdlt.inputs.transforms import view_patches
from deepdlt.loss.losses import Dissimilarity, patch_loss, squared_error
from deepdlt.models import Model, set_noise
from deepdlt.quality.baselines import ceiling_psnr_paper_db, clip_floor_mse, flat_mse
from deepdlt.quality.metrics import METRICS, all_metrics
from deepdlt.quality.summaries import BASELINE_COLUMNS, summarise_fold, summarise_labels
from deepdlt.seeds import derive_seed
from deepdlt.training.patchset import Index, PatchSet

__all__ = ["SCORE_COLUMNS", "evaluate", "score_patches", "summarise_fold", "summarise_labels"]

CPU_BATCH, DEVICE_BATCH = 64, 2048
"""Patches scored at once; on a CPU few, so that the feature maps stay in its cache."""

SCORE_COLUMNS = ("loss", "reconstruction_loss", "kl", *METRICS)
"""Loss, its parts and all measures."""


def evaluate(
    model: Model,
    patches: PatchSet,
    index: Index,
    *,
    target_range: str,
    beta: float = 1.0,
    seed: int = 0,
    view: str = "pixels",
    threshold: float = 0.1,
    dissimilarity: Dissimilarity = squared_error,
) -> dict[str, Tensor]:
    """Return loss and every measure of each patch, with the model in evaluation mode.

    A VAE that samples in evaluation draws from a stream of its own: the same seed, patches and
    order give the same numbers, in the epochs of a training and after it.

    Parameters
    ----------
    model : AutoEncoder or VariationalAutoEncoder
        On the patches' device. Its mode is left as it was.
    patches : PatchSet
    index : sequence, ndarray or Tensor of int, shape (n,)
        Rows to score.
    target_range : str
        ``signed`` or ``unit``: what the model was trained on.
    beta : float
        Weight of the KL divergence (VAE only).
    seed : int
        Seed of the run.
    view, threshold : str, float
        What the model was trained to reconstruct, see `deepdlt.inputs.transforms.view_patches`.
    dissimilarity : callable
        What it was trained to minimise.

    Returns
    -------
    dict of str to Tensor of float64, shape (n,)
        On the CPU, by the names in `SCORE_COLUMNS`; no ``kl`` for an autoencoder.

    Raises
    ------
    ValueError
        If the index is empty or leaves the set, or the range is not known.
    """
    rows = patches.index(index)
    was_training = model.training
    noise = torch.Generator(patches.device)
    noise.manual_seed(derive_seed(seed, "evaluation"))
    set_noise(model.eval(), noise)
    size = CPU_BATCH if patches.device.type == "cpu" else DEVICE_BATCH
    with torch.inference_mode():
        parts = [
            _evaluate_batch(model, target, target_range, beta, dissimilarity)
            for target in _targets(patches, rows, size, target_range, view, threshold)
        ]
    set_noise(model.train(was_training), None)
    return {name: torch.cat([part[name] for part in parts]).cpu() for name in parts[0]}


def _targets(
    patches: PatchSet, rows: Tensor, size: int, target_range: str, view: str, threshold: float
) -> Iterator[Tensor]:
    """Yield what a model is to reconstruct, (B, 1, S, S), batch by batch."""
    for batch in patches.batches(torch.split(rows, size), target_range=target_range):
        yield view_patches(batch, view=view, target_range=target_range, threshold=threshold)


def _evaluate_batch(
    model: Model, target: Tensor, target_range: str, beta: float, dissimilarity: Dissimilarity
) -> dict[str, Tensor]:
    """Return loss, its parts and all measures of one batch, (B,) each."""
    output = model(target)
    loss = patch_loss(output, target, beta=beta, dissimilarity=dissimilarity)
    # Metal has no float64: there these three go to the CPU first.
    parts = {"loss": loss.loss, "reconstruction_loss": loss.reconstruction, "kl": loss.kl}
    losses = {name: _wide(part) for name, part in parts.items() if part is not None}
    return losses | all_metrics(output.reconstruction, target, target_range=target_range)


def _wide(x: Tensor) -> Tensor:
    """Return float64, on the CPU where the device has none."""
    return x.cpu().double() if x.device.type == "mps" else x.double()


def score_patches(
    model: Model,
    patches: PatchSet,
    index: Index,
    *,
    target_range: str,
    beta: float = 1.0,
    seed: int = 0,
    view: str = "pixels",
    threshold: float = 0.1,
    dissimilarity: Dissimilarity = squared_error,
) -> pl.DataFrame:
    """Score patches one by one, and say what could be had without the model.

    Parameters
    ----------
    model : AutoEncoder or VariationalAutoEncoder
        On the patches' device, e.g. from `deepdlt.training.checkpoints.load_checkpoint`.
    patches : PatchSet
    index : sequence, ndarray or Tensor of int, shape (n,)
        Rows to score.
    target_range : str
        ``signed`` or ``unit``: what the model was trained on.
    beta : float
        Weight of the KL divergence (VAE only).
    seed : int
        Seed of the run.
    view, threshold : str, float
        What the model was trained to reconstruct, see `deepdlt.inputs.transforms.view_patches`.
    dissimilarity : callable
        What it was trained to minimise.

    Returns
    -------
    polars.DataFrame
        One row per patch, in the order of `index`: ``index`` (row in the set), ``loss``,
        ``reconstruction_loss``, ``kl`` (null for an autoencoder), ``mse`` (target range),
        ``psnr_paper_db``, ``ssim_paper``, ``psnr_db``, ``ssim`` (see `deepdlt.quality.metrics.all_metrics`)
        and the baselines ``floor_mse``, ``ceiling_psnr_paper_db``, ``flat_mse``.

    Raises
    ------
    ValueError
        If the index is empty or leaves the set, or the range is not known.
    """
    rows = patches.index(index)
    scores = evaluate(
        model,
        patches,
        rows,
        target_range=target_range,
        beta=beta,
        seed=seed,
        view=view,
        threshold=threshold,
        dissimilarity=dissimilarity,
    )
    scores |= _baselines(_targets(patches, rows, DEVICE_BATCH, target_range, view, threshold), target_range)
    columns = {name: scores[name].numpy() for name in (*SCORE_COLUMNS, *BASELINE_COLUMNS) if name in scores}
    frame = pl.DataFrame({"index": rows.cpu().numpy(), **columns})
    if "kl" not in frame.columns:
        frame = frame.with_columns(kl=pl.lit(None, pl.Float64))
    return frame.select("index", *SCORE_COLUMNS, *BASELINE_COLUMNS)


def _baselines(targets: Iterable[Tensor], target_range: str) -> dict[str, Tensor]:
    """Return floor, ceiling and flat patch of each target, (n,) each, on the CPU."""
    parts = []
    for target in targets:
        ceiling = ceiling_psnr_paper_db(target, target_range=target_range)
        parts.append(
            {"floor_mse": clip_floor_mse(target), "ceiling_psnr_paper_db": ceiling, "flat_mse": flat_mse(target)}
        )
    return {name: torch.cat([part[name] for part in parts]).cpu() for name in parts[0]}
