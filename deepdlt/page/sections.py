"""What stands on the page of a night below its answers, in order."""

from collections.abc import Mapping, Sequence
from typing import Any

from deepdlt.page import context, results
from deepdlt.page.columns import COLUMNS
from deepdlt.page.parts import Frames, Gallery, Picture, Section, frame_of
from deepdlt.page.standing import Standing
from deepdlt.page.words import count

OPEN = 2
"""Headings whose pictures are seen without opening them."""


def sections_of(
    night: Mapping[str, Any], frames: Frames, pictures: Sequence[Picture], *, n_left_out: int
) -> list[Section]:
    """Return the page's sections.

    Parameters
    ----------
    night : mapping
        Row of the table `nights`.
    frames : mapping of polars.DataFrame
        By name, as `tasks.page` gathers them; one that is missing counts as empty.
    pictures : sequence of Picture
    n_left_out : int
        Pictures that the page has no room for.
    """
    standing = Standing(frame_of(frames, "fold_summary"))
    return [
        context.ran(frames),
        context.new(night, frames),
        results.quality(frames),
        results.labels(frames, standing),
        results.probes(frames),
        results.leakage(frames),
        context.paper(frames),
        _pictures(pictures, n_left_out),
        context.provenance(night, frames),
    ]


def _pictures(pictures: Sequence[Picture], n_left_out: int) -> Section:
    """Return the pictures under their headings, in the order they come in."""
    groups: dict[str, list[Picture]] = {}
    for picture in pictures:
        groups.setdefault(picture.group, []).append(picture)
    said = [] if pictures else ["No picture was drawn for this night."]
    if n_left_out:
        said.append(
            f"{count(n_left_out, 'more picture')} in the lake’s folder pictures: the page has no room for them."
        )
    galleries = [Gallery(title, found, is_folded=place >= OPEN) for place, (title, found) in enumerate(groups.items())]
    return Section("pictures", "Pictures", said, galleries=galleries)


def glossary_of(sections: Sequence[Section]) -> list[tuple[str, str]]:
    """Return the columns that stand on the page, with what they mean, by name.

    Parameters
    ----------
    sections : sequence of Section
    """
    there = {heading.text: heading.hint for one in sections for table in one.tables for heading in table.headings}
    known = {column.text: column.hint for column in COLUMNS.values()}
    meant = {text: hint or known.get(text, "") for text, hint in there.items()}
    return sorted(((text, hint) for text, hint in meant.items() if hint), key=lambda pair: pair[0].lower())
