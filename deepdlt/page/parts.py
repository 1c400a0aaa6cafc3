"""What a page is made of: sections with sentences, tables and pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from deepdlt.page.tables import Table

Frames = Mapping[str, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a ``data:`` URI.

    Attributes
    ----------
    name : str
        What is drawn, and of what, in small letters and dashes.
    title, alt : str
        Caption; what it shows, for those who do not see it.
    uri : str
    width_px, height_px : int
        Its size, so that the page does not jump while it is read.
    group : str
        Heading that it stands under.
    """

    name: str
    title: str
    alt: str
    uri: str
    width_px: int
    height_px: int
    group: str


@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures under one heading; all but the first few are folded away."""

    title: str
    pictures: Sequence[Picture]
    is_folded: bool


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page; `key` is its anchor."""

    key: str
    title: str
    sentences: Sequence[str] = ()
    tables: Sequence[Table] = ()
    galleries: Sequence[Gallery] = ()


def section(
    key: str, title: str, tables: Sequence[Table | None], sentences: Sequence[str] = (), *, nothing: str = ""
) -> Section:
    """Return a section; one without a table says `nothing`."""
    kept = [table for table in tables if table is not None]
    said = [*sentences] if kept or not nothing else [*sentences, nothing]
    return Section(key, title, said, kept)


def frame_of(frames: Frames, name: str) -> pl.DataFrame:
    """Return a frame, an empty one where it is missing."""
    return frames.get(name, pl.DataFrame())
