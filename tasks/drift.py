"""How a night's new images look to the champion that was trained without them.

The looking imports torch; it is done by a process of its own (`tasks.drift_scoring`), and only where there is an
image to look at.
"""

import logging
import subprocess
import sys
from typing import IO, Any, cast

from prefect import task
from prefect.cache_policies import NO_CACHE

from deepdlt.errors import DeepdltError
from lake import Lake
from tasks.lake_access import environment_with, open_lake
from tasks.messages import Event
from tasks.unseen import images_to_look_at

logger = logging.getLogger(__name__)


class DriftFailed(DeepdltError):
    """The champion could not look at new images."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"new images were not looked at: {reason}")


@task(name="look at new images", cache_policy=NO_CACHE, retries=1, retry_delay_seconds=2, timeout_seconds=1800)
def look_at_new_images(night_id: str) -> None:
    """Have the champion judge the images of a night that it has not seen, where none has judged them."""
    lake = open_lake()
    if images_to_look_at(lake, night_id)[1]:
        _look(lake, night_id)


def _look(lake: Lake, night_id: str) -> None:
    """Run the process that looks; it ends by itself once this one is gone."""
    command = [sys.executable, "-m", "tasks.drift_scoring", night_id]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    last = Event("died", text="its process ended before it was done")
    with subprocess.Popen(command, env=environment_with(lake), **pipes) as process:
        try:
            for line in cast("IO[str]", process.stdout):
                last = Event.from_line(line)
                if last.kind == "log":
                    logging.getLogger(last.logger).log(last.level, last.text)
        finally:
            process.terminate()
    if last.kind != "done":
        raise DriftFailed(last.text)
