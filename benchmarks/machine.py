"""What the figures were taken on: processor, memory, threads, versions."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

LIBRARIES = (
    "torch",
    "numpy",
    "pillow",
    "scikit-image",
    "polars",
    "duckdb",
    "pyarrow",
    "prefect",
)


def describe_machine() -> dict[str, Any]:
    """Return processor, cores, memory, threads and versions as JSON values."""
    import torch

    told: dict[str, Any] = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_before": round(cores_busy(), 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "torch_threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in LIBRARIES},
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
    }
    return told


def cores_busy(*, over_s: float = 2.0) -> float:
    """Return how many cores are at work just now; a load average would still know the row before."""
    return psutil.cpu_percent(interval=over_s) / 100 * (os.cpu_count() or 1)


def _processor() -> str:
    """Return the processor's name."""
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found.group(1).strip() if found else platform.processor() or platform.machine()
