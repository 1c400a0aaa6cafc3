"""Checkpoints: what is written is read, and what is damaged is refused."""

from pathlib import Path

import pytest
import small_patches  # noqa: F401  # one thread
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from deepdlt.models import Model, build_model
from deepdlt.training.checkpoints import (
    CheckpointHeader,
    CheckpointUnreadable,
    RunIdentity,
    load_checkpoint,
    load_tensors,
    save_checkpoint,
    save_tensors,
)

IDENTITY = RunIdentity(run_id="r", dataset_id="d", split_id="s", code_digest="c", versions={"torch": "2"})


def small_model(name: str = "ae") -> Model:
    """Return a model of 8 px patches whose settings are no defaults."""
    return build_model(name, size_px=8, kernel_size_px=5, activation="elu", dropout=0.1, latent_dim=3, seed=4)


def header_of(model: Model) -> CheckpointHeader:
    """Return a header for a model."""
    return CheckpointHeader(
        model=model.name,
        model_settings=model.settings,
        target_range="unit",
        beta=2.0,
        best_by="ssim",
        epoch=3,
        metrics={"val_loss": 0.1, "val_kl": None},
        identity=IDENTITY,
    )


def written(folder: Path, name: str = "ae") -> Path:
    """Write a checkpoint."""
    model = small_model(name)
    save_checkpoint(folder / "model.safetensors", model.state_dict(), header_of(model))
    return folder / "model.safetensors"


@pytest.mark.parametrize("name", ["ae", "vae"])
def test_a_model_comes_back_from_its_file(name: str, tmp_path: Path) -> None:
    """Weights, settings and header survive, and the model is ready to evaluate."""
    checkpoint = load_checkpoint(written(tmp_path, name))
    expected = small_model(name)
    assert checkpoint.header == header_of(expected)
    assert checkpoint.model.settings == expected.settings
    assert not checkpoint.model.training
    x = torch.rand(2, 1, 8, 8)
    assert torch.equal(checkpoint.model(x).reconstruction, expected.eval()(x).reconstruction)


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    """A file's digest says whether two trainings agree."""
    model = small_model("vae")
    digests = {save_checkpoint(tmp_path / f"{i}.safetensors", model.state_dict(), header_of(model)) for i in range(5)}
    assert len(digests) == 1
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


@given(position=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_flipped_bit_is_noticed(position: float, bit: int, tmp_path: Path) -> None:
    """Header, weights and lengths are all covered by the digest."""
    path = tmp_path / "one.safetensors"
    save_tensors(path, {"a": torch.arange(5.0), "b": torch.ones(2, 3)}, header='{"x": 1}')
    content = bytearray(path.read_bytes())
    content[int(position * len(content))] ^= 1 << bit
    path.write_bytes(content)
    with pytest.raises(CheckpointUnreadable, match="train that run again"):
        load_tensors(path)


@pytest.mark.parametrize("n_kept", [0, 4, 100, -1], ids=["empty", "length", "header", "last-byte"])
def test_a_truncated_file_is_refused(n_kept: int, tmp_path: Path) -> None:
    """A file that ends early is named, with what to do."""
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:n_kept])
    with pytest.raises(CheckpointUnreadable) as caught:
        load_checkpoint(path)
    assert caught.value.path == path
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The error is ours, not the system's."""
    with pytest.raises(CheckpointUnreadable, match=r"nowhere\.safetensors"):
        load_checkpoint(tmp_path / "nowhere.safetensors")


def test_safetensors_of_others_are_refused(tmp_path: Path) -> None:
    """A file without our header is no checkpoint."""
    save_file({"a": torch.ones(2)}, tmp_path / "foreign.safetensors")
    with pytest.raises(CheckpointUnreadable, match="no header of deepdlt"):
        load_checkpoint(tmp_path / "foreign.safetensors")


def test_another_format_is_refused(tmp_path: Path) -> None:
    """A header of a later format is not guessed at."""
    model = small_model()
    text = header_of(model).model_dump_json().replace("deepdlt-checkpoint-1", "deepdlt-checkpoint-9")
    save_tensors(tmp_path / "late.safetensors", model.state_dict(), header=text)
    with pytest.raises(CheckpointUnreadable, match="not of format deepdlt-checkpoint-1"):
        load_checkpoint(tmp_path / "late.safetensors")


@pytest.mark.parametrize(
    "change",
    [{"model": "gan"}, {"model": "vae"}, {"model_settings": {"depth": 3}}, {"model_settings": {"size_px": 9}}],
    ids=["unknown", "other", "unknown-setting", "bad-setting"],
)
def test_weights_must_fit_the_model_that_is_named(change: dict[str, object], tmp_path: Path) -> None:
    """Neither a part of the weights nor another model is loaded in silence."""
    model = small_model()
    header = header_of(model).model_copy(update=change)
    save_checkpoint(tmp_path / "odd.safetensors", model.state_dict(), header)
    with pytest.raises(CheckpointUnreadable, match="does not fit the model it names"):
        load_checkpoint(tmp_path / "odd.safetensors")


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    """Where the target cannot be replaced, it stays as it was and no half-written file lies beside it."""
    target = tmp_path / "taken"
    target.mkdir()
    with pytest.raises(OSError, match="taken"):
        save_tensors(target, {"a": torch.ones(1)}, header="{}")
    assert list(tmp_path.iterdir()) == [target]
