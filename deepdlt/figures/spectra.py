"""Power spectra of patches and of their reconstructions: which scales a model keeps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numpy.typing import ArrayLike

from deepdlt.figures.radial_power import RadialPower
from deepdlt.figures.style import BLUE, ORANGE, TEXT_PT, TITLE_PT, figure_png, plain_axes, set_title

NM_PER_UM = 1000.0


@dataclass(frozen=True)
class SpectrumPair:
    """Mean spectra of patches of one pixel size and of their reconstructions.

    Attributes
    ----------
    original, reconstruction : RadialPower
        Of equally many rings.
    n_patches, n_images : int
        What the means are over.
    pixel_size_nm : float or None
        None where it is not known.
    """

    original: RadialPower
    reconstruction: RadialPower
    n_patches: int
    n_images: int
    pixel_size_nm: float | None = None


def spectra_figure(pairs: Sequence[SpectrumPair], *, title: str = "") -> bytes:
    """Draw power over spatial frequency, patches of one pixel size a panel.

    The lower axis counts cycles per pixel, the upper one, where the pixel size is known, per micrometre.

    Parameters
    ----------
    pairs : sequence of SpectrumPair
        At least one.
    title : str
        Above all; empty for none.

    Returns
    -------
    bytes
        PNG file.

    Raises
    ------
    ValueError
        If there is nothing to draw.
    """
    return figure_png(spectra(pairs, title=title))


def spectra(pairs: Sequence[SpectrumPair], *, title: str = "") -> Figure:
    """Build what `spectra_figure` renders."""
    if not pairs:
        raise ValueError("there is no spectrum to draw")
    figure = Figure(figsize=(max(7.5, 5.6 * len(pairs)), 5.6), layout=ConstrainedLayoutEngine(w_pad=0.15))
    panels = figure.subplots(1, len(pairs), sharey=True, squeeze=False)[0]
    for axes, pair in zip(panels, pairs, strict=True):
        _draw_pair(axes, pair)
    panels[0].set_ylabel("mean power, grey² (1 = black to white)", fontsize=TEXT_PT)
    panels[0].legend(fontsize=TEXT_PT - 1, framealpha=0.9, loc="lower left")
    set_title(figure, title)
    return figure


def _draw_pair(axes: Axes, pair: SpectrumPair) -> None:
    """Draw one panel."""
    axes.loglog(pair.original.frequency, pair.original.power, color=BLUE, linewidth=2.5, label="original")
    axes.loglog(
        pair.reconstruction.frequency,
        pair.reconstruction.power,
        color=ORANGE,
        linestyle="--",
        linewidth=2.5,
        label="reconstruction",
    )
    axes.set_xlabel("spatial frequency, cycles per px", fontsize=TEXT_PT)
    plain_axes(axes, grid="both")
    _plain_ticks(axes.xaxis)
    size = "pixel size not known" if pair.pixel_size_nm is None else f"{pair.pixel_size_nm:.4g} nm per px"
    said = f"{size}\n{pair.n_patches:,} patches of {pair.n_images:,} images"
    axes.set_title(said, fontsize=TITLE_PT - 2)
    if pair.pixel_size_nm is not None:
        px_per_um = NM_PER_UM / pair.pixel_size_nm
        upper = axes.secondary_xaxis("top", functions=(_times(px_per_um), _times(1 / px_per_um)))
        upper.set_xlabel("cycles per µm", fontsize=TEXT_PT)
        upper.tick_params(labelsize=TEXT_PT)
        _plain_ticks(upper.xaxis)


def _plain_ticks(axis: Axis) -> None:
    """Write frequencies as people do: 0.05, 0.1, 0.2."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda frequency, _: f"{frequency:g}"))
    axis.set_minor_locator(NullLocator())


def _times(factor: float) -> Callable[[ArrayLike], ArrayLike]:
    """Return the function that multiplies by a factor."""
    return lambda frequency: np.multiply(frequency, factor)
