"""A training that diverged is tried once more with a lower learning rate, where that is asked for."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import small_patches
from polars.testing import assert_frame_equal

from deepdlt.together.train import Member, train_members
from deepdlt.training.checkpoints import load_tensors, save_tensors
from deepdlt.training.epochs import TrainingDiverged
from deepdlt.training.progress import EpochRecord
from deepdlt.training.progress_files import AGAIN_FILE, PROGRESS_FILE
from deepdlt.training.settings import TrainingSettings
from deepdlt.training.train import TrainingResult, train

PATCHES = small_patches.patch_set(60)
TRAIN, VAL = range(40), range(40, 50)
GOOD: dict[str, Any] = {"optimiser": "sgd", "batch_size": 16, "epochs": 3, "learning_rate": 0.01}
BEYOND_REASON = TrainingSettings(**GOOD | {"retry_at": 1e-32}).model_copy(update={"learning_rate": 1e30})


class Cut(Exception):
    """Stands for a process that ends after an epoch."""


def one(folder: Path, seed: int = 0) -> Member:
    """Return a training with a folder of its own."""
    return Member(TRAIN, VAL, folder / str(seed), seed=seed)


def numbers(result: TrainingResult | TrainingDiverged) -> pl.DataFrame:
    """Return the epochs of a training that did not fail, without their times."""
    assert isinstance(result, TrainingResult)
    return result.epochs.drop("seconds")


def test_the_second_try_is_the_training_at_the_lower_rate(tmp_path: Path) -> None:
    """Its numbers are those of that training, bit by bit, and it says what ended the first."""
    (found,) = train_members(PATCHES, BEYOND_REASON, [one(tmp_path / "a")])
    straight = train(
        PATCHES,
        TrainingSettings(**GOOD | {"learning_rate": 1e30 * 1e-32}),
        train_index=TRAIN,
        val_index=VAL,
        checkpoint_dir=tmp_path / "b",
    )
    assert_frame_equal(numbers(found), numbers(straight))
    assert isinstance(found, TrainingResult)
    assert "in epoch 1 at step" in found.diverged
    assert "1e+30" in found.diverged
    assert straight.diverged == ""


def test_where_it_is_not_asked_for_the_training_has_failed(tmp_path: Path) -> None:
    """There is one try, and its error."""
    settings = BEYOND_REASON.model_copy(update={"retry_at": None})
    (found,) = train_members(PATCHES, settings, [one(tmp_path)])
    assert isinstance(found, TrainingDiverged)
    assert found.learning_rate == pytest.approx(1e30)


def test_there_is_no_third_try(tmp_path: Path) -> None:
    """What diverges at the lower rate, too, has failed, with the lower rate in the error."""
    settings = BEYOND_REASON.model_copy(update={"retry_at": 0.5})
    (found,) = train_members(PATCHES, settings, [one(tmp_path)])
    assert isinstance(found, TrainingDiverged)
    assert found.learning_rate == pytest.approx(5e29)


def test_a_second_try_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    """The first try diverges again at once, the second goes on after its last epoch, to the same bits."""
    (straight,) = train_members(PATCHES, BEYOND_REASON, [one(tmp_path / "a")])

    def cut(_: int, record: EpochRecord) -> None:
        if record.epoch == 2:
            raise Cut

    with pytest.raises(Cut):
        train_members(PATCHES, BEYOND_REASON, [one(tmp_path / "b")], on_epoch=cut)
    assert (tmp_path / "b" / "0" / AGAIN_FILE).is_file()
    (found,) = train_members(PATCHES, BEYOND_REASON, [one(tmp_path / "b")])
    assert isinstance(found, TrainingResult)
    assert found.resumed_after_epoch == 2
    assert_frame_equal(numbers(found), numbers(straight))


def test_of_several_only_the_one_that_diverged_is_tried_again(tmp_path: Path) -> None:
    """The others keep their numbers, and the callback names it by its place in the group."""
    settings = TrainingSettings(**GOOD | {"retry_at": 0.1})
    group = [one(tmp_path, seed) for seed in range(3)]
    train_members(PATCHES, settings.model_copy(update={"epochs": 1}), group[1:2])
    file = tmp_path / "1" / PROGRESS_FILE
    tensors, header = load_tensors(file)
    tensors["model.decoder.0.weight"].fill_(float("nan"))
    save_tensors(file, tensors, header=header)
    told: list[tuple[int, int]] = []
    found = train_members(PATCHES, settings, group, on_epoch=lambda place, record: told.append((place, record.epoch)))
    assert [bool(result.diverged) for result in found if isinstance(result, TrainingResult)] == [False, True, False]
    assert told[-3:] == [(1, 1), (1, 2), (1, 3)]
    assert numbers(found[1])["learning_rate"].to_list() == pytest.approx([0.001] * 3)
    assert numbers(found[0])["learning_rate"].to_list() == pytest.approx([0.01] * 3)
