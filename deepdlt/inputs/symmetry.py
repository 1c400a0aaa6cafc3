"""The eight flips and right-angle turns of a square, acting on patches and on labels.

A patch that is turned by a right angle shows other labels: vertical fringes have become
horizontal, and so has the polarisation that made the ripples. Labels that name a direction on the
image must turn with it; all others stay.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import TypeVar

import torch
from torch import Tensor

from deepdlt.inputs.scale import check_patches

Value = TypeVar("Value")


class Symmetry(IntEnum):
    """An element of the dihedral group of the square.

    The number is three bits, applied in this order: 1 swaps rows and columns, 2 reverses the order
    of the rows, 4 that of the columns. Turns go anticlockwise as the image is seen, like `numpy.rot90`.
    """

    IDENTITY = 0
    TRANSPOSE = 1
    FLIP_ROWS = 2
    QUARTER_TURN = 3
    FLIP_COLUMNS = 4
    THREE_QUARTER_TURN = 5
    HALF_TURN = 6
    ANTI_TRANSPOSE = 7

    @property
    def is_swapping_axes(self) -> bool:
        """Whether what was vertical is horizontal afterwards."""
        return bool(self & Symmetry.TRANSPOSE)


SWAPPED: dict[str, dict[str, str]] = {
    "pattern": {"V": "H", "H": "V", "D": "D"},
    "pattern_1": {"V": "H", "H": "V", "D": "D"},
    "pattern_2": {"V": "H", "H": "V", "D": "D"},
    "polarisation_1": {"V": "H", "H": "V"},
    "polarisation_2": {"V": "H", "H": "V"},
}
"""Columns that name a direction on the image, and what their values become when axes are swapped. D, two
crossed fringe systems at right angles along the axes, is its own image. A flip alone turns no direction:
fringes and polarisations have no head. The field of view is that of the image a patch was cut from; it stays."""


def turn_label(column: str, value: Value, *, symmetry: Symmetry) -> Value | str:
    """Return what a label becomes when its patch is flipped or turned.

    Parameters
    ----------
    column : str
        Name of the label's column.
    value : any
        The label; None (no such pulse, or not known) stays None.
    symmetry : Symmetry
        What is done to the patch.

    Returns
    -------
    any
        The turned label; the same value for a column that names no direction.

    Raises
    ------
    ValueError
        If a column that names a direction holds a value whose turned form is not known.

    Examples
    --------
    >>> turn_label("pattern", "V", symmetry=Symmetry.QUARTER_TURN)
    'H'
    """
    if column not in SWAPPED or value is None:
        return value
    images = SWAPPED[column]
    if value not in images:
        raise ValueError(f"{column} {value!r} cannot be turned: only {', '.join(images)} are known to be directions")
    return images[str(value)] if symmetry.is_swapping_axes else value


def turn_labels(labels: Mapping[str, Value], *, symmetry: Symmetry) -> dict[str, Value | str]:
    """Return all labels of a patch as they are after a flip or a turn.

    Parameters
    ----------
    labels : mapping of str to any
        Values by column.
    symmetry : Symmetry
        What is done to the patch.

    Returns
    -------
    dict of str to any

    Raises
    ------
    ValueError
        If a column that names a direction holds a value whose turned form is not known.
    """
    return {column: turn_label(column, value, symmetry=symmetry) for column, value in labels.items()}


def draw_symmetries(n_patches: int, *, generator: torch.Generator) -> Tensor:
    """Draw an element for each patch, all eight as likely.

    Parameters
    ----------
    n_patches : int
        How many, not negative.
    generator : torch.Generator
        Its device is where the draws lie.

    Returns
    -------
    Tensor of int64, shape (n_patches,)
        Values of `Symmetry`.
    """
    return torch.randint(len(Symmetry), (n_patches,), generator=generator, device=generator.device)


def turn_patches(patches: Tensor, symmetries: Tensor) -> Tensor:
    """Flip and turn each patch in its own way, without a look at the values on the way.

    Parameters
    ----------
    patches : Tensor of float, shape (B, 1, S, S)
        Any range. Not changed.
    symmetries : Tensor of int64, shape (B,)
        Values of `Symmetry`, on the same device; only their three lowest bits count.

    Returns
    -------
    Tensor, same shape and dtype

    Raises
    ------
    ValueError
        If the shapes do not fit.
    TypeError
        If the patches are no floats.
    """
    check_patches(patches)
    if symmetries.shape != patches.shape[:1]:
        raise ValueError(f"{len(patches)} patches need as many symmetries, got shape {tuple(symmetries.shape)}")
    bits = symmetries.view(-1, 1, 1, 1)
    turned = torch.where((bits & Symmetry.TRANSPOSE) > 0, patches.mT, patches)  # (B, 1, S, S)
    turned = torch.where((bits & Symmetry.FLIP_ROWS) > 0, turned.flip(-2), turned)
    return torch.where((bits & Symmetry.FLIP_COLUMNS) > 0, turned.flip(-1), turned)
