"""What a training runs on, in words: it stands beside its numbers and its seconds."""

import os
import platform
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")


def describe_hardware(device: str) -> str:
    """Return the name of the processor behind a kind of device.

    Parameters
    ----------
    device : str
        ``cpu``, ``cuda`` or ``mps``.

    Returns
    -------
    str
        The GPU as its driver names it, or the processor and the cores that this process may use.
    """
    if device == "cuda":
        import torch

        return str(torch.cuda.get_device_name())
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{_processor()}, {n_cores} core{'s' if n_cores > 1 else ''}"


def _processor() -> str:
    """Return the processor's name as the system knows it, its architecture where it does not."""
    if _CPU_INFO.is_file():
        for line in _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name" and value.strip():
                return value.strip()
    return platform.processor() or platform.machine()
