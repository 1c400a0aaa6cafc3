"""The command ``deepdlt watch``: look at a folder now and then, and say so when new images have landed in it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from deepdlt.digest import digest_json
from deployments.errors import ServerUnreachable
from deployments.server_api import ServerApi

LANDED = "deepdlt.images.landed"
Say = Callable[[str], None]


def state_of(folder: Path) -> str:
    """Return the digest of names, sizes and times of all files in a folder; hidden ones are not counted.

    Parameters
    ----------
    folder : Path
        One that cannot be read counts as empty.
    """
    found = []
    for path in sorted(folder.rglob("*")):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not is_hidden and path.is_file():
            stat = path.stat()
            found.append((path.relative_to(folder).as_posix(), stat.st_size, stat.st_mtime_ns))
    return digest_json(found)


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
        """Take what is seen now, and say whether it is to be told."""
        if state != self._seen:
            self._seen, self._since_s = state, now_s
        if state == self.told or now_s - self._since_s < self.still_s:
            return False
        self.told = state
        return True


def watch(source: Path, api: ServerApi, say: Say, *, every_s: float, still_s: float) -> None:
    """Watch a folder until interrupted.

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
    watched = Watch(still_s, told=state_of(folder))
    while True:
        time.sleep(every_s)
        before = watched.told
        if watched.is_news(state_of(folder), time.monotonic()):
            try:
                tell(api, folder)
            except ServerUnreachable as error:
                watched.told = before  # it stays news until somebody hears it
                say(str(error))
            else:
                say(f"{folder} has changed: a night is asked for")


def tell(api: ServerApi, folder: Path, *, event: str = LANDED, **more: object) -> None:
    """Say that images have landed in a folder."""
    api.emit(event, f"deepdlt.source.{digest_json(str(folder))[:12]}", {"source": str(folder), **more})
