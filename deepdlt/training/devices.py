"""Where tensors live: the best device there is, or the one that was asked for."""

from typing import Literal

import torch

from deepdlt.errors import DeepdltError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]


class DeviceMissing(DeepdltError):
    """The device that was asked for is not in this machine."""

    def __init__(self, device: str, available: tuple[str, ...]) -> None:
        self.device = device
        self.available = available
        super().__init__(f"device {device!r} is not here; this machine has {', '.join(available)}, or say 'auto'")


def available_devices() -> tuple[str, ...]:
    """Return the kinds of device in this machine, the fastest first.

    Returns
    -------
    tuple of str
        Some of ``cuda``, ``mps``, ``cpu``; the last one is always there.
    """
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return tuple(name for name, is_here in found.items() if is_here)


def pick_device(name: str = "auto") -> torch.device:
    """Return the device to compute on.

    Parameters
    ----------
    name : str
        ``auto`` for the fastest there is, or ``cuda``, ``mps``, ``cpu``.

    Returns
    -------
    torch.device

    Raises
    ------
    DeviceMissing
        If the named device is not in this machine.
    """
    available = available_devices()
    if name == "auto":
        return torch.device(available[0])
    if name not in available:
        raise DeviceMissing(name, available)
    return torch.device(name)


def free_device_bytes(device: torch.device) -> int | None:
    """Return the memory that is free on a device.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    int or None
        Bytes; None where the device computes in the machine's own memory.
    """
    return int(torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else None
