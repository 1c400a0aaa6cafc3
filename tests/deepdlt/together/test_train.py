"""K trainings as one network: each is what it would be alone."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small_patches
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from deepdlt.config import TrainingSettings
from deepdlt.loss.losses import squared_error
from deepdlt.models import build_model, set_noise
from deepdlt.models.grouped import GroupedModel, draw_noise
from deepdlt.together.epochs import run_epoch_together
from deepdlt.together.replay import ReplayedStep
from deepdlt.together.stack import Stack
from deepdlt.together.step import StepInput, StepTogether
from deepdlt.together.train import Member, train_together
from deepdlt.training.checkpoints import RunIdentity, load_checkpoint, load_tensors, save_tensors
from deepdlt.training.course import Course
from deepdlt.training.epochs import Lesson, TrainingDiverged
from deepdlt.training.progress import EpochRecord
from deepdlt.training.progress_files import PROGRESS_FILE
from deepdlt.training.train import TrainingResult, train

PATCHES = small_patches.patch_set(60)
FOLDS = [(range(45), range(45, 55)), (range(10, 55), range(10)), (range(5, 43), range(43, 60))]
"""Two folds of one size, and a smaller one whose last batch is smaller, too."""
SMALL: dict[str, Any] = {"batch_size": 16, "epochs": 2}
GENTLE: dict[str, Any] = {"optimiser": "sgd", "learning_rate": 0.01}
"""Adam divides a gradient by its own size, so rounding errors of weights that do not matter (a bias before a
batch norm) become whole steps; under SGD they stay rounding errors."""
OPTIONS: dict[str, dict[str, Any]] = {
    "ae": {},
    "vae": {"model": "vae", "latent_dim": 4, "learning_rate": 1e-4},
    "residual": {"model": "residual", "activation": "elu"},
    "bottleneck": {"latent_dim": 5, "activation": "selu"},
    "residual-bottleneck": {"model": "residual", "latent_dim": 5},
    "kernel-5": {"kernel_size_px": 5, "dropout": 0.0},
    "batch-sum": {"model": "vae", "latent_dim": 4, "loss_reduction": "batch_sum", "learning_rate": 1e-6},
    "kl-warm-up": {"model": "vae", "latent_dim": 4, "kl_warm_up_epochs": 0.5, "beta": 4.0, "learning_rate": 1e-4},
    "code-mean": {"model": "vae", "latent_dim": 4, "is_sampling_in_evaluation": False, "learning_rate": 1e-4},
    "mixture": {"loss": {"mse": 1.0, "l1": 0.5, "ssim": 0.2, "spectral": 0.1}, "target_range": "unit"},
    "turned-noisy": {"is_turned": True, "corruption": "gaussian"},
    "salt": {"corruption": "salt_and_pepper", "corruption_level": 0.2},
    "denoised": {"view": "fft_denoised"},
    "fourier": {"view": "fourier", "target_range": "unit"},
    "clipped": {"gradient_clip": 0.01, "weight_decay": 0.1},
    "no-momentum": {"momentum": 0.0, "weight_decay": 0.0},
    "muon": {"optimiser": "muon", "learning_rate": 1e-3, "weight_decay": 0.01},
    "one-cycle": {"schedule": "one_cycle"},
    "cosine": {"schedule": "cosine"},
    "plateau": {"schedule": "plateau", "plateau_patience": 0, "min_delta": 1.0, "epochs": 2},
}
LOSSES = ("train_loss", "train_reconstruction_loss", "val_loss", "val_mse", "val_psnr_db", "val_psnr_paper_db")


class Cut(Exception):
    """Stands for a process that ends after an epoch."""


def members(folder: Path) -> list[Member]:
    """Return a member for each fold, with seeds of their own."""
    return [Member(train, val, folder / str(seed), seed=seed) for seed, (train, val) in enumerate(FOLDS)]


def together(folder: Path, settings: TrainingSettings, **options: Any) -> list[TrainingResult]:
    """Train the folds as one network."""
    found = train_together(PATCHES, settings, members(folder), **options)
    results = [one for one in found if isinstance(one, TrainingResult)]
    assert len(results) == len(found)
    return results


def alone(folder: Path, settings: TrainingSettings) -> list[TrainingResult]:
    """Train the folds one after another."""
    return [train_member(one, settings) for one in members(folder)]


def train_member(one: Member, settings: TrainingSettings) -> TrainingResult:
    """Train one fold by itself."""
    rows = {"train_index": one.train_index, "val_index": one.val_index}
    return train(PATCHES, settings, **rows, checkpoint_dir=one.checkpoint_dir, seed=one.seed)


def assert_close(group: Sequence[TrainingResult], single: Sequence[TrainingResult], *, rel: float) -> None:
    """Compare histories."""
    for one, other in zip(group, single, strict=True):
        assert len(one.history) == len(other.history)
        for left, right in zip(one.history, other.history, strict=True):
            assert left.learning_rate == right.learning_rate
            assert left.kl_weight == right.kl_weight
            for name in LOSSES:
                assert getattr(left, name) == pytest.approx(getattr(right, name), rel=rel), name


@pytest.mark.parametrize("option", OPTIONS)
def test_each_training_is_what_it_is_alone(option: str, tmp_path: Path) -> None:
    """Losses and the weights after the last epoch are equal but for rounding.

    Weights as vectors: where a gradient is nearly nothing, rounding decides which way an optimiser of equal steps goes.
    """
    settings = TrainingSettings(**{**SMALL, **GENTLE, "epochs": 1, **OPTIONS[option]})
    group, single = together(tmp_path / "group", settings), alone(tmp_path / "single", settings)
    assert_close(group, single, rel=2e-5)
    for one, other in zip(group, single, strict=True):
        for left, right in zip(one.model.parameters(), other.model.parameters(), strict=True):
            assert (left - right).norm() <= 2e-4 * right.norm() + 2e-5 * right.numel() ** 0.5
        assert one.best_epochs["last"] == other.best_epochs["last"]


@pytest.mark.parametrize("model", ["ae", "vae", "residual"])
def test_the_reports_optimiser_gives_the_same_losses(model: str, tmp_path: Path) -> None:
    """Adam at the report's settings: training losses within 1e-5; in validation, within 2e-3."""
    settings = TrainingSettings(**SMALL, model=model, latent_dim=4 if model == "vae" else None)
    group, single = together(tmp_path / "group", settings), alone(tmp_path / "single", settings)
    assert_close(group, single, rel=2e-3)
    for one, other in zip(group, single, strict=True):
        assert one.history[0].train_loss == pytest.approx(other.history[0].train_loss, rel=1e-5)


def test_bf16_is_bf16_in_both(tmp_path: Path) -> None:
    """Losses agree to the precision of the numbers that they are made of."""
    settings = TrainingSettings(**{**SMALL, **GENTLE}, precision="bf16")
    assert_close(together(tmp_path / "group", settings), alone(tmp_path / "single", settings), rel=2e-3)


@pytest.mark.parametrize("model", ["ae", "vae"])
def test_dropout_and_sampling_are_those_of_a_single_training_bit_for_bit(model: str) -> None:
    """What is drawn ahead for a group is what each model draws from its own stream."""
    models = [build_model(model, size_px=16, seed=seed).train() for seed in range(3)]
    drawn = draw_noise(models[0], [torch.Generator().manual_seed(seed) for seed in range(3)], 8)
    for row, single in enumerate(models):
        set_noise(single, torch.Generator().manual_seed(row))
        layers = [stage[-1] for stage in single.encoder]  # type: ignore[index]  # a sequence of sequences
        wide = [layer(torch.ones(8, n, 1, 1)).view(8, n) for layer, n in zip(layers, (32, 64, 128), strict=True)]
        if model == "vae":
            wide.append(single.sample(torch.zeros(8, 128), torch.zeros(8, 128)))  # type: ignore[operator]
        assert [torch.equal(together[row], own) for together, own in zip(drawn, wide, strict=True)] == [True] * len(
            wide
        )


def test_no_model_sees_another(tmp_path: Path) -> None:
    """A fold trained beside others has the very numbers that it has beside different ones."""
    settings = TrainingSettings(**SMALL)
    first = together(tmp_path / "a", settings)
    chosen = [members(tmp_path / "b")[0], replace(members(tmp_path / "b")[1], seed=9)]
    second = train_together(PATCHES, settings, [*chosen, members(tmp_path / "b")[2]])[0]
    assert isinstance(second, TrainingResult)
    assert second.epochs.drop("seconds").equals(first[0].epochs.drop("seconds"))


def test_each_stops_by_itself(tmp_path: Path) -> None:
    """A training whose loss gets no better ends; the others go on, and all are what they are alone."""
    chosen = {"epochs": 6, "stop_patience": 0, "min_delta": 1.5e-4, "target_range": "unit"}
    settings = TrainingSettings(**(SMALL | GENTLE | chosen))
    group, single = together(tmp_path / "group", settings), alone(tmp_path / "single", settings)
    assert [len(one.history) for one in group] == [4, 6, 6]
    assert_close(group, single, rel=1e-4)


def test_checkpoints_are_ordinary_ones(tmp_path: Path) -> None:
    """Each file loads as a model of its own, with the header of a single training."""
    settings = TrainingSettings(**SMALL)
    for one, other in zip(together(tmp_path / "g", settings), alone(tmp_path / "s", settings), strict=True):
        assert one.n_together == 3
        for best_by, path in one.checkpoints.items():
            read, expected = load_checkpoint(path), load_checkpoint(other.checkpoints[best_by])
            assert read.header.model_copy(update={"metrics": {}, "epoch": 0}) == expected.header.model_copy(
                update={"metrics": {}, "epoch": 0}
            )
            assert read.model.state_dict().keys() == expected.model.state_dict().keys()
        counts = [value for name, value in one.model.state_dict().items() if name.endswith("num_batches_tracked")]
        assert set(map(int, counts)) == {6}  # two epochs of three steps


@pytest.mark.parametrize("optimiser", ["adam", "sgd", "muon"])
def test_a_cut_group_goes_on_to_the_same_bits(optimiser: str, tmp_path: Path) -> None:
    """Cut after an epoch that was saved, all go on from there and end as if nothing had been cut."""
    settings = TrainingSettings(**(SMALL | {"epochs": 3}), optimiser=optimiser)

    def cut(place: int, record: EpochRecord) -> None:
        if (place, record.epoch) == (0, 2):
            raise Cut

    with pytest.raises(Cut):
        together(tmp_path / "cut", settings, on_epoch=cut, save_every_s=0.0)
    resumed = together(tmp_path / "cut", settings)
    straight = together(tmp_path / "straight", settings)
    assert [one.resumed_after_epoch for one in resumed] == [1, 1, 1]
    assert [one.epochs.drop("seconds").rows() for one in resumed] == [
        one.epochs.drop("seconds").rows() for one in straight
    ]
    assert [one.file_digests for one in resumed] == [one.file_digests for one in straight]


def test_a_training_goes_on_together_or_alone(tmp_path: Path) -> None:
    """Progress files are the same: begun alone, at different epochs, all end together; and the other way round."""
    settings = TrainingSettings(**(SMALL | {"epochs": 3}), **GENTLE)
    for one, epochs in zip(members(tmp_path), (1, 2), strict=False):
        train_member(one, settings.model_copy(update={"epochs": epochs}))
    group = together(tmp_path, settings)
    assert [one.resumed_after_epoch for one in group] == [1, 2, 0]
    assert_close(group, alone(tmp_path / "straight", settings), rel=1e-4)
    longer = alone(tmp_path, settings.model_copy(update={"epochs": 4}))
    assert [one.resumed_after_epoch for one in longer] == [3, 3, 3]


def test_one_that_diverges_does_not_stop_the_others(tmp_path: Path) -> None:
    """It says in which epoch and step; the others have the numbers that they have without it."""
    settings = TrainingSettings(**SMALL, **GENTLE)
    straight = together(tmp_path / "straight", settings)
    train_member(members(tmp_path)[1], settings.model_copy(update={"epochs": 1}))
    tensors, header = load_tensors(tmp_path / "1" / PROGRESS_FILE)
    tensors["model.decoder.0.weight"].fill_(torch.nan)
    save_tensors(tmp_path / "1" / PROGRESS_FILE, tensors, header=header)
    found = train_together(PATCHES, settings, members(tmp_path))
    assert isinstance(found[1], TrainingDiverged)
    assert (found[1].epoch, found[1].step) == (2, 1)
    others = [one for one in found if isinstance(one, TrainingResult)]
    assert_close(others, [straight[0], straight[2]], rel=2e-5)


class Counting(TorchDispatchMode):
    """Counts the operations that torch is asked for: on a GPU, each is a launch."""

    def __init__(self) -> None:
        super().__init__()
        self.n = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.n += not func.is_view
        return func(*args, **(kwargs or {}))


def begin(lesson: Lesson) -> Course:
    """Return a training before its first epoch."""
    return Course.begin(lesson, identity=RunIdentity(), folder=Path("nowhere"), resume=False)


def a_step(n_models: int) -> tuple[StepTogether, StepInput]:
    """Return a step of some models, and what it takes."""
    settings = TrainingSettings(**SMALL)
    rows = PATCHES.index(range(16))
    lessons = [Lesson(settings, seed, PATCHES, rows, rows, squared_error) for seed in range(n_models)]
    stack = Stack([begin(lesson).progress for lesson in lessons])
    batch = torch.rand(n_models, 16, 1, 16, 16)
    noise = draw_noise(stack.progresses[0].model, [torch.Generator() for _ in lessons], 16)
    return StepTogether(stack, lessons[0]), StepInput(batch, batch, noise, torch.full((4, n_models), 0.1))


def test_a_step_of_many_models_is_as_many_launches_as_of_two() -> None:
    """Forward, backward and update: the number of operations does not depend on the number of models."""
    counts = []
    for n_models in (2, 7):
        step, given = a_step(n_models)
        with Counting() as counted:
            step(given, slice(0, n_models))
        counts.append(counted.n)
    assert counts[0] == counts[1] < 250


def test_a_step_asks_for_no_number() -> None:
    """Nothing in it waits for the device: under tensors without values it runs to its end."""
    step, given = a_step(2)
    with FakeTensorMode(allow_non_fake_inputs=True):
        step(given, slice(0, 2))


def test_models_look_into_their_rows() -> None:
    """A step on the common tensors is a step of each model and of its optimiser."""
    step, given = a_step(2)
    models = [progress.model for progress in step.stack.progresses]
    before = [model.encoder[0][0].weight.clone() for model in models]
    step(given, slice(0, 2))
    for row, (model, old) in enumerate(zip(models, before, strict=True)):
        weight = model.encoder[0][0].weight
        assert not torch.equal(weight, old)
        assert torch.equal(weight.flatten(), step.stack.weights[row, : weight.numel()])
        assert model.encoder[1][1].running_mean.abs().sum() > 0


def test_a_layer_without_a_grouped_form_is_named() -> None:
    """A new layer in a model says what it lacks."""
    model = build_model("ae", size_px=16).train()
    model.encoder.add_module("new", nn.Dropout1d())
    weights = {name: torch.stack([value] * 2) for name, value in model.named_parameters()}
    statistics = {name: torch.stack([value] * 2) for name, value in model.named_buffers()}
    noise = draw_noise(model, [torch.Generator(), torch.Generator()], 4)
    with pytest.raises(TypeError, match="Dropout1d has no grouped form"):
        GroupedModel(model)(torch.rand(2, 4, 1, 16, 16), weights, statistics, noise)


def test_lessons_that_are_not_sorted_are_refused() -> None:
    """Rows that have patches left must lie side by side."""
    step, _ = a_step(2)
    lessons = [replace(step.lesson, train_rows=PATCHES.index(range(n))) for n in (4, 8)]
    with pytest.raises(ValueError, match="the most first"):
        run_epoch_together(ReplayedStep(step), lessons)
