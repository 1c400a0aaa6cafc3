"""Colours, marks and sizes that all pictures share."""

import io
import textwrap

import polars as pl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from deepdlt.sheets.meanings import unit_text

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#595959"
COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Of Okabe and Ito; their yellow is left out, for it cannot be seen on white."""

MARKS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":")

DPI = 100
TEXT_PT, TITLE_PT = 14, 16
PX_PER_PT = DPI / 72
LETTER = 0.6
"""Width of a letter over its height, about."""


def axis_name(label: str, unit: str) -> str:
    """Return a label with its unit, as it stands beside an axis.

    Parameters
    ----------
    label : str
        People's key.
    unit : str
        As the sheet's declaration spells it; empty for none.

    Examples
    --------
    >>> axis_name("EP1", "uj"), axis_name("NP", "")
    ('EP1, µJ', 'NP')
    """
    return f"{label}, {unit_text(unit)}" if unit else label


def figure_png(figure: Figure, *, is_exact: bool = False) -> bytes:
    """Render a figure.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    is_exact : bool
        Whether every colour is kept, as images need. Otherwise the 256 that fit best are: lines, dots and letters
        look the same, and the file has a third of the size.

    Returns
    -------
    bytes
        PNG file, without date or version, so that equal figures give equal bytes.
    """
    canvas = FigureCanvasAgg(figure)
    raw = io.BytesIO()
    figure.savefig(raw, format="rgba", dpi=DPI)
    picture = Image.frombuffer("RGBA", canvas.get_width_height(), raw.getvalue(), "raw", "RGBA", 0, 1).convert("RGB")
    if not is_exact:
        picture = picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    elif _is_grey(picture):
        picture = picture.convert("L")
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", compress_level=9)
    return buffer.getvalue()


def _is_grey(picture: Image.Image) -> bool:
    """Tell whether red, green and blue are the same in every pixel."""
    red, green, blue = picture.split()
    return red.tobytes() == green.tobytes() == blue.tobytes()


def plain_axes(axes: Axes, *, grid: str = "y") -> None:
    """Give axes large tick labels and a faint grid, and take the box away.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    grid : {"x", "y", "both"}
        Axis whose ticks get lines.
    """
    axes.tick_params(labelsize=TEXT_PT)
    axes.grid(axis=grid, color="#DDDDDD")  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def wrapped(text: str, width_px: float, *, size_pt: float = TITLE_PT) -> str:
    """Break a text into lines that fit a width.

    Parameters
    ----------
    text : str
    width_px : float
    size_pt : float
        Size of its letters, in points.
    """
    letters = max(8, int(width_px / (LETTER * size_pt * PX_PER_PT)))
    return "\n".join(textwrap.fill(line, letters) for line in text.splitlines())


def set_title(figure: Figure, title: str) -> None:
    """Write a title above all, where there is one, in as many lines as the width asks for.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    title : str
        Empty for none.
    """
    if title:
        figure.suptitle(wrapped(title, figure.get_figwidth() * DPI), fontsize=TITLE_PT)


def ordered(values: pl.Series) -> list[str]:
    """Return the distinct values of a column of text, numbers by size and words by alphabet.

    Parameters
    ----------
    values : polars.Series of str
        Nulls are left out.

    Examples
    --------
    >>> ordered(pl.Series(["100", "20", None, "20"])), ordered(pl.Series(["V", "D"]))
    (['20', '100'], ['D', 'V'])
    """
    distinct = values.drop_nulls().unique().sort()
    numbers = distinct.cast(pl.Float64, strict=False)
    return (distinct if numbers.null_count() else distinct.gather(numbers.arg_sort())).to_list()
