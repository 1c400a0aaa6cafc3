"""Which profile a night takes when it is not told."""

import logging
import os
import shutil
import subprocess
from pathlib import Path
from typing import Literal, get_args

from deepdlt.config import ProfileName
from deepdlt.errors import DeepdltError

logger = logging.getLogger(__name__)


class ProfileUnknown(DeepdltError):
    """`DEEPDLT_PROFILE` names no profile."""

    def __init__(self, value: str) -> None:
        self.value = value
        super().__init__(f"DEEPDLT_PROFILE={value!r} is no profile; there are {', '.join(get_args(ProfileName))}")


def pick_profile(asked: Literal["auto", "quick", "paper"]) -> ProfileName:
    """Return the profile of a night: the one asked for, else `DEEPDLT_PROFILE`, else by the machine.

    Where the gpu workers sit on other machines than the one that composes the night, or have cards that
    it does not see, `DEEPDLT_PROFILE` says what they can bear; empty, it counts as not set.

    Parameters
    ----------
    asked : {"auto", "quick", "paper"}
        The flow's parameter.

    Returns
    -------
    {"quick", "paper"}
        `paper` where this machine has a CUDA device.

    Raises
    ------
    ProfileUnknown
        If `DEEPDLT_PROFILE` names no profile.
    """
    if asked != "auto":
        return asked
    named = os.environ.get("DEEPDLT_PROFILE")
    if named:
        for name in get_args(ProfileName):
            if named == name:
                return name  # type: ignore[no-any-return]
        raise ProfileUnknown(named)
    chosen: ProfileName = "paper" if has_cuda() else "quick"
    logger.info("profile %s: this machine has %s CUDA device", chosen, "a" if chosen == "paper" else "no")
    return chosen


# The set-up decides by the very same lines (`deployments.environment`), before anything of ours can be imported.
def has_cuda() -> bool:
    """Tell whether this machine has a CUDA device, by its driver: one that a container does not see is not here."""
    if Path("/dev/nvidiactl").exists():
        return True
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return False
    try:
        return subprocess.run([tool, "-L"], capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False
