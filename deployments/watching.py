"""The command ``deepdlt watch``: look at a folder now and then, and say so when new images have landed in it."""

import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from deepdlt.digest import digest_json
from deployments.dead_runs import UNDER_WAY
from deployments.errors import DeploymentError
from deployments.server_api import ServerApi

LANDED = "deepdlt.images.landed"
NIGHT = "retrain/nightly"
Say = Callable[[str], None]


def state_of(folder: Path) -> str:
    """Return the digest of names, sizes and times of all files in a folder; hidden ones are not counted.

    Parameters
    ----------
    folder : Path
        One that cannot be read counts as empty.
    """
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(place, name) for name in names if not name.startswith(".")):
            with suppress(OSError):  # it may go while it is looked at
                seen = path.stat()
                if stat.S_ISREG(seen.st_mode):
                    found.append((path.relative_to(folder).as_posix(), seen.st_size, seen.st_mtime_ns))
    return digest_json(sorted(found))


@dataclass
class Watch:
    """What was seen of a folder: news is a state that is another than the last one told and has been still.

    Parameters
    ----------
    still_s : float
        Seconds for which nothing may have changed: images are copied one after the other.
    told : str
        State that needs no telling.
    """

    still_s: float
    told: str
    _seen: str = field(default="", init=False)
    _since_s: float = field(default=0.0, init=False)

    def is_news(self, state: str, now_s: float) -> bool:
        """Take what is seen now, and say whether it is to be told; it stays news until `told` says that it was."""
        if state != self._seen:
            self._seen, self._since_s = state, now_s
        return state != self.told and now_s - self._since_s >= self.still_s


def is_night_due(api: ServerApi, name: str = NIGHT) -> bool:
    """Tell whether a run of a deployment is under way, or waits for a worker: another one would be cancelled.

    Raises
    ------
    DeploymentError
        If the server cannot be asked.
    """
    wanted = {
        "deployment_id": {"any_": [api.deployment(name)["id"]]},
        "state": {"type": {"any_": [*UNDER_WAY, "SCHEDULED"]}},
        "expected_start_time": {"before_": datetime.now(UTC).isoformat()},
    }
    return bool(api.runs(wanted))


@dataclass
class Watcher:
    """Looks at a folder, and asks for a night once there is news and no other night is in the way.

    Parameters
    ----------
    folder : Path
    api : ServerApi
        Server whose deployment ``retrain/nightly`` starts on the event.
    say : callable
        Takes a line; what stays as it was is said once.
    watched : Watch
    """

    folder: Path
    api: ServerApi
    say: Say
    watched: Watch
    _said: str = field(default="", init=False)

    def look(self, now_s: float) -> None:
        """Look once."""
        state = state_of(self.folder)
        if not self.watched.is_news(state, now_s):
            return
        try:
            if is_night_due(self.api):
                self._say_once(f"{self.folder} has changed: a night follows the one that is under way or waits")
                return
            tell(self.api, self.folder)
        except DeploymentError as error:
            self._say_once(f"{error} Looking again.")
            return
        self.watched.told = state
        self._said = ""
        self.say(f"{self.folder} has changed: a night is asked for")

    def _say_once(self, text: str) -> None:
        if text != self._said:
            self.say(text)
        self._said = text


def watch(source: Path, api: ServerApi, say: Say, *, every_s: float, still_s: float) -> None:
    """Watch a folder until interrupted.

    Where the server cannot be asked, or refuses, what has landed stays news.

    Parameters
    ----------
    source : Path
        Folder of images and label sheet.
    api : ServerApi
        Server whose deployment ``retrain/nightly`` starts on the event.
    say : callable
        Takes a line.
    every_s, still_s : float
        Seconds between two looks; see `Watch`.
    """
    folder = source.resolve()
    watcher = Watcher(folder, api, say, Watch(still_s, told=state_of(folder)))
    while True:
        time.sleep(every_s)
        watcher.look(time.monotonic())


def tell(api: ServerApi, folder: Path, *, event: str = LANDED, **more: object) -> None:
    """Say that images have landed in a folder."""
    api.emit(event, f"deepdlt.source.{digest_json(str(folder))[:12]}", {"source": str(folder), **more})
