"""The pictures of a night: which there are, what each shows, where its file lies."""

import re
from dataclasses import dataclass
from pathlib import Path

from lake import Lake
from lake.files import inside
from lake.statements import load

ALTS = {
    "reconstructions": "Test patches, their reconstructions and the absolute errors, one patch a column: {name}.",
    "samples": "Patches that the decoder makes of codes drawn from the prior: {name}.",
}
"""What a drawing shows, by its name."""


@dataclass(frozen=True, slots=True)
class NightPicture:
    """A picture that lies in the lake.

    Attributes
    ----------
    name : str
        Letters, digits and dashes; once a night, and the same night after night.
    title : str
    alt : str
        What it shows, in a sentence, for those who do not see it.
    group : str
        Heading that it belongs under, e.g. ``label-cv, grouped folds``.
    file : Path
        A PNG file.
    """

    name: str
    title: str
    alt: str
    group: str
    file: Path


def pictures_of_night(lake: Lake, night_id: str) -> list[NightPicture]:
    """Return the pictures of a night, the most important first.

    Parameters
    ----------
    lake : Lake
    night_id : str

    Returns
    -------
    list of NightPicture
    """
    return [
        NightPicture(
            name=_slug(f"{file.stem} {name}"),
            title=f"{file.stem}: {name}",
            alt=ALTS.get(file.stem, "{name}").format(name=name),
            group=name,
            file=file,
        )
        for run_id, name in lake.query(load("runs_of_night"), [night_id]).iter_rows()
        for file in sorted(inside(lake.root, f"pictures/{run_id}").glob("*.png"))
    ]


def _slug(text: str) -> str:
    """Return a text in small letters, digits and dashes."""
    return "-".join(re.findall("[a-z0-9]+", text.lower()))
