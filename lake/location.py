"""Where a lake lies: one folder, the names inside it, and where its catalog and its files are.

On one machine the catalog is a SQLite file in the folder. For several machines it is in Postgres, and they share the
folder, ``postgres://user@host/database+/folder``, or an S3 bucket, ``postgres://user@host/database+s3://bucket/prefix``.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from lake.errors import LocationInvalid

VARIABLE = "DEEPDLT_LAKE"
DEFAULT = Path(__file__).parent / "data"
CACHE_VARIABLE = "DEEPDLT_CACHE"
PAGES = "reports/index.html"

_SHARED = re.compile(r"(?P<database>postgres(?:ql)?://(?P<server>[^/?#+]*)/[A-Za-z0-9_.-]+)\+(?P<files>/.*|s3://.*)")
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]+[a-z0-9](/[A-Za-z0-9_][A-Za-z0-9_.-]*)*/?")
_OF_PATTERNS = "*?[\\"
_FORMS = "a lake is a folder, postgres://USER@HOST/DATABASE+/FOLDER or postgres://USER@HOST/DATABASE+s3://BUCKET/PREFIX"


@dataclass(frozen=True, slots=True)
class Location:
    """The paths of one lake.

    Parameters
    ----------
    root : Path
        Absolute path of its folder. Where there is a `bucket`, a folder of this machine alone: copies of what is in
        the bucket, and what is under way; it may be deleted at any time.
    database : str, optional
        Address of the Postgres database that is its catalog, without a password; None where the catalog is a file.
    bucket : str, optional
        ``s3://BUCKET/PREFIX``, where its files are in a bucket.
    """

    root: Path
    database: str | None = None
    bucket: str | None = None

    def __str__(self) -> str:
        """Return the location as `locate` takes it."""
        return f"{self.database}+{self.files}" if self.database else self.files

    @property
    def files(self) -> str:
        """Where its files are, for people: a folder or a bucket."""
        return self.bucket or str(self.root)

    @property
    def data_path(self) -> str:
        """Where the tables' Parquet files are, as DuckDB takes it."""
        return f"{self.files}/tables/"

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
        """Folder of queries that outgrow memory: of each DuckDB a folder in it."""
        return self.root / "tmp"

    @property
    def pages(self) -> Path:
        """Index of the nights that have a page."""
        return self.root / PAGES

    def page(self, sequence: int) -> Path:
        """Page of a night by its number, whether or not it is there."""
        return self.root / page_of(sequence)

    def make_folders(self) -> None:
        """Make the lake's folder, private to the user, and what it always holds."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.bucket:
            return
        for folder in (self.tables, self.shards):
            folder.mkdir(exist_ok=True)


def page_of(sequence: int) -> str:
    """Return where in a lake the page of a night lies, by the night's number.

    Examples
    --------
    >>> page_of(7)
    'reports/7/index.html'
    """
    return PAGES.replace("/", f"/{sequence}/")


def locate(location: str | Path | None = None) -> Location:
    """Return the lake's location: the argument, else ``DEEPDLT_LAKE``, else ``lake/data``.

    Raises
    ------
    LocationInvalid
        If it is an address of another form, or has a password in it; or if DuckDB would take its folder for a pattern.

    Examples
    --------
    >>> locate("/srv/results").catalog
    PosixPath('/srv/results/catalog.sqlite')
    >>> locate("postgres://deepdlt@db.lab/lake+/mnt/results").database
    'postgres://deepdlt@db.lab/lake'
    >>> locate("postgres://deepdlt@db.lab/lake+s3://lab/results").data_path
    's3://lab/results/tables/'
    """
    chosen = str(location or os.environ.get(VARIABLE) or DEFAULT)
    if "://" not in chosen:
        return Location(_plain(Path(chosen).expanduser().absolute()))
    found = _SHARED.fullmatch(chosen)
    if found is None:
        kind = chosen.partition("://")[0]
        msg = f"{_FORMS}, not this {kind}://...: set {VARIABLE} to one."
        raise LocationInvalid(msg)
    if ":" in found["server"].rpartition("@")[0]:
        msg = f"{VARIABLE} holds a password: leave it out there, and set PGPASSWORD or PGPASSFILE."
        raise LocationInvalid(msg)
    if found["files"].startswith("/"):
        return Location(_plain(Path(found["files"])), found["database"])
    if not _BUCKET.fullmatch(found["files"]):
        msg = (
            f"{_FORMS}, of small letters, digits, dots and dashes: {VARIABLE} has another s3://.... Keys do not belong "
            "there: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
        raise LocationInvalid(msg)
    bucket = found["files"].rstrip("/")
    return Location(_cache_of(f"{found['database']}+{bucket}"), found["database"], bucket)


def _plain(folder: Path) -> Path:
    """Return a lake's folder; refuse one that stands for others, too: upkeep would look there for what is left over."""
    signs = [sign for sign in _OF_PATTERNS if sign in str(folder)]
    if signs:
        msg = (
            f"the lake's folder {folder} has a {signs[0]} in its path, which DuckDB takes for a pattern: upkeep would "
            f"miss its files, or find those of another lake. Rename the folder, or have {VARIABLE} name another."
        )
        raise LocationInvalid(msg)
    return folder


def _cache_of(address: str) -> Path:
    """Return this machine's folder for a lake in a bucket."""
    name = hashlib.blake2b(address.encode(), digest_size=16).hexdigest()
    chosen = os.environ.get(CACHE_VARIABLE)
    return (Path(chosen).expanduser().absolute() if chosen else Path.home() / ".cache" / "deepdlt") / name
