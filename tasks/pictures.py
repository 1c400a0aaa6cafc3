"""The pictures of a night: which there are, what each shows, where its file lies.

A picture's file is named by what it shows and by the code that drew it, and carries its own title and description; so
pictures that stand are found by their names alone, and a night with nothing new draws nothing.
"""

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from deepdlt.digest import digest_json
from deepdlt.figures.words import put_words, read_words
from deepdlt.night import HOLDOUT
from lake import Lake
from lake.files import atomic_write
from lake.statements import load
from tasks.dependence import depends_on_code
from tasks.drawing.errors import TooFewPatches
from tasks.drawing.registry import DRAWINGS, Drawing
from tasks.drawing.subject import Subject, subjects_of_night
from tasks.sheet import sheet_spec

logger = logging.getLogger(__name__)

MOST_PICTURES = 60
"""Of one night: about 6 MB. The others can be had by `deepdlt plot`."""

FOLDER, NOTE = "pictures", ".txt"
HEAD_BYTES = 16_384
"""Of a picture's file; its words stand there."""

DRAWING_MODULES = (
    *(
        f"deepdlt.figures.{name}"
        for name in (
            "codes",
            "curves",
            "dataset",
            "difficulty",
            "examples",
            "extremes",
            "imagined",
            "radial_power",
            "reconstructions",
            "shares",
            "spectra",
            "walks",
        )
    ),
    "deepdlt.models.sampling",
    "deepdlt.models.reconstruction",
)
DRAWING_LIBRARIES = ("matplotlib", "numba", "numpy", "pillow", "polars", "scipy", "torch")
SAFE_FIRST = ("condition", "grouped", "leave-one-level-out", "paper", HOLDOUT)
"""Schemes in the order in which their pictures count."""


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


def pictures_of_night(
    lake: Lake, night_id: str, *, again: bool = False, on_draw: Callable[[Path], object] = lambda _: None
) -> list[NightPicture]:
    """Return the pictures of a night, the most important first; those that are not there are drawn.

    One that cannot be drawn is logged and left out.

    Parameters
    ----------
    lake : Lake
        Opened to write, or whatever is missing stays missing.
    night_id : str
    again : bool
        Draw those that are there, too.
    on_draw : callable, optional
        Called with the file of each picture that is to be drawn.

    Returns
    -------
    list of NightPicture
        At most `MOST_PICTURES`.
    """
    return pictures_and_more(lake, night_id, again=again, on_draw=on_draw)[0]


def pictures_and_more(
    lake: Lake, night_id: str, *, again: bool = False, on_draw: Callable[[Path], object] = lambda _: None
) -> tuple[list[NightPicture], int]:
    """Return what `pictures_of_night` does, and how many more there could be than a night has room for.

    Parameters
    ----------
    lake, night_id, again, on_draw
        As there.
    """
    subjects = subjects_of_night(lake, night_id)
    wanted = [(drawing, subject) for drawing in DRAWINGS for subject in subjects_shown(drawing, subjects)]
    n_more = max(len(wanted) - MOST_PICTURES, 0)
    if n_more:
        logger.info("%d pictures are left out: the night has room for %d", n_more, MOST_PICTURES)
    versions = {source: version_of(lake, source) for source in {subject.run.source for subject in subjects}}
    files = [
        f"{FOLDER}/{_stem(drawing, one)}-{_version(drawing, one, versions[one.run.source])}.png"
        for drawing, one in wanted[:MOST_PICTURES]
    ]
    lake.files.fetch_all([*files, *(str(Path(file).with_suffix(NOTE)) for file in files)])
    found = [
        _picture(lake, drawing, one, lake.root / file, again, on_draw)
        for (drawing, one), file in zip(wanted, files, strict=False)
    ]
    return [picture for picture in found if picture is not None], n_more


def files_of_night(lake: Lake, night_id: str) -> list[str]:
    """Return the paths in the lake of a night's pictures that are there, and notes on those that could not be drawn."""
    subjects = subjects_of_night(lake, night_id)
    shown = [(drawing, subject) for drawing in DRAWINGS for subject in subjects_shown(drawing, subjects)]
    return [found.path for drawing, one in shown for found in lake.files.listed(f"{FOLDER}/{_stem(drawing, one)}-")]


def subjects_shown(drawing: Drawing, subjects: Iterable[Subject]) -> list[Subject]:
    """Return the subjects of a night that a picture is shown of: one for each picture, safe schemes first.

    Pictures of one run are shown of those on the 80/10/10 split; folds have their pictures together.

    Parameters
    ----------
    drawing : Drawing
    subjects : iterable of Subject
        Of one night.
    """
    found: dict[tuple[str, ...], Subject] = {}
    for subject in subjects:
        if _has_place(drawing, subject.run.scheme) and not drawing.misfit(subject):
            is_of_run = drawing.scope in ("run", "codes")
            alike = (subject.run.profile, subject.run.preset) if is_of_run else drawing.ids(subject)
            found.setdefault(tuple(alike), subject)
    return sorted(found.values(), key=lambda subject: SAFE_FIRST.index(subject.run.scheme))


def _has_place(drawing: Drawing, scheme: str) -> bool:
    """Tell whether a night shows this picture of runs of a scheme."""
    match drawing.scope:
        case "run" | "codes":
            return scheme == HOLDOUT
        case "split":
            return scheme != HOLDOUT
    return True


def _picture(
    lake: Lake, drawing: Drawing, subject: Subject, file: Path, again: bool, on_draw: Callable[[Path], object]
) -> NightPicture | None:
    """Return one picture; draw it where it is not there, or `again`. None where that fails."""
    heading = _heading(drawing, subject)
    try:
        is_settled = not again and (file.is_file() or _is_refused(file))
        if not is_settled:
            on_draw(file)
        if not (file.is_file() if is_settled else _draw(lake, drawing, subject, file)):
            return None
        with file.open("rb") as stream:
            words = read_words(stream.read(HEAD_BYTES))
    except Exception:  # whatever is wrong with one picture, the others are worth having
        logger.warning("picture %s of %s is not drawn", drawing.name, subject.run.name, exc_info=True)
        return None
    return NightPicture(_slug(f"{drawing.name} {heading}"), words.title, words.alt, _group(drawing, subject), file)


def _stem(drawing: Drawing, subject: Subject) -> str:
    """Return the part of a picture's name that says what it shows."""
    return f"{drawing.name}-{digest_json([drawing.name, drawing.ids(subject), subject.label])[:16]}"


def _version(drawing: Drawing, subject: Subject, of_source: str) -> str:
    """Return the part of a picture's name that changes where its runs were trained anew, or with `version_of`."""
    models = sorted(run.model_digest for run in drawing.runs(subject))
    return digest_json([of_source, models])[:12]


def _draw(lake: Lake, drawing: Drawing, subject: Subject, file: Path) -> bool:
    """Draw a picture into its file, or note beside it why these data cannot be drawn; say which.

    What an older code or sheet drew of the same goes. A note saves later nights from trying again.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        drawn = drawing.draw(lake, subject)
        target, content = file, put_words(drawn.png, title=drawn.title, alt=drawn.alt)
    except (TooFewPatches, ValueError) as error:
        logger.warning("picture %s of %s cannot be drawn: %s", drawing.name, subject.run.name, error)
        target, content = file.with_suffix(NOTE), str(error).encode()
    atomic_write(target, content)
    path, stem = f"{FOLDER}/{target.name}", file.stem.rpartition("-")[0]
    lake.files.publish(path)
    lake.files.remove(found.path for found in lake.files.listed(f"{FOLDER}/{stem}-") if found.path != path)
    return target == file


def _is_refused(file: Path) -> bool:
    """Tell whether a note says that a picture's data cannot be drawn."""
    return file.with_suffix(NOTE).is_file()


def depends_on(lake: Lake, source: str) -> dict[str, str]:
    """Return by name all that can change a picture of the same runs: label values, the sheet's units, code."""
    labels = lake.query(load("digest_of_labels"), [source]).item()
    work = sorted(f"tasks.drawing.{path.stem}" for path in (Path(__file__).parent / "drawing").glob("*.py"))
    code = depends_on_code(DRAWING_MODULES, work=work, libraries=DRAWING_LIBRARIES)
    return {"labels": labels, "declaration": digest_json(sheet_spec().model_dump(mode="json")), **code}


def version_of(lake: Lake, source: str) -> str:
    """Return the digest of all but their models that can change a picture of the same runs: in its file's name."""
    return digest_json(depends_on(lake, source))[:12]


def _heading(drawing: Drawing, subject: Subject) -> str:
    """Return what tells this picture from the others of its name."""
    run = subject.run
    match drawing.scope:
        case "data set":
            return ""
        case "preset":
            return run.preset
        case "group":
            return run.heading
    return run.folds_name


def _group(drawing: Drawing, subject: Subject) -> str:
    """Return the heading that a picture belongs under."""
    if drawing.scope == "data set":
        return "Data set"
    return f"{subject.run.preset}, all folds" if drawing.scope == "preset" else subject.run.heading


def _slug(text: str) -> str:
    """Return a text in small letters, digits and dashes."""
    return "-".join(re.findall("[a-z0-9]+", text.lower()))
