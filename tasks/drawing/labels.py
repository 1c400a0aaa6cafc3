"""Label values as pictures print them."""

import polars as pl

from deepdlt.quality.summaries import label_text
from deepdlt.sheets.meanings import with_unit
from lake import Lake
from lake.statements import load
from tasks.sheet import find_label, sheet_spec


def label_units() -> dict[str, str]:
    """Return the labels of the sheet and their units, in the order of its declaration."""
    spec = sheet_spec()
    return {key: spec.unit_of(label.column) for key, label in spec.labels.items()}


def shown_labels(label: str) -> dict[str, str]:
    """Return the one label that was asked for, or all, with their units.

    Parameters
    ----------
    label : str
        People's key, or '' for all.

    Raises
    ------
    LabelUnknown
        If there is no such label.
    """
    if label:
        find_label(label)
    return {key: unit for key, unit in label_units().items() if label in ("", key)}


def label_texts(lake: Lake, source: str) -> pl.DataFrame:
    """Return the label values of a source's images as text.

    Parameters
    ----------
    lake : Lake
    source : str

    Returns
    -------
    polars.DataFrame
        ``image_id``, ``name``, ``pixel_size_nm``, and a column of text for each label's key.
    """
    labels = lake.query(load("labels_of_source"), [source])
    texts = {
        key: pl.Series(
            [None if value is None else label_text(value) for value in labels[label.column]], dtype=pl.String
        )
        for key, label in sheet_spec().labels.items()
    }
    return labels.select("image_id", "name", "pixel_size_nm").with_columns(**texts)


def captions_of(rows: pl.DataFrame, label: str) -> list[str]:
    """Return what stands above patches: the value of a label, with its unit.

    Parameters
    ----------
    rows : polars.DataFrame
        With the label's column of text.
    label : str
        People's key.
    """
    unit = label_units()[label]
    return ["not known" if value is None else f"{label} {with_unit(value, unit)}" for value in rows[label]]


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Sort rows by their ``label``, in the order of the sheet's declaration; what stands in a label's rows stays.

    Parameters
    ----------
    rows : polars.DataFrame
        With a column ``label``.
    """
    place = {key: number for number, key in enumerate(label_units())}
    order = pl.col("label").replace_strict(place, default=len(place), return_dtype=pl.Int64)
    return rows.sort(order, maintain_order=True)
