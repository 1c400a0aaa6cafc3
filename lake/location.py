"""Where a lake lies: one folder, and the names inside it."""

import os
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "DEEPDLT_LAKE"
DEFAULT = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Location:
    """The paths of one lake.

    Parameters
    ----------
    root : Path
        Absolute path of its folder.
    """

    root: Path

    @property
    def catalog(self) -> Path:
        """SQLite file that knows tables, snapshots and Parquet files."""
        return self.root / "catalog.sqlite"

    @property
    def tables(self) -> Path:
        """Folder of the tables' Parquet files."""
        return self.root / "tables"

    @property
    def shards(self) -> Path:
        """Folder of the patch shards."""
        return self.root / "shards"

    @property
    def lock(self) -> Path:
        """File locked by the one writer."""
        return self.root / "writer.lock"

    @property
    def holder(self) -> Path:
        """Note of who holds the lock, for the message of those who wait."""
        return self.root / "writer.json"

    @property
    def spill(self) -> Path:
        """Folder DuckDB makes when a query outgrows memory."""
        return self.root / "tmp"

    @property
    def pages(self) -> Path:
        """Index of the nights that have a page."""
        return self.root / "reports" / "index.html"

    def page(self, sequence: int) -> Path:
        """Page of a night by its number, whether or not it is there."""
        return self.pages.parent / str(sequence) / "index.html"

    def make_folders(self) -> None:
        """Make the lake's folder, private to the user, and what it always holds."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.tables, self.shards):
            folder.mkdir(exist_ok=True)


def locate(location: str | Path | None = None) -> Location:
    """Return the lake's location: the argument, else ``DEEPDLT_LAKE``, else ``lake/data``.

    Raises
    ------
    ValueError
        If it is the address of a server, not a folder.

    Examples
    --------
    >>> locate("/srv/results").catalog
    PosixPath('/srv/results/catalog.sqlite')
    """
    chosen = str(location or os.environ.get(VARIABLE) or DEFAULT)
    if "://" in chosen:
        msg = f"a lake is a folder, not {chosen.partition('://')[0]}://...: set {VARIABLE} to a path."
        raise ValueError(msg)
    return Location(Path(chosen).expanduser().absolute())
