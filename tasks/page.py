"""The page of a night, and the index of nights beside it: gathered from the lake, written whole or not at all."""

import base64
import logging
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from deepdlt.errors import DeepdltError
from deepdlt.sheets.meanings import meanings_of
from lake import Lake
from lake.files import atomic_write
from lake.location import PAGES, page_of
from lake.night_views import ask_of_night
from lake.statements import load
from tasks.lake_access import open_lake
from tasks.pictures import NightPicture, pictures_and_more
from tasks.sheet import sheet_spec

if TYPE_CHECKING:
    from deepdlt.page.render import Picture

logger = logging.getLogger(__name__)

FRAMES = (
    "trainings",
    "steps",
    "failed",
    "new_images",
    "drift",
    "rejected",
    "remarks",
    "fold_summary",
    "folds",
    "seed_spread",
    "baselines",
    "champion_decisions",
    "champions",
    "difficulty_tests",
    "difficulty_answer",
    "label_difficulty",
    "fold_average_differences",
    "unanswered",
    "probe",
    "leakage_gap",
    "split_audit",
    "paper",
    "provenance",
    "dataset",
)
"""What stands on a page; each is the statement ``page_<name>``."""

MOST_BYTES = 24_000_000
"""Of pictures in a page: more of them make it slow to open on a phone."""

_PNG_SIZE = slice(16, 24)
"""Width and height of a PNG: two big-endian 32-bit numbers in its first chunk."""


class NightUnknown(DeepdltError):
    """The lake has no night of that number."""

    def __init__(self, sequence: int | None, known: Sequence[int]) -> None:
        self.sequence = sequence
        there = f"; it has nights {known[-1]} to {known[0]}" if known else ""
        asked = "no night" if sequence is None else f"no night {sequence}"
        super().__init__(f"the lake has {asked}{there}: `deepdlt retrain` runs one")


@task(name="write page", cache_policy=NO_CACHE, retries=1, retry_delay_seconds=2, timeout_seconds=300)
def write_page_of_night(sequence: int) -> str:
    """Write the page of a night and the index; return where the page lies."""
    page = write_page(sequence)
    logger.info("the page of night %d: %s", sequence, page)
    return str(page)


def write_page(sequence: int | None = None) -> Path:
    """Write the page of a night, and the index of nights beside it.

    Parameters
    ----------
    sequence : int, optional
        Number of the night; the newest without it.

    Returns
    -------
    Path
        The page. Done twice on the same lake, it has the same bytes.

    Raises
    ------
    NightUnknown
        If there is no such night.
    """
    from deepdlt.page.render import render_night

    lake = open_lake()
    nights = lake.query(load("nights")).rows(named=True)
    night = _find(nights, sequence)
    found, n_more = pictures_and_more(lake, night["night_id"])
    pictures, n_left_out = embedded(found)
    page = page_of(night["sequence"])
    text = render_night(
        night,
        gather(lake, night["night_id"]),
        pictures,
        n_left_out=n_left_out + n_more,
        is_synthetic=is_synthetic(lake, night["source"]),
        labels=meanings_of(sheet_spec()),
    )
    _write(lake, page, text)
    write_index(lake)
    return lake.root / page


def write_index(lake: Lake) -> None:
    """Write the index of the nights that have a page."""
    from deepdlt.page.render import render_index

    nights = lake.query(load("nights")).rows(named=True)
    there = lake.files.sizes(page_of(one["sequence"]) for one in nights)
    synthetic = {one["source"] for one in nights if is_synthetic(lake, one["source"])}
    _write(lake, PAGES, render_index([one for one in nights if page_of(one["sequence"]) in there], synthetic))


def is_synthetic(lake: Lake, source: str) -> bool:
    """Tell whether a night's source is the folder of synthetic images that nights without a source make in the lake."""
    return Path(source).is_relative_to(lake.root)


def gather(lake: Lake, night_id: str) -> dict[str, pl.DataFrame]:
    """Return what the lake says of a night, all of one snapshot.

    Parameters
    ----------
    lake : Lake
    night_id : str

    Returns
    -------
    dict of str to polars.DataFrame
        By the names in `FRAMES`.
    """
    return ask_of_night(lake, night_id, {name: load(f"page_{name}") for name in FRAMES})


def embedded(pictures: Iterable[NightPicture]) -> tuple[list["Picture"], int]:
    """Return pictures as ``data:`` URIs, as many as the page has room for, and how many were left out.

    Parameters
    ----------
    pictures : iterable of NightPicture
        The most important first.
    """
    from deepdlt.page.render import Picture

    shown, n_left_out, n_bytes = [], 0, 0
    for picture in pictures:
        size = picture.file.stat().st_size
        if n_bytes + size > MOST_BYTES:
            n_left_out += 1
            continue
        n_bytes += size
        content = picture.file.read_bytes()
        width_px, height_px = struct.unpack(">II", content[_PNG_SIZE])
        uri = "data:image/png;base64," + base64.b64encode(content).decode()
        shown.append(Picture(picture.name, picture.title, picture.alt, uri, width_px, height_px, picture.group))
    return shown, n_left_out


def _find(nights: Sequence[dict[str, Any]], sequence: int | None) -> dict[str, Any]:
    """Return the row of a night, of the newest where none is named."""
    found = [night for night in nights if sequence in (None, night["sequence"])]
    if not found:
        raise NightUnknown(sequence, [night["sequence"] for night in nights])
    return found[0]


def _write(lake: Lake, path: str, text: str) -> None:
    """Write a page so that a reader sees the old one or the new one."""
    file = lake.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(file, text.encode())
    lake.files.publish(path)
