"""Where a lake lies: one folder, the names inside it, and where its catalog is.

On one machine the catalog is a SQLite file in the folder. For several machines it is in Postgres, and they share the
folder: ``postgres://user@host/database+/folder``.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "DEEPDLT_LAKE"
DEFAULT = Path(__file__).parent / "data"

_SHARED = re.compile(r"(?P<database>postgres(?:ql)?://(?P<server>[^/?#+]*)/[A-Za-z0-9_.-]+)\+(?P<root>/.*)")


@dataclass(frozen=True, slots=True)
class Location:
    """The paths of one lake.

    Parameters
    ----------
    root : Path
        Absolute path of its folder.
    database : str, optional
        Address of the Postgres database that is its catalog, without a password; None where the catalog is a file.
    """

    root: Path
    database: str | None = None

    def __str__(self) -> str:
        """Return the location as `locate` takes it."""
        return f"{self.database}+{self.root}" if self.database else str(self.root)

    @property
    def catalog(self) -> Path:
        """SQLite file that knows tables, snapshots and Parquet files, where there is no `database`."""
        return self.root / "catalog.sqlite"

    @property
    def is_empty(self) -> bool:
        """Whether it can be told, without asking a server, that there is no lake."""
        return self.database is None and not self.catalog.is_file()

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
        If it is an address of another form, or has a password in it.

    Examples
    --------
    >>> locate("/srv/results").catalog
    PosixPath('/srv/results/catalog.sqlite')
    >>> locate("postgres://deepdlt@db.lab/lake+/mnt/results").database
    'postgres://deepdlt@db.lab/lake'
    """
    chosen = str(location or os.environ.get(VARIABLE) or DEFAULT)
    if "://" not in chosen:
        return Location(Path(chosen).expanduser().absolute())
    found = _SHARED.fullmatch(chosen)
    if found is None:
        kind = chosen.partition("://")[0]
        msg = (
            f"a lake is a folder, or postgres://USER@HOST/DATABASE+/FOLDER, not this {kind}://...: "
            f"set {VARIABLE} to one."
        )
        raise ValueError(msg)
    if ":" in found["server"].rpartition("@")[0]:
        msg = f"{VARIABLE} holds a password: leave it out there, and set PGPASSWORD or PGPASSFILE."
        raise ValueError(msg)
    return Location(Path(found["root"]), found["database"])
