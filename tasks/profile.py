"""Which profile a night takes when it is not told."""

import logging
import os
import shutil
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

    Where the gpu workers sit on other machines than the one that composes the night,
    `DEEPDLT_PROFILE` says what they can bear.

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
    if named is not None:
        for name in get_args(ProfileName):
            if named == name:
                return name  # type: ignore[no-any-return]
        raise ProfileUnknown(named)
    chosen: ProfileName = "paper" if _has_cuda_device() else "quick"
    logger.info("profile %s: this machine has %s CUDA device", chosen, "a" if chosen == "paper" else "no")
    return chosen


def _has_cuda_device() -> bool:
    """Tell whether a CUDA driver is there, without importing torch."""
    return Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") is not None
