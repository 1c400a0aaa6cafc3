"""Models as files: safetensors with a JSON header, written whole or not at all.

Nothing is unpickled, so a file from elsewhere can be opened without running its code. The header
says what is needed to build the model again, and carries the digest of the weights.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from deepdlt.digest import digest_bytes, digest_json
from deepdlt.errors import DeepdltError
from deepdlt.models import Model, build_model
from deepdlt.training.devices import pick_device

FORMAT: Literal["deepdlt-checkpoint-1"] = "deepdlt-checkpoint-1"
"""Changes when a file of the old form cannot be read as one of the new."""

METADATA_KEY = "deepdlt"
"""The one key among the safetensors metadata: several would be written in random order."""

BestBy = Literal["loss", "psnr", "ssim", "last"]


class CheckpointUnreadable(DeepdltError):
    """A file is no checkpoint of ours, or is damaged."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path} cannot be read as a checkpoint: {reason}; delete it and train that run again")


class RunIdentity(BaseModel):
    """Where a checkpoint comes from. Empty where a training belongs to no run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str = ""
    dataset_id: str = ""
    split_id: str = ""
    code_digest: str = ""
    versions: dict[str, str] = {}


class _Envelope(BaseModel):
    """Header text and the digest of everything in the file."""

    digest: str
    header: str


class CheckpointHeader(BaseModel):
    """What a checkpoint says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["deepdlt-checkpoint-1"] = FORMAT
    model: str
    model_settings: dict[str, int | float | str | bool | None]
    target_range: str
    view: str = "pixels"
    threshold: float = 0.1
    beta: float
    best_by: BestBy
    epoch: int
    metrics: dict[str, float | None]
    identity: RunIdentity


@dataclass(frozen=True)
class Checkpoint:
    """A model that was read back, and its header."""

    model: Model
    header: CheckpointHeader


def save_tensors(path: Path, tensors: Mapping[str, Tensor], *, header: str) -> str:
    """Write named tensors and a header to one safetensors file, atomically.

    A reader finds the old file or the new one, never half of one, also after a power cut.

    Parameters
    ----------
    path : Path
        Its folder is made where it is missing.
    tensors : mapping of str to Tensor
        On any device, any memory format.
    header : str
        JSON text.

    Returns
    -------
    str
        Digest of the file's bytes.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    envelope = {"digest": _content_digest(plain, header), "header": header}
    content = save(plain, metadata={METADATA_KEY: json.dumps(envelope)})
    _write_atomically(path, content)
    return digest_bytes(content)


def load_tensors(path: Path) -> tuple[dict[str, Tensor], str]:
    """Read what `save_tensors` wrote, and check its digest.

    Parameters
    ----------
    path : Path

    Returns
    -------
    tensors : dict of str to Tensor
        On the CPU.
    header : str
        JSON text.

    Raises
    ------
    CheckpointUnreadable
        If there is no such file, it is not of this form, or a bit of it has changed.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no dict
    except (OSError, SafetensorError) as error:
        raise CheckpointUnreadable(path, str(error)) from error
    try:
        envelope = _Envelope.model_validate_json(metadata.get(METADATA_KEY, ""))
    except ValidationError as error:
        raise CheckpointUnreadable(path, "it has no header of deepdlt") from error
    if envelope.digest != _content_digest(tensors, envelope.header):
        raise CheckpointUnreadable(path, "its content does not have the digest it was written with")
    return tensors, envelope.header


def save_checkpoint(path: Path, weights: Mapping[str, Tensor], header: CheckpointHeader) -> str:
    """Write a model's weights and header, atomically.

    Parameters
    ----------
    path : Path
    weights : mapping of str to Tensor
        State of the model that the header describes.
    header : CheckpointHeader

    Returns
    -------
    str
        Digest of the file's bytes.
    """
    return save_tensors(path, weights, header=header.model_dump_json())


def load_checkpoint(path: Path, *, device: str | torch.device = "cpu") -> Checkpoint:
    """Build the model that a file holds, in evaluation mode.

    Parameters
    ----------
    path : Path
    device : str or torch.device
        ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Returns
    -------
    Checkpoint

    Raises
    ------
    CheckpointUnreadable
        If the file is missing, damaged, of another format, or does not fit the model it names.
    DeviceMissing
        If the device is not in this machine.
    """
    place = pick_device(device) if isinstance(device, str) else device
    weights, text = load_tensors(path)
    try:
        header = CheckpointHeader.model_validate_json(text)
        model = build_model(header.model, **header.model_settings)  # type: ignore[arg-type]  # checked there
        model.load_state_dict(weights, strict=True)
    except ValidationError as error:
        raise CheckpointUnreadable(path, f"its header is not of format {FORMAT}: {error}") from error
    except (TypeError, ValueError, RuntimeError) as error:
        raise CheckpointUnreadable(path, f"it does not fit the model it names: {error}") from error
    return Checkpoint(model.to(place).eval(), header)


def _content_digest(tensors: Mapping[str, Tensor], header: str) -> str:
    """Return the digest of names, types, shapes, numbers and header."""
    parts = [
        digest_bytes(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), _bytes_of(tensor))
        for name, tensor in sorted(tensors.items())
    ]
    return digest_json([parts, header])


def _bytes_of(tensor: Tensor) -> memoryview:
    """Return a contiguous tensor's memory, whatever its type."""
    return tensor.reshape(-1).view(torch.uint8).numpy().data


def _write_atomically(path: Path, content: bytes) -> None:
    """Write beside the target, flush to the disk, then rename over it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    """Make a rename durable, where the system lets a folder be flushed."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
