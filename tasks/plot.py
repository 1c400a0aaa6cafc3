"""Draw one picture again from the lake, for the command line."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deepdlt.figures.words import put_words
from lake import Lake
from lake.files import atomic_write
from lake.statements import load
from tasks.drawing.errors import PlotRefused
from tasks.drawing.registry import Drawing, find_drawing
from tasks.drawing.subject import Subject, subject_alone, subjects_of_night
from tasks.pictures import subjects_shown
from tasks.sheet import LabelUnknown, find_label


def plot(lake: Lake, name: str, *, run: str | None = None, night: int | None = None, label: str = "", out: Path) -> str:
    """Draw a picture into a file.

    Parameters
    ----------
    lake : Lake
    name : str
        Of a picture.
    run : str, optional
        Id of a run or the beginning of it; None for the first of the night that fits.
    night : int, optional
        Number of the night; the newest one unless told. Not together with `run`.
    label : str
        What is shown of which label, see `tasks.drawing.registry.Drawing.label_use`; '' for what the picture
        shows by itself.
    out : Path
        PNG file; its folder must be there.

    Returns
    -------
    str
        The picture's title.

    Raises
    ------
    PictureUnknown
        If no picture has that name.
    PlotRefused
        If there is no such run, night or label, or the picture does not fit it or takes no label.
    """
    drawing = find_drawing(name)
    if label:
        _refuse_unknown(label)
        if drawing.label_use == "none":
            raise PlotRefused(f"picture {name} takes no label: leave --label out")
    subject = _of_run(lake, drawing, run, label) if run is not None else _of_night(lake, drawing, night, label)
    shown = replace(subject, label=label) if drawing.label_use == "shown" else subject
    drawn = drawing.draw(lake, shown)
    atomic_write(out, put_words(drawn.png, title=drawn.title, alt=drawn.alt))
    return drawn.title


def _refuse_unknown(label: str) -> None:
    """Raise where the sheet has no such label."""
    try:
        find_label(label)
    except LabelUnknown as error:
        raise PlotRefused(str(error)) from error


def _of_run(lake: Lake, drawing: Drawing, prefix: str, label: str) -> Subject:
    """Return the run that is meant, in its newest night."""
    found = lake.query(load("runs_by_prefix"), [prefix])
    if found.is_empty():
        raise PlotRefused(
            f'no complete run has an id that begins with {prefix!r}: `deepdlt sql "FROM runs"` lists them'
        )
    if found.height > 1:
        some = ", ".join(found["run_id"].head(5))
        raise PlotRefused(f"{found.height} runs have an id that begins with {prefix!r}: {some}; write more of it")
    run_id = found.item(0, "run_id")
    nights = lake.query(load("nights_of_run"), [run_id])
    if nights.is_empty():
        subject = subject_alone(lake, run_id)
    else:
        beside = subjects_of_night(lake, nights.item(0, "night_id"))
        (subject,) = [one for one in beside if one.run.run_id == run_id]
    if reason := _misfit(drawing, subject, label):
        raise PlotRefused(f"picture {drawing.name} does not fit run {run_id} ({subject.run.name}): {reason}")
    return subject


def _of_night(lake: Lake, drawing: Drawing, sequence: int | None, label: str) -> Subject:
    """Return the first run of a night that a picture fits."""
    nights = lake.query(load("night_by_sequence"), [sequence])
    if nights.is_empty():
        raise PlotRefused("the lake holds no night yet" if sequence is None else f"the lake holds no night {sequence}")
    night_id, number, _ = nights.row(0)
    subjects = subjects_of_night(lake, night_id)
    fitting = [subject for subject in subjects if not _misfit(drawing, subject, label)]
    best = subjects_shown(drawing, fitting) or fitting
    if not best:
        raise PlotRefused(f"picture {drawing.name} fits no run of night {number}: {_reasons(drawing, subjects, label)}")
    return best[0]


def _misfit(drawing: Drawing, subject: Subject, label: str) -> str:
    """Say why a picture does not fit a run; '' where it does."""
    if drawing.label_use == "folds" and label not in ("", subject.run.label):
        return f"its folds are not drawn by {label}"
    return drawing.misfit(subject)


def _reasons(drawing: Drawing, subjects: Sequence[Subject], label: str) -> str:
    """Say why a picture fits none of some runs, each reason once."""
    reasons = dict.fromkeys(_misfit(drawing, subject, label) for subject in subjects)
    return "; ".join(reasons) or "it has none that is complete"
