"""A stack of the benchmarks' own: server, workers, lake, and a night that has been trained."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.pairs import ROOT
from deployments.parts import free_port
from deployments.settings import StackPaths, prefect_settings

NIGHT: dict[str, Any] = {"profile": "quick", "epochs": 1, "folds": 2, "models": ["ae"]}
"""A small night of the default kind: four labels, two schemes, and a training on the 80/10/10 split."""

N_IMAGES, HEIGHT_PX, WIDTH_PX = 24, 128, 160
FREE = 0


@dataclass(frozen=True)
class BenchStack:
    """A stack in a folder.

    Parameters
    ----------
    folder : Path
        Holds everything that it writes.
    port : int
        Of the server, on the loopback address.
    """

    folder: Path
    port: int

    @property
    def api_url(self) -> str:
        """Address of the server's interface."""
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def source(self) -> Path:
        """The small images that its nights take."""
        return self.folder / "images"

    @property
    def variables(self) -> dict[str, str]:
        """Environment of everything that uses it."""
        paths = StackPaths(self.folder / "stack")
        return prefect_settings(paths, self.api_url, is_own_server=True) | {
            "DEEPDLT_STACK": str(paths.folder),
            "DEEPDLT_LAKE": str(self.folder / "lake"),
            "DEEPDLT_PORT": str(self.port),
            "PYTHONPATH": str(ROOT),
        }

    def command(self, *arguments: str, **variables: str) -> str:
        """Run the command line to its end; return what it prints."""
        env = {**os.environ, **self.variables, **variables}
        env.pop("PREFECT_API_URL")  # the server is the stack's own
        command = [sys.executable, "-m", "deployments.cli", *arguments]
        done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False, timeout=3600)
        if done.returncode:
            raise RuntimeError(f"deepdlt {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout[-3000:]}")
        return done.stdout


def start_with_night(folder: Path) -> BenchStack:
    """Start a stack, deploy the empty flow beside the project's own, and train a small night."""
    from deepdlt.synthetic.synth import write_synthetic

    shutil.rmtree(folder, ignore_errors=True)
    stack = BenchStack(folder, free_port(FREE))
    write_synthetic(stack.source, n_images=N_IMAGES, height_px=HEIGHT_PX, width_px=WIDTH_PX)
    (folder / "stack" / "prefect").mkdir(parents=True)
    stack.command("up")
    stack.command("deploy", DEEPDLT_PREFECT_YAML=str(ROOT / "benchmarks" / "empty_flow.yaml"))
    stack.command("deploy", "--force")
    stack.command("retrain", *night_arguments(stack))
    return stack


def night_arguments(stack: BenchStack) -> list[str]:
    """Return the night as the command line takes it."""
    return [
        *("--source", str(stack.source), "--profile", NIGHT["profile"], "--epochs", str(NIGHT["epochs"])),
        *("--folds", str(NIGHT["folds"]), "--models", " ".join(NIGHT["models"])),
    ]
