"""Which images belong together: shots under one condition, and views of one spot on the sample.

Images are only as independent as what they show. Repeats of one condition look alike, and a
"Details" view shows a spot again that its parent folder shows already.
"""

import json
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from deepdlt.digest import digest_bytes
from deepdlt.source.names import join_key

VIEWS_FOLDER = "details"
"""Name of a folder, in any letter case, of closer views of the spots in the folder above."""

_NUMBER = re.compile(r"\d+")


def condition_groups(labels: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Group images that must not be told apart by a split: equal laser settings, or one spot.

    One group is all images whose settings are equal; so repeats stay together, and so do "Details"
    views whose parent folder holds the same settings. A view whose row leaves a setting blank joins
    the spot that its number names, see `physical_spots`.

    Parameters
    ----------
    labels : polars.DataFrame
        One row per image: ``image_id``, ``name`` and the columns named below.
    columns : sequence of str
        The settings of the laser; not the field of view, in which views differ. Blanks equal blanks.

    Returns
    -------
    polars.DataFrame
        ``image_id``, ``group_id``, in the order of `labels`. The id is made of the settings:
        another image of the condition does not change it.

    Raises
    ------
    ValueError
        If an image has two rows, or there are no columns.

    Examples
    --------
    >>> labels = pl.DataFrame(
    ...     {"image_id": ["a", "b", "c"], "name": ["1-1", "1-2", "Details/11A"], "n_pulses": [10, 50, 10]}
    ... )
    >>> condition_groups(labels, ["n_pulses"])["group_id"].n_unique()
    2
    """
    shots = _shots(labels, columns)
    keys = [[("settings", shot.settings_text), *places] for shot, places in zip(shots, _places(shots), strict=True)]
    names = _component_names(keys, [shot.settings_text for shot in shots])
    return pl.DataFrame({"image_id": labels["image_id"], "group_id": pl.Series(names, dtype=pl.String)})


def physical_spots(labels: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Group images that show one spot on the sample, as far as their names tell.

    In one folder, equal numbers under equal settings are one spot: ``8-2`` and ``8-2d``. In a
    folder ``Details``, ``82B`` is a view of ``8-2`` in the folder above, if what both rows say of
    the settings agrees. A letter may also name a repeat on another spot, so spots are counted too
    few rather than too many, and what two sides of a split share too much rather than too little.

    Parameters
    ----------
    labels : polars.DataFrame
        One row per image: ``image_id``, ``name`` and the columns named below.
    columns : sequence of str
        The settings of the laser.

    Returns
    -------
    polars.DataFrame
        ``image_id``, ``spot_id``, in the order of `labels`.

    Raises
    ------
    ValueError
        If an image has two rows, or there are no columns.
    """
    shots = _shots(labels, columns)
    places = [f"{shot.folder}/{'-'.join(shot.numbers)} {shot.settings_text}" for shot in shots]
    names = _component_names(_places(shots), places)
    return pl.DataFrame({"image_id": labels["image_id"], "spot_id": pl.Series(names, dtype=pl.String)})


@dataclass(frozen=True)
class _Shot:
    """An image as its row describes it.

    Attributes
    ----------
    folder : str
        Where it lies; for a view, the folder above.
    stem : str
        Its name without suffix.
    is_view : bool
        Whether it lies in a folder of views.
    settings : tuple
        Values of the columns, numbers as floats, None where blank.
    """

    folder: str
    stem: str
    is_view: bool
    settings: tuple[Any, ...]

    @property
    def settings_text(self) -> str:
        """The settings in canonical form; a blank, null, sorts behind any number or word."""
        return json.dumps(self.settings)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The numbers in its name, e.g. ("8", "2") of ``8-2d``; the name itself if it has none."""
        return tuple(_NUMBER.findall(self.stem)) or (self.stem,)

    def agrees_with(self, other: "_Shot") -> bool:
        """Whether no setting is known of both and differs."""
        pairs = zip(self.settings, other.settings, strict=True)
        return all(one is None or two is None or one == two for one, two in pairs)


def _shots(labels: pl.DataFrame, columns: Sequence[str]) -> list[_Shot]:
    """Read names and settings."""
    if not columns:
        raise ValueError("name at least one column of laser settings: without any, all images are one condition")
    if labels["image_id"].is_duplicated().any():
        raise ValueError("an image has more than one row of labels: give the labels of one source")
    settings = labels.select(pl.col(columns)).with_columns(
        pl.selectors.numeric().cast(pl.Float64).fill_nan(None)  # 10 and 10.0 are one setting
    )
    shots = []
    for name, row in zip(labels["name"], settings.iter_rows(), strict=True):
        *folders, stem = join_key(name).split("/")
        is_view = bool(folders) and folders[-1].lower() == VIEWS_FOLDER
        shots.append(_Shot("/".join(folders[:-1] if is_view else folders), stem, is_view, row))
    return shots


def _places(shots: Sequence[_Shot]) -> list[list[Hashable]]:
    """Return the spots that each image may show; images with one in common show the same."""
    by_number: dict[tuple[str, str], list[_Shot]] = {}
    for shot in shots:
        if not shot.is_view:
            by_number.setdefault((shot.folder, "".join(shot.numbers)), []).append(shot)
    places: list[list[Hashable]] = []
    for shot in shots:
        own = [(shot.folder, shot.is_view, shot.numbers, shot.settings)]
        candidates = by_number.get((shot.folder, "".join(shot.numbers)), []) if shot.is_view else []
        seen = [(one.folder, False, one.numbers, one.settings) for one in candidates if shot.agrees_with(one)]
        places.append([*own, *seen])
    return places


def _component_names(keys: Sequence[Sequence[Hashable]], names: Sequence[str]) -> list[str]:
    """Join images with a key in common, and name each set by the digest of its smallest name."""
    parent: dict[Hashable, Hashable] = {}

    def root(key: Hashable) -> Hashable:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]  # halve the path
            key = parent[key]
        return key

    for shared in keys:
        for key in shared[1:]:
            parent[root(key)] = root(shared[0])
    roots = [root(shared[0]) for shared in keys]
    least: dict[Hashable, str] = {}
    for one, name in zip(roots, names, strict=True):
        least[one] = min(name, least.get(one, name))
    return [digest_bytes(least[one].encode()) for one in roots]
