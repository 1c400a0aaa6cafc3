"""The small JSON records that pass between tasks, and stand in Prefect's cache."""

from typing_extensions import TypedDict  # pydantic asks for this one below Python 3.12


class SourceRecord(TypedDict):
    """What stands in a source folder, by content."""

    source: str  # absolute path
    sheet: str  # path of the label sheet, relative to the folder; '' for the one that is found
    fingerprint: str  # digest of every image's and sheet's path and bytes
    n_files: int
    declaration: str  # digest of how the sheet is read


class IngestRecord(TypedDict):
    """What an ingest left in the lake."""

    source: str
    state_key: str
    n_images: int  # distinct, present, with labels
    n_new_images: int
    n_rejected: int
    n_warnings: int
    fingerprint: str  # of what was taken in; as in SourceRecord
    n_waiting: int  # files that were being written: the next ingest takes them


class ImagesRecord(TypedDict):
    """The images of a source that have labels and a file."""

    digest: str  # of their sorted ids
    number: int


LabelsRecord = dict[str, str]
"""Digest of the values of each label that folds are drawn by, and of the laser settings where they count."""


class PatchRecord(TypedDict):
    """The patches of a source's images under one recipe."""

    recipe_id: str
    n_images: int
    n_patches: int
    n_new_patches: int


class DatasetRecord(TypedDict):
    """A frozen training set."""

    dataset_id: str
    recipe_id: str
    n_images: int
    n_patches: int
    snapshot_id: int


class TrainedRecord(TypedDict):
    """One training that stands complete in the lake."""

    run_id: str
