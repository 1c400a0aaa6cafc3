"""Every preset, and every choice beside it, trains on synthetic SEM patches: it learns, within its range."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from deepdlt.config import TrainingChoices
from deepdlt.dataset.patches import cut_patches, plan_patches
from deepdlt.loss.objectives import Objective
from deepdlt.loss.vgg import LAYERS
from deepdlt.models.reconstruction import reconstruct
from deepdlt.night import presets_of_night
from deepdlt.presets import PRESETS
from deepdlt.quality.scoring import score_patches
from deepdlt.source.images import decode_image
from deepdlt.synthetic.synth import write_synthetic
from deepdlt.training.patchset import PatchSet
from deepdlt.training.settings import TrainingSettings
from deepdlt.training.train import TrainingResult, build_dissimilarity, train

EPOCHS = 6
BRIEF = ("matched-vae", "residual")
"""Presets of which every test run trains one; the others are left to the long tests."""

CHOICES: dict[str, dict[str, Any]] = {
    "l1": {"loss": "l1"},
    "log-mse": {"loss": "log_mse"},
    "ssim": {"loss": "ssim"},
    "spectral": {"loss": "spectral"},
    "mixture": {"loss": {"mse": 1.0, "l1": 0.2, "ssim": 0.1}},
    "gaussian": {"corruption": "gaussian", "corruption_level": 0.1},
    "salt-and-pepper": {"corruption": "salt_and_pepper", "corruption_level": 0.05},
    "fft-denoised": {"view": "fft_denoised", "threshold": 0.02},
    "fourier": {"view": "fourier"},
    "turned": {"is_turned": True},
    "bottleneck-16": {"latent_dim": 16},
    "bottleneck-512": {"latent_dim": 512},
    "cosine": {"schedule": "cosine", "schedule_floor": 0.1},
    "one-cycle": {"schedule": "one_cycle"},
    "plateau": {"schedule": "plateau", "plateau_patience": 1},
    "early-stopping": {"stop_patience": 0},
    "clipped": {"gradient_clip": 0.1},
    "bf16": {"precision": "bf16"},
    "selu": {"activation": "selu"},
    "vae-16": {"model": "vae", "latent_dim": 16, "beta": 0.5},
    "vae-512": {"model": "vae", "latent_dim": 512, "kl_warm_up_epochs": 2},
    "vae-l1": {"model": "vae", "loss": "l1"},
}


@pytest.fixture(scope="module")
def patches(tmp_path_factory: pytest.TempPathFactory) -> PatchSet:
    """Ninety-six patches of 64 px: eight of each of twelve synthetic images; the last sixteen validate."""
    folder = tmp_path_factory.mktemp("synthetic")
    write_synthetic(folder, n_images=12, height_px=96, width_px=128)
    cut = []
    for path in sorted(folder.rglob("*.png")):
        pixels = decode_image(path.read_bytes(), path=path.name).pixels
        plan = plan_patches(path.name, pixels.shape, size_px=64, n_per_image=8, gain_low=0.8, gain_high=1.2, seed=0)
        cut.append(cut_patches(pixels, plan, size_px=64))
    return PatchSet.from_array(np.concatenate(cut), device="cpu")


def run(patches: PatchSet, settings: TrainingSettings, folder: Path, **more: Any) -> TrainingResult:
    """Train on the first eighty patches, validate on the rest."""
    brief = settings.model_copy(update={"epochs": EPOCHS, "batch_size": 8})
    return train(patches, brief, train_index=range(80), val_index=range(80, 96), checkpoint_dir=folder, **more)


def check(result: TrainingResult, patches: PatchSet, settings: TrainingSettings) -> None:
    """The loss falls, outputs have the shape and range they must, and no error is below its floor."""
    first, last = result.history[0], result.history[-1]
    if settings.kl_warm_up_epochs:  # the loss of the first epoch leaves most of the divergence out
        assert last.train_reconstruction_loss < first.train_reconstruction_loss
    else:
        assert last.train_loss < first.train_loss
    seen: dict[str, Any] = {"view": settings.view, "threshold": settings.threshold}
    targets, outputs = reconstruct(result.model, patches, range(80, 96), target_range=settings.target_range, **seen)
    assert targets.shape == outputs.shape == (16, 1, 64, 64)
    assert 0 <= float(outputs.min()) <= float(outputs.max()) <= 1
    scores = score_patches(result.model, patches, range(80, 96), target_range=settings.target_range, **seen)
    assert (scores["mse"] >= scores["floor_mse"] - 1e-9).all()
    assert scores["psnr_db"].is_finite().all()
    assert scores["ssim"].is_between(-1, 1).all()


def vgg_weights() -> dict[str, torch.Tensor]:
    """Return random weights by the names that torchvision gives them."""
    stream = torch.Generator().manual_seed(0)
    weights, place, n_in = {}, 0, 3
    for layer in LAYERS:
        if layer == "pool":
            place += 1
            continue
        scale = (2 / (9 * n_in)) ** 0.5
        weights[f"features.{place}.weight"] = scale * torch.randn(int(layer), n_in, 3, 3, generator=stream)
        weights[f"features.{place}.bias"] = torch.zeros(int(layer))
        place, n_in = place + 2, int(layer)
    return weights


def names_of(presets: Any) -> list[Any]:
    """Return test parameters; those that are not brief are long."""
    return [pytest.param(name, marks=() if name in BRIEF else pytest.mark.long) for name in presets]


@pytest.mark.parametrize("name", names_of(PRESETS))
def test_a_preset_learns(name: str, patches: PatchSet, tmp_path: Path) -> None:
    """Six epochs of each lower its loss; all that it gives back can be scored."""
    settings = PRESETS[name].settings
    check(run(patches, settings, tmp_path), patches, settings)


@pytest.mark.parametrize("name", names_of(CHOICES))
def test_a_choice_learns(name: str, patches: PatchSet, tmp_path: Path) -> None:
    """Each choice on top of the matched cross-validation lowers its own loss."""
    (preset,) = presets_of_night("matched-experiment-1", ["ae", "vae"], TrainingChoices(**CHOICES[name]))
    check(run(patches, preset.settings, tmp_path), patches, preset.settings)


@pytest.mark.long
def test_the_features_of_a_stored_model_teach_another(patches: PatchSet, tmp_path: Path) -> None:
    """Feature matching, mixed with the squared error, lowers both."""
    base = PRESETS["matched-label-cv"].settings
    stored = run(patches, base, tmp_path / "stored").model
    loss = {"mse": 1.0, "feature_matching": 0.1}
    settings = TrainingSettings.model_validate(base.model_dump() | {"loss": loss, "feature_model": "stored"})
    dissimilarity = build_dissimilarity(settings, device=torch.device("cpu"), encoder=stored.encoder)
    result = run(patches, settings, tmp_path / "taught", dissimilarity=dissimilarity)
    check(result, patches, settings)
    assert isinstance(dissimilarity, Objective)
    assert result.history[-1].val_mse < result.history[0].val_mse


@pytest.mark.long
def test_weights_of_vgg16_from_a_file_teach(patches: PatchSet, tmp_path: Path) -> None:
    """The perceptual loss takes a file that the user names; here its weights are drawn at random."""
    save_file(vgg_weights(), tmp_path / "vgg16.safetensors")
    few = PatchSet(patches.pixels[:24, :, ::2, ::2].contiguous())
    settings = TrainingSettings(
        loss={"mse": 1.0, "perceptual": 0.01},
        vgg_weights=str(tmp_path / "vgg16.safetensors"),
        target_range="unit",
        epochs=3,
        batch_size=8,
    )
    folder = tmp_path / "run"
    history = train(few, settings, train_index=range(16), val_index=range(16, 24), checkpoint_dir=folder).history
    assert history[-1].train_loss < history[0].train_loss
