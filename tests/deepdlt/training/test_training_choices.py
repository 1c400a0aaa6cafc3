"""Every choice of a training does what it says, and a cut training goes on under all of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_patches
import torch
from torch import Tensor

from deepdlt.loss.losses import squared_error
from deepdlt.models import build_model
from deepdlt.training.checkpoints import load_checkpoint
from deepdlt.training.epochs import Lesson
from deepdlt.training.patchset import PatchSet
from deepdlt.training.progress import EpochRecord
from deepdlt.training.settings import TrainingSettings
from deepdlt.training.train import TrainingResult, build_dissimilarity, train

TRAIN, VAL = range(40), range(40, 50)
CHOICES: dict[str, dict[str, Any]] = {
    "noise": {"corruption": "gaussian", "corruption_level": 0.2},
    "salt": {"corruption": "salt_and_pepper", "corruption_level": 0.1},
    "turned": {"is_turned": True},
    "fourier": {"view": "fourier"},
    "denoised": {"view": "fft_denoised", "threshold": 0.05},
    "l1": {"loss": "l1"},
    "mixture": {"loss": {"mse": 1.0, "ssim": 0.1, "spectral": 0.01}},
    "bottleneck": {"latent_dim": 8},
    "cosine": {"schedule": "cosine"},
    "one-cycle": {"schedule": "one_cycle"},
    "plateau": {"schedule": "plateau", "plateau_patience": 0, "reduce_by": 0.5, "min_delta": 1.0},
    "clipped": {"gradient_clip": 0.01},
    "bf16": {"precision": "bf16"},
    "warm-up": {"model": "vae", "latent_dim": 4, "kl_warm_up_epochs": 2},
    "residual": {"model": "residual"},
}
BASE: dict[str, Any] = {"batch_size": 16, "epochs": 3, "target_range": "unit", "learning_rate": 2e-3}


class Cut(Exception):
    """Stands for a process that ends after an epoch."""


def run(folder: Path, *, patches: PatchSet | None = None, cut_after: int = 0, **options: Any) -> TrainingResult:
    """Train on small patches."""

    def on_epoch(record: EpochRecord) -> None:
        if record.epoch == cut_after:
            raise Cut

    settings = TrainingSettings(**{**BASE, **options})
    patches = patches or small_patches.patch_set(50)
    return train(patches, settings, train_index=TRAIN, val_index=VAL, checkpoint_dir=folder, on_epoch=on_epoch)


def numbers(result: TrainingResult) -> tuple[list[tuple[Any, ...]], dict[str, str]]:
    """Return everything that must be equal between equal trainings."""
    return result.epochs.drop("seconds").rows(), dict(result.file_digests)


@pytest.mark.parametrize("choice", CHOICES)
def test_a_cut_training_goes_on_to_the_same_bits(choice: str, tmp_path: Path) -> None:
    """Cut after its first epoch and started again, it ends as if it had never stopped; and the choice matters."""
    options = CHOICES[choice]
    with pytest.raises(Cut):
        run(tmp_path / "cut", cut_after=1, **options)
    resumed = run(tmp_path / "cut", **options)
    assert resumed.resumed_after_epoch == 1
    straight = run(tmp_path / "straight", **options)
    assert numbers(resumed) == numbers(straight)
    plain = {name: value for name, value in options.items() if name in ("model", "latent_dim") and len(options) > 1}
    assert numbers(straight) != numbers(run(tmp_path / "plain", **plain if choice == "warm-up" else {}))


def test_a_hundred_and_ten_epochs_are_a_hundred_and_ten_more(tmp_path: Path) -> None:
    """The report's second experiment in small: eleven epochs equal ten and one more, bit for bit."""
    recipe: dict[str, Any] = {
        "activation": "elu",
        "optimiser": "sgd",
        "learning_rate": 1e-2,
        "weight_decay": 0.0,
        "target_range": "signed",
    }
    run(tmp_path / "a", epochs=10, **recipe)
    longer = run(tmp_path / "a", epochs=11, **recipe)
    assert longer.resumed_after_epoch == 10
    assert numbers(longer) == numbers(run(tmp_path / "b", epochs=11, **recipe))


def test_a_longer_one_cycle_is_another_training(tmp_path: Path) -> None:
    """Its learning rate depends on the number of epochs from the first step, so nothing is taken up."""
    run(tmp_path, epochs=2, schedule="one_cycle")
    assert run(tmp_path, epochs=3, schedule="one_cycle").resumed_after_epoch == 0


def test_training_stops_once_the_loss_no_longer_falls(tmp_path: Path) -> None:
    """One epoch without improvement is borne, the second ends it; asked again, it takes no step more."""
    result = run(tmp_path, epochs=9, stop_patience=1, min_delta=1e3)
    assert [record.epoch for record in result.history] == [1, 2, 3]
    again = run(tmp_path, epochs=9, stop_patience=1, min_delta=1e3)
    assert again.resumed_after_epoch == 3
    assert numbers(again) == numbers(result)


def test_the_learning_rate_follows_its_schedule(tmp_path: Path) -> None:
    """Half a cosine wave over 9 steps, read at the last step of each epoch; a plateau halves it each epoch."""
    cosine = run(tmp_path / "a", schedule="cosine", schedule_floor=0.2).epochs["learning_rate"]
    expected = [2e-3 * (0.2 + 0.8 * (1 + np.cos(np.pi * step / 9)) / 2) for step in (2, 5, 8)]
    assert cosine.to_list() == pytest.approx(expected)
    plateau = run(tmp_path / "b", **CHOICES["plateau"]).epochs["learning_rate"]
    assert plateau.to_list() == [2e-3, 2e-3, 1e-3]


def test_the_weight_of_the_kl_divergence_rises(tmp_path: Path) -> None:
    """In a straight line over two epochs of 3 steps, then it stays; validation takes all of it from the start."""
    history = run(tmp_path, model="vae", latent_dim=4, beta=2.0, kl_warm_up_epochs=2).history
    assert [record.kl_weight for record in history] == pytest.approx([2 * 2 / 6, 2 * 5 / 6, 2.0])
    for record in history:
        assert record.val_kl is not None
        assert record.val_loss == pytest.approx(record.val_reconstruction_loss + 2.0 * record.val_kl, rel=1e-6)


def test_a_vaes_training_loss_is_the_sum_of_its_parts(tmp_path: Path) -> None:
    """Reconstruction and KL are reported apart; with a constant weight they add up."""
    record = run(tmp_path, model="vae", latent_dim=4, beta=0.5).history[-1]
    assert record.train_kl is not None
    assert record.train_loss == pytest.approx(record.train_reconstruction_loss + 0.5 * record.train_kl, rel=1e-5)


def test_an_autoencoder_has_no_divergence(tmp_path: Path) -> None:
    """Its loss is its reconstruction loss."""
    record = run(tmp_path).history[-1]
    assert (record.train_kl, record.kl_weight, record.val_kl) == (None, None, None)
    assert record.train_loss == record.train_reconstruction_loss


def test_a_short_gradient_moves_the_weights_little(tmp_path: Path) -> None:
    """With plain descent, no step is longer than the learning rate times the limit."""
    sgd: dict[str, Any] = {"optimiser": "sgd", "momentum": 0.0, "weight_decay": 0.0, "learning_rate": 1.0, "epochs": 1}
    result = run(tmp_path, gradient_clip=1e-3, batch_size=40, **sgd)
    before = dict(build_model("ae", size_px=16).named_parameters())
    moved = torch.cat([(now - before[name]).flatten() for name, now in result.model.named_parameters()])
    assert float(moved.detach().norm()) == pytest.approx(1e-3, rel=1e-3)


def test_noise_is_on_the_input_and_not_on_the_target(tmp_path: Path) -> None:
    """What a model is compared with is every clean patch, whatever it was shown."""
    patches = small_patches.patch_set(50)
    clean = patches.batch(torch.arange(50), target_range="unit")
    seen: list[Tensor] = []

    def watched(reconstruction: Tensor, target: Tensor) -> Tensor:
        seen.append(target.detach())
        return squared_error(reconstruction, target)

    settings = TrainingSettings(**BASE, corruption="gaussian", corruption_level=0.5)
    call: dict[str, Any] = {"train_index": TRAIN, "val_index": VAL, "checkpoint_dir": tmp_path}
    train(patches, settings, dissimilarity=watched, **call)
    for target in torch.cat(seen):
        assert (clean == target).flatten(1).all(1).any()


def test_a_denoising_autoencoder_denoises(tmp_path: Path) -> None:
    """Given noisy patches it has not seen, it returns something nearer to the clean ones than they are."""
    patches = small_patches.patch_set(250)
    settings = TrainingSettings(
        target_range="unit", corruption="gaussian", corruption_level=0.2, epochs=12, batch_size=8, dropout=0.0,
        schedule="one_cycle", learning_rate=3e-3,
    )  # fmt: skip
    result = train(patches, settings, train_index=range(200), val_index=range(200, 250), checkpoint_dir=tmp_path)
    clean = patches.batch(torch.arange(200, 250), target_range="unit")
    noisy = (clean + 0.2 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1)
    with torch.inference_mode():
        restored = result.model(noisy).reconstruction
    assert float(squared_error(restored, clean).mean()) < 0.5 * float(squared_error(noisy, clean).mean())


def test_features_of_a_stored_model_can_be_matched(tmp_path: Path) -> None:
    """The frozen encoder of a checkpoint compares; it is not trained, and the loss falls."""
    stored = load_checkpoint(run(tmp_path / "stored").checkpoints["loss"])
    settings = TrainingSettings(**{**BASE, "epochs": 8}, loss={"feature_matching": 1.0}, feature_model="stored")
    weights = {name: tensor.clone() for name, tensor in stored.model.state_dict().items()}
    dissimilarity = build_dissimilarity(settings, device=torch.device("cpu"), encoder=stored.model.encoder)
    call: dict[str, Any] = {"train_index": TRAIN, "val_index": VAL, "checkpoint_dir": tmp_path / "matched"}
    history = train(small_patches.patch_set(50), settings, dissimilarity=dissimilarity, **call).history
    assert history[-1].train_loss < 0.8 * history[0].train_loss
    assert all(torch.equal(tensor, stored.model.state_dict()[name]) for name, tensor in weights.items())


@pytest.mark.parametrize(
    ("loss", "missing"), [("feature_matching", "feature_model"), ({"perceptual": 0.1}, "vgg_weights")], ids=str
)
def test_a_loss_that_needs_something_says_so(loss: Any, missing: str) -> None:
    """Before anything is trained."""
    with pytest.raises(ValueError, match=f"needs {missing}"):
        TrainingSettings(loss=loss)


def test_what_a_training_does_not_use_does_not_name_it() -> None:
    """A threshold without a spectrum, a patience without a plateau: no new training."""
    plain = TrainingSettings().identity()
    for unused in ({"threshold": 0.5}, {"plateau_patience": 3}, {"warm_up": 0.1}, {"corruption_level": 0.3}):
        assert TrainingSettings(**unused).identity() == plain
    assert TrainingSettings(model="vae", latent_dim=128).identity() == TrainingSettings(model="vae").identity()
    assert TrainingSettings(schedule="plateau", plateau_patience=3) != TrainingSettings(schedule="plateau")


def test_a_checkpoint_says_what_it_reconstructs(tmp_path: Path) -> None:
    """View and threshold are in the header, as scoring needs them."""
    header = load_checkpoint(run(tmp_path, **CHOICES["denoised"]).checkpoints["loss"]).header
    assert (header.view, header.threshold) == ("fft_denoised", 0.05)


def test_an_epoch_has_as_many_steps_as_batches() -> None:
    """Forty patches in batches of sixteen are three steps."""
    rows = torch.arange(40)
    lesson = Lesson(TrainingSettings(batch_size=16), 0, small_patches.patch_set(50), rows, rows, squared_error)
    assert lesson.n_steps == 3
