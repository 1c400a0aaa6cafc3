"""Take images out of the lake, with all that was made of them, for good."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from deepdlt.errors import DeepdltError
from lake import Lake, Transaction
from lake.location import page_of
from lake.statements import load

KINDS = ("image_id", "dataset_id", "split_id", "run_id", "group_id", "night_id")
"""Columns that name what an image is part of, or what stands on it."""

SUBJECTS = ("split_id", "run_id", "group_id")
"""What the column `subject` of `analyses` may name."""

KEPT = ("forgotten",)
"""Tables that name images which are gone."""

LEAST_LETTERS = 4
"""Of an id, that its beginning has to have; the statement ``images_called`` has it, too."""

Ids = Mapping[str, Sequence[str]]


class NothingCalledSo(DeepdltError):
    """No image of the lake goes by this name."""


@dataclass(frozen=True)
class Forgetting:
    """What goes, or has gone, with some images.

    Attributes
    ----------
    files : polars.DataFrame
        Files of the images: image_id, source, path.
    ids : mapping of str to sequence of str
        By kind: the images, and the data sets, splits, runs, groups and nights that stand on them.
    rows : mapping of str to int
        Rows by table.
    paths : tuple of str
        Files and folders, relative to the lake.
    """

    files: pl.DataFrame
    ids: Ids
    rows: Mapping[str, int]
    paths: tuple[str, ...]


def what_goes(lake: Lake, names: Sequence[str]) -> Forgetting:
    """Return what would go with images; nothing is changed.

    Parameters
    ----------
    lake : Lake
    names : sequence of str
        Of each image the id, path, file name, name in the sheet; or a source folder; or, where nothing is called so,
        the beginning of an id (four letters or more).

    Raises
    ------
    NothingCalledSo
        If a name fits no image.
    """
    files = pl.concat([_files(lake, name) for name in names]).unique(maintain_order=True)
    ids = {"image_id": files["image_id"].unique(maintain_order=True).to_list()}
    found = lake.query(load("stands_on_images"), [ids["image_id"]])
    ids |= {kind: found.filter(kind=kind)["id"].to_list() for kind in KINDS[1:]}
    rows = {table: lake.query(f"SELECT count(*) {which}", given).item() for table, which, given in _parts(lake, ids)}
    return Forgetting(files, ids, {table: n for table, n in rows.items() if n}, tuple(_paths(lake, ids)))


def forget(lake: Lake, names: Sequence[str]) -> Forgetting:
    """Take images out with all that stands on them: rows in one transaction, then their files.

    Parameters
    ----------
    lake, names
        As in `what_goes`.

    Raises
    ------
    NothingCalledSo
        If a name fits no image.
    """
    sweep(lake)
    with lake.write("forget images") as transaction:
        going = what_goes(lake, names)  # while nobody else can write: what a night has stored until now goes, too
        parts = list(_parts(lake, going.ids))
        transaction.replace("leftovers", pl.DataFrame({"path": going.paths}, schema={"path": pl.String}), key=("path",))
        _note(transaction, going.files)
        transaction.execute(load("forget_warnings"), [going.ids["image_id"]])
        transaction.execute(load("forget_ingests"), [going.files["source"].unique().to_list()])
        for _, which, given in parts:
            transaction.execute(f"DELETE {which}", given)
        transaction.execute(load("forget_makers"))
    sweep(lake)
    return going


def take_back(lake: Lake, names: Sequence[str]) -> list[str]:
    """Let forgotten images come back with the next ingest, and return their names.

    Parameters
    ----------
    lake : Lake
    names : sequence of str
        As in `what_goes`.

    Raises
    ------
    NothingCalledSo
        If a name fits no image that was forgotten.
    """
    gone = lake.query(load("forgotten_images"))
    chosen = pl.concat([_of_forgotten(gone, name) for name in names]).unique("image_id", maintain_order=True)
    sources = gone.join(chosen, on="image_id", how="semi")["source"].unique()
    with lake.write(f"take {chosen.height} images back") as transaction:
        transaction.execute(load("take_images_back"), [chosen["image_id"].to_list()])
        transaction.execute(load("forget_ingests"), [sources.to_list()])
    return chosen["name"].to_list()


def sweep(lake: Lake) -> None:
    """Remove the files whose rows are gone; what was made again meanwhile stays."""
    paths = lake.query("SELECT path FROM leftovers")["path"].to_list()
    if not paths:
        return
    living = {str(Path(path).parent) for path in lake.query("SELECT path FROM models")["path"]}
    for path in paths:
        if path not in living:
            lake.files.remove_tree(path)
    with lake.write("files of what was forgotten") as transaction:
        transaction.execute(load("forget_leftovers"), [paths])


def _files(lake: Lake, name: str) -> pl.DataFrame:
    """Return the files of the images that a name may mean."""
    found = lake.query(load("images_called"), {"what": name.rstrip("/") or name})
    if found.is_empty():
        raise NothingCalledSo(
            f"no image of the lake goes by {name!r}: give its id or the first four letters of it, its path, its file's "
            "name, its name in the sheet, or a source folder"
        )
    return found


def _of_forgotten(gone: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return the forgotten images that a name may mean."""
    file_name = pl.col("name").str.split("/").list.last()
    found = gone.filter(pl.any_horizontal(said == name for said in (pl.col("image_id", "name", "source"), file_name)))
    if found.is_empty() and len(name) >= LEAST_LETTERS:
        found = gone.filter(pl.col("image_id").str.starts_with(name))
    if found.is_empty():
        raise NothingCalledSo(f"no forgotten image goes by {name!r}: table `forgotten` lists them")
    return found


def _parts(lake: Lake, ids: Ids) -> Iterator[tuple[str, str, list[list[str]]]]:
    """Return of each table the rows that name any of the ids: table, ``FROM ... WHERE ...``, values."""
    tables = lake.tables().filter(kind="table")["name"]
    for table in tables:
        columns = lake.query(f"DESCRIBE {table}")["column_name"].to_list()
        named = [(kind, list(ids[kind])) for kind in KINDS if kind in columns]
        if "subject" in columns:
            named.append(("subject", [one for kind in SUBJECTS for one in ids[kind]]))
        if "champion_group_id" in columns:
            named.append(("champion_group_id", list(ids["group_id"])))
        if named and table not in KEPT:
            either = " OR ".join(f"{column} IN (SELECT unnest(?::VARCHAR[]))" for column, _ in named)
            yield table, f"FROM {table} WHERE {either}", [values for _, values in named]


def _paths(lake: Lake, ids: Ids) -> Iterator[str]:
    """Return the folders of models and pages, and the pictures, of runs and nights that go."""
    from tasks.pictures import files_of_night

    nights = lake.query("SELECT night_id, sequence FROM nights ORDER BY sequence")
    pages = {night_id: str(Path(page_of(sequence)).parent) for night_id, sequence in nights.iter_rows()}
    folders = [*(f"models/{run_id}" for run_id in ids["run_id"]), *(pages[night_id] for night_id in ids["night_id"])]
    pictures = [file for night_id in ids["night_id"] for file in files_of_night(lake, night_id)]
    yield from dict.fromkeys([*(folder for folder in folders if lake.files.listed(f"{folder}/")), *pictures])


def _note(transaction: Transaction, files: pl.DataFrame) -> None:
    """Note which images are not to come back, and up to which number nights have been."""
    newest = transaction.query(load("newest_night_ever")).item()
    rows = files.select("image_id", "source", name="path")
    noted = rows.with_columns(last_night=pl.lit(newest, pl.Int64), forgotten_at=pl.lit(datetime.now(UTC)))
    transaction.replace("forgotten", noted, key=("image_id", "source", "name"))
