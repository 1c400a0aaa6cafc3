"""The command ``deepdlt plot``: a list of pictures, or one of them in a file."""

from pathlib import Path

from deployments.errors import WrongUse
from lake import Lake
from tasks.drawing.registry import DRAWINGS
from tasks.plot import plot


def list_pictures() -> str:
    """Return the names of all pictures and what each shows, one a line."""
    width = max(len(drawing.name) for drawing in DRAWINGS)
    return "\n".join(f"{drawing.name:<{width}}  {drawing.shows}" for drawing in DRAWINGS)


def draw(name: str, *, run: str | None, night: int | None, label: str | None, out: Path | None) -> str:
    """Draw a picture into a file, and say so.

    Parameters
    ----------
    name : str
        Of a picture.
    run : str or None
        Id of a run, or the beginning of it.
    night : int or None
        Number of a night; the newest unless told.
    label : str or None
        Label to show, or whose folds to show.
    out : Path or None
        PNG file; ``NAME.png`` in the current folder unless told.

    Returns
    -------
    str
        Title and file.

    Raises
    ------
    WrongUse
        If options exclude each other, or the file cannot be where it is to be.
    PictureUnknown, PlotRefused
        If there is no such picture, run or night, or they do not fit each other.
    """
    if run is not None and night is not None:
        raise WrongUse("--run and --night exclude each other: a run is drawn beside those of its newest night")
    target = Path(f"{name}.png") if out is None else out
    if target.suffix.lower() != ".png":
        raise WrongUse(f"{target} does not end with .png: that is the format of pictures")
    if not target.parent.is_dir():
        raise WrongUse(f"{target.parent} is no folder: make it first")
    title = plot(Lake.open(is_read_only=True), name, run=run, night=night, label=label or "", out=target)
    return f"{title}: {target}"
