"""What stands on the page of a night below its answers, in order."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from deepdlt.page import context, results
from deepdlt.page.champions import champions
from deepdlt.page.columns import COLUMNS
from deepdlt.page.parts import Frames, Gallery, Picture, Section, frame_of
from deepdlt.page.quality_words import NOT_COMPARED
from deepdlt.page.standing import Standing
from deepdlt.page.words import count
from deepdlt.sheets.meanings import LabelMeaning

PLACES = {"difficulty": "labels", "latents": "probe", "leakage": "leakage"}
"""Sections whose question a picture answers, by the first word of its name; all others stand together."""

PICTURES = "pictures"

TERMS = {
    "the report": "“DeepDLT: Autoencoder analysis on DLIP data”, whose published numbers and code this project repeats",
    "paper": "the report’s way. As a scheme: folds drawn over patches; as a profile: its patches and epochs. Each goes "
    "with any other",
}
"""Words that the page is written with, and what they mean here."""

OPEN = 2
"""Headings of pictures that are seen without opening them; one where pictures stand below tables."""


def sections_of(
    night: Mapping[str, Any],
    frames: Frames,
    pictures: Sequence[Picture],
    *,
    n_left_out: int,
    is_synthetic: bool = False,
    labels: Mapping[str, LabelMeaning] = MappingProxyType({}),
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
    is_synthetic : bool
        Whether the images were drawn by this program.
    labels : mapping of LabelMeaning
        What the labels of the sheet are, by people's key.
    """
    standing = Standing(frame_of(frames, "fold_summary"))
    sections = [
        context.ran(night, frames),
        context.new(night, frames),
        results.quality(frames),
        champions(frames),
        results.labels(frames, standing, labels),
        results.probes(frames),
        results.leakage(frames),
        context.paper({} if is_synthetic else frames, nothing=NOT_COMPARED if is_synthetic else ""),
        _pictures(pictures, n_left_out),
        context.provenance(night, frames),
    ]
    return [replace(one, galleries=_galleries(one.key, pictures)) for one in sections]


def _pictures(pictures: Sequence[Picture], n_left_out: int) -> Section:
    """Return the section of the pictures that no other section has."""
    said = [] if pictures else ["No picture was drawn for this night."]
    if n_left_out:
        more, they = count(n_left_out, "more picture"), "them" if n_left_out > 1 else "it"
        said.append(f"There could be {more}: the page has no room for {they}; the command deepdlt plot draws {they}.")
    return Section(PICTURES, "Pictures", said)


def _galleries(section: str, pictures: Sequence[Picture]) -> list[Gallery]:
    """Return the pictures of a section under their headings, in the order they come in."""
    groups: dict[str, list[Picture]] = {}
    for picture in pictures:
        if PLACES.get(picture.name.partition("-")[0], PICTURES) == section:
            groups.setdefault(picture.group, []).append(picture)
    n_open = OPEN if section == PICTURES else 1
    return [Gallery(title, found, is_folded=place >= n_open) for place, (title, found) in enumerate(groups.items())]


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
