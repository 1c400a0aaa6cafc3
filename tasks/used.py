"""What the steps of preparation use of a source: the content that stands in their keys, and no more."""

from collections.abc import Sequence

import polars as pl

from deepdlt.config import FoldScheme
from deepdlt.digest import digest_json
from lake.statements import load
from tasks.lake_access import open_lake
from tasks.records import ImagesRecord, LabelsRecord
from tasks.sheet import find_label, sheet_spec

BY_CONDITION: tuple[FoldScheme, ...] = ("condition", "leave-one-level-out")
"""Schemes that keep images of equal laser settings together."""


def images_used(source: str) -> ImagesRecord:
    """Return which images of a source have labels and a file, whatever their files are called.

    Parameters
    ----------
    source : str
        Source folder as the lake knows it.
    """
    images = sorted(open_lake().query(load("images_of_source"), [source])["image_id"])
    return ImagesRecord(digest=digest_json(images), number=len(images))


def labels_used(source: str, labels: Sequence[str], schemes: Sequence[FoldScheme]) -> LabelsRecord:
    """Return what folds are drawn by: the values of each label, and all laser settings where a scheme heeds them.

    Such a scheme heeds names, too: they say which images are views of one spot.

    Parameters
    ----------
    source : str
        Source folder as the lake knows it.
    labels : sequence of str
        People's keys.
    schemes : sequence of FoldScheme

    Raises
    ------
    LabelUnknown
        If the sheet's declaration has no label of that key.
    """
    rows = open_lake().query(load("labels_of_source"), [source])
    record: LabelsRecord = {}
    for key in labels:
        declared = find_label(key)
        record[key] = digest_json([declared.kind, _cells(rows, [declared.column])])
    if set(schemes) & set(BY_CONDITION):
        record["laser settings"] = digest_json(_cells(rows, ["name", *sheet_spec().setting_columns]))
    return record


def _cells(rows: pl.DataFrame, columns: Sequence[str]) -> list[tuple[object, ...]]:
    """Return image and cells of some columns, one row an image, sorted by image."""
    return rows.select("image_id", *columns).rows()
