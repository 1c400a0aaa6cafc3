"""Training: it learns, repeats itself, goes on after a cut, and says when it breaks."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import small_patches
import torch
from torch import Tensor

from deepdlt.config import TrainingSettings
from deepdlt.models import build_model
from deepdlt.quality.scoring import evaluate
from deepdlt.threads import torch_threads
from deepdlt.training.checkpoints import RunIdentity, load_checkpoint
from deepdlt.training.optimisers import build_optimiser
from deepdlt.training.patchset import PatchSet
from deepdlt.training.progress import EpochRecord, Progress
from deepdlt.training.progress_files import PROGRESS_FILE
from deepdlt.training.schedules import build_schedule
from deepdlt.training.train import EPOCH_SCHEMA, TrainingDiverged, TrainingResult, train
from lake import Lake

TRAIN, VAL = range(40), range(40, 50)
SMALL: dict[str, Any] = {"batch_size": 16, "epochs": 3}
CALL = ("train_index", "val_index", "checkpoint_dir", "dissimilarity", "seed", "identity", "on_epoch", "resume")
KINDS: dict[str, dict[str, Any]] = {
    "ae-adam": {},
    "ae-sgd": {"optimiser": "sgd", "learning_rate": 0.01, "activation": "elu"},
    "residual-muon": {"model": "residual", "optimiser": "muon", "weight_decay": 0.01},
    "vae": {"model": "vae", "latent_dim": 4, "activation": "leaky_relu", "loss_reduction": "batch_sum"},
}


class Cut(Exception):
    """Stands for a process that ends after an epoch."""


def run(folder: Path, patches: PatchSet | None = None, **options: Any) -> TrainingResult:
    """Train on small patches: settings and arguments by name."""
    call = {"train_index": TRAIN, "val_index": VAL} | {name: options.pop(name) for name in CALL if name in options}
    settings = TrainingSettings(**{**SMALL, **options})
    return train(patches or small_patches.patch_set(50), settings, checkpoint_dir=folder, **call)


def numbers(result: TrainingResult) -> tuple[list[tuple[Any, ...]], dict[str, str]]:
    """Return everything that must be equal between equal trainings: the history but for its times, and the files."""
    return result.epochs.drop("seconds").rows(), dict(result.file_digests)


def test_a_training_learns(tmp_path: Path) -> None:
    """Stripes within reach are reconstructed better and better, in training and in validation."""
    result = run(tmp_path, epochs=10, batch_size=4, target_range="unit", learning_rate=5e-3, dropout=0.0)
    first, last = result.history[0], result.history[-1]
    assert last.train_loss < 0.3 * first.train_loss
    assert last.val_psnr_db > first.val_psnr_db + 3
    assert result.n_parameters == 134_497
    assert result.device == "cpu"


def test_training_loss_is_the_mean_over_patches(tmp_path: Path) -> None:
    """One step over all patches reports the loss that the fresh model has on them."""
    patches = small_patches.patch_set(50)
    target = patches.batch(torch.tensor(TRAIN), target_range="signed")
    fresh = build_model("ae", size_px=16, dropout=0.0, seed=2).train()
    expected = torch.nn.functional.mse_loss(fresh(target).reconstruction, target).item()
    result = run(tmp_path, patches, epochs=1, batch_size=40, dropout=0.0, seed=2)
    assert result.train_loss == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bits(kind: str, tmp_path: Path) -> None:
    """Two trainings agree in every number and every byte of their checkpoints; torch's own stream plays no part."""
    torch.manual_seed(1)
    first = run(tmp_path / "a", **KINDS[kind])
    torch.manual_seed(2)
    assert numbers(run(tmp_path / "b", **KINDS[kind])) == numbers(first)


def test_another_seed_gives_other_numbers(tmp_path: Path) -> None:
    """The seed reaches weights and order."""
    assert numbers(run(tmp_path / "a", seed=0)) != numbers(run(tmp_path / "b", seed=1))


@pytest.mark.parametrize("cut_after", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_training_goes_on_to_the_same_bits(kind: str, cut_after: int, tmp_path: Path) -> None:
    """Cut after any epoch and started again, a training ends as if it had never stopped."""

    def cut(record: EpochRecord) -> None:
        if record.epoch == cut_after:
            raise Cut

    with pytest.raises(Cut):
        run(tmp_path / "cut", on_epoch=cut, **KINDS[kind])
    resumed = run(tmp_path / "cut", **KINDS[kind])
    assert resumed.resumed_after_epoch == cut_after
    assert numbers(resumed) == numbers(run(tmp_path / "straight", **KINDS[kind]))


def test_a_cut_training_keeps_its_number_of_threads(tmp_path: Path) -> None:
    """It goes on with as many as it began with, whatever this process has, and leaves this process as it was."""
    with torch_threads(2):
        run(tmp_path, epochs=1)
    seen: list[int] = []
    longer = run(tmp_path, epochs=2, on_epoch=lambda _: seen.append(torch.get_num_threads()))
    assert (seen, longer.n_threads, torch.get_num_threads()) == ([2], 2, 1)


def test_a_finished_training_can_be_made_longer(tmp_path: Path) -> None:
    """Two epochs and then four equal four at once, and the callback hears of the new ones alone."""
    heard: list[int] = []
    run(tmp_path / "a", epochs=2)
    longer = run(tmp_path / "a", epochs=4, on_epoch=lambda record: heard.append(record.epoch))
    assert heard == [3, 4]
    assert numbers(longer) == numbers(run(tmp_path / "b", epochs=4))


def test_a_finished_training_is_not_repeated(tmp_path: Path) -> None:
    """The same call again takes no step and gives the same result, its times included."""
    first = run(tmp_path)
    again = run(tmp_path)
    assert again.resumed_after_epoch == 3
    assert again.history == first.history
    assert again.file_digests == first.file_digests


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate": 1e-3},
        {"train_index": range(1, 40)},
        {"seed": 5},
        {"patches": small_patches.patch_set(50, seed=9)},
        {"identity": RunIdentity(run_id="other")},
        {"epochs": 2},
    ],
    ids=["settings", "rows", "seed", "pixels", "run", "fewer-epochs"],
)
def test_progress_of_another_training_is_left_alone(
    change: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What does not belong to this training is not taken up, and the log says why."""
    run(tmp_path)
    with caplog.at_level(logging.INFO):
        assert run(tmp_path, **change).resumed_after_epoch == 0
    assert "training starts anew" in caplog.text


def test_damaged_progress_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One flipped bit, and the training starts from its beginning."""
    run(tmp_path)
    path = tmp_path / PROGRESS_FILE
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    assert run(tmp_path).resumed_after_epoch == 0
    assert "digest" in caplog.text


def test_resuming_can_be_switched_off(tmp_path: Path) -> None:
    """Then every epoch is trained."""
    run(tmp_path)
    assert run(tmp_path, resume=False).resumed_after_epoch == 0


def test_a_broken_loss_names_epoch_and_step(tmp_path: Path) -> None:
    """A learning rate beyond reason ends the training with evidence and a remedy, and no checkpoint."""
    beyond_reason = TrainingSettings(optimiser="sgd", **SMALL).model_copy(update={"learning_rate": 1e30})
    patches = small_patches.patch_set(50)
    with pytest.raises(TrainingDiverged, match="below 1e\\+30") as caught:
        train(patches, beyond_reason, train_index=TRAIN, val_index=VAL, checkpoint_dir=tmp_path)
    assert caught.value.epoch == 1
    assert caught.value.step in (2, 3)
    assert not list(tmp_path.glob("*.safetensors"))


@dataclass(frozen=True, eq=False)
class Watched(PatchSet):
    """Patches that remember which rows were asked for."""

    asked: list[list[int]] = field(default_factory=list)

    def batch(self, index: Tensor, *, target_range: str) -> Tensor:
        """Note the rows, and return them."""
        self.asked.append(index.tolist())
        return super().batch(index, target_range=target_range)


def test_every_epoch_sees_every_patch_once_in_a_new_order(tmp_path: Path) -> None:
    """An epoch is a permutation of the training rows in batches, followed by the validation rows in order."""
    patches = Watched(small_patches.patch_set(50).pixels)
    run(tmp_path, patches, epochs=2)
    first, second = patches.asked[:4], patches.asked[4:8]
    orders = [[row for rows in epoch[:3] for row in rows] for epoch in (first, second)]
    assert [len(rows) for rows in first] == [16, 16, 8, 10]
    assert [sorted(order) for order in orders] == [list(TRAIN), list(TRAIN)]
    assert orders[0] != orders[1]
    assert first[3] == second[3] == list(VAL)


def test_each_measure_has_its_own_best_epoch() -> None:
    """Loss by its least, PSNR and SSIM by the greatest of the correct ones; of equal epochs the earlier one stays."""
    model = build_model("ae", size_px=8)
    optimiser = build_optimiser("adam", model.parameters(), learning_rate=0.1)
    progress = Progress(model, optimiser, build_schedule("constant", n_steps=1))
    rows = [(0.3, 11.0, 0.5), (0.2, 10.0, 0.5), (0.4, 12.0, 0.4), (0.2, 12.0, 0.1)]
    for epoch, (loss, psnr, ssim) in enumerate(rows, start=1):
        losses = (0.0, 0.0, None, None, loss, loss, loss, None)
        progress.note(EpochRecord(epoch, *losses, -psnr, -ssim, psnr, ssim, 0.1, 1.0))
    assert progress.best_epochs == {"loss": 2, "psnr": 3, "ssim": 1}
    assert set(progress.best_weights) == {1, 2, 3}


def test_each_checkpoint_holds_the_epoch_that_was_best_by_its_measure(tmp_path: Path) -> None:
    """Loss is least, PSNR and SSIM (the correct ones) are greatest; `last` is last."""
    result = run(tmp_path, epochs=5, learning_rate=0.02)
    history = result.epochs
    expected = {
        "loss": history["val_loss"].arg_min(),
        "psnr": history["val_psnr_db"].arg_max(),
        "ssim": history["val_ssim"].arg_max(),
        "last": 4,
    }
    assert {name: epoch - 1 for name, epoch in result.best_epochs.items()} == expected
    for name, path in result.checkpoints.items():
        checkpoint = load_checkpoint(path)
        record = result.history[result.best_epochs[name] - 1]
        assert (checkpoint.header.best_by, checkpoint.header.epoch) == (name, record.epoch)
        scores = evaluate(checkpoint.model, small_patches.patch_set(50), VAL, target_range="signed")
        assert float(scores["loss"].mean()) == record.val_loss
        assert float(scores["ssim"].mean()) == record.val_ssim


def test_a_sampling_vae_scores_the_same_after_training(tmp_path: Path) -> None:
    """The codes drawn in validation are drawn again when the checkpoint is scored with the run's seed."""
    result = run(tmp_path, seed=3, **KINDS["vae"])
    checkpoint = load_checkpoint(result.checkpoints["last"])
    scores = evaluate(checkpoint.model, small_patches.patch_set(50), VAL, target_range="signed", seed=3)
    assert float(scores["loss"].mean()) == result.history[-1].val_loss


def test_a_vaes_losses_are_per_patch(tmp_path: Path) -> None:
    """Summed over the batch or not, what is reported is squared error over pixels plus KL, of one patch."""
    record = run(tmp_path, **KINDS["vae"]).history[-1]
    assert record.val_kl is not None
    assert record.val_loss == pytest.approx(256 * record.val_mse + record.val_kl, rel=1e-5)


def test_history_has_the_columns_of_the_lake(tmp_path: Path) -> None:
    """An epoch's record is a row of the table `epochs`."""
    with Lake.open(tmp_path / "lake") as lake:
        columns = set(lake.query("FROM epochs").columns)
    assert columns == {"run_id", *EPOCH_SCHEMA}
    assert run(tmp_path, epochs=1).epochs.schema == EPOCH_SCHEMA


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "greater than or equal to 1"),
        ({"batch_size": 0}, "greater than or equal to 1"),
        ({"train_index": []}, "index"),
        ({"val_index": [50]}, "rows 50 to 50"),
        ({"target_range": "byte"}, "'signed' or 'unit'"),
        ({"loss_reduction": "sum"}, "'mean' or 'batch_sum'"),
        ({"optimiser": "lbfgs"}, "'adam', 'sgd' or 'muon'"),
        ({"activation": "gelu"}, "'relu', 'selu'"),
        ({"learning_rate": 0.0}, "greater than 0"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_bad_arguments_are_refused_before_the_first_step(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    """The message says what is allowed, and nothing is written."""
    with pytest.raises(ValueError, match=message):
        run(tmp_path, **options)
    assert not list(tmp_path.iterdir())


def test_the_update_of_all_weights_is_one_pass() -> None:
    """Torch's optimisers are fused on a CPU."""
    for name in ("adam", "sgd"):
        optimiser = build_optimiser(name, build_model("ae").parameters(), learning_rate=0.1)
        assert optimiser.defaults["fused"]
