"""The DuckDB extensions that were installed as Python packages: where they lie, and a DuckDB with them."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from lake.errors import LakeError
from lake.sql import quote_literal

ON_SQLITE = ("sqlite_scanner", "ducklake")
ON_POSTGRES = ("postgres_scanner", "ducklake")
ON_BUCKET = ("postgres_scanner", "httpfs", "ducklake")
"""What a lake needs by where its catalog and its files are, in the order in which they must be loaded."""


class ExtensionMissing(LakeError):
    """A DuckDB extension is not installed, or for another version of DuckDB."""

    def __init__(self, name: str, wanted: Path | None) -> None:
        self.name = name
        self.wanted = wanted
        package = f"duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
        where = f" (looked for {wanted})" if wanted else ""
        super().__init__(f"DuckDB's extension {name} is not installed{where}: pip install {package}")


class ExtensionUnusable(LakeError):
    """DuckDB refuses an installed extension, for example because its signature is not DuckDB's."""

    def __init__(self, name: str, path: Path, reason: str) -> None:
        self.name = name
        self.path = path
        self.reason = reason
        super().__init__(f"DuckDB cannot load {path}: {reason}. Install the package anew.")


def extension_path(name: str) -> Path:
    """Return the file of an extension that fits the DuckDB in use.

    Parameters
    ----------
    name : str
        As DuckDB names it, e.g. ``sqlite_scanner``.

    Raises
    ------
    ExtensionMissing
        If its package is not installed, or holds it for another version of DuckDB.
    """
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    if spec is None or not spec.submodule_search_locations:
        raise ExtensionMissing(name, None)
    root = Path(spec.submodule_search_locations[0])
    path = root / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    if not path.is_file():
        raise ExtensionMissing(name, path)
    return path


_verified: set[tuple[str, int, int]] = set()
"""Files whose signature was found good in this process: path, size, time of change."""


def connect_with_extensions(config: Mapping[str, str], names: Sequence[str] = ON_SQLITE) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB of its own with a lake's extensions loaded.

    DuckDB checks the signature of every file it loads, which takes 0.1 s each. Once is enough in one
    process: the next DuckDB loads the same files unchecked, and then forbids unsigned ones for good.

    Parameters
    ----------
    config : mapping of str to str
        DuckDB's settings.
    names : sequence of str
        The extensions, in the order in which they must be loaded.

    Raises
    ------
    ExtensionMissing
        If one is not installed.
    ExtensionUnusable
        If DuckDB refuses one.
    """
    paths = {name: extension_path(name) for name in names}
    stamps = {(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths.values()}
    is_verified = stamps <= _verified
    connection = duckdb.connect(config={**config, "allow_unsigned_extensions": str(is_verified).lower()})
    for name, path in paths.items():
        try:
            connection.execute(f"LOAD {quote_literal(str(path))}")
        except duckdb.Error as error:
            connection.close()
            raise ExtensionUnusable(name, path, str(error).splitlines()[0]) from error
    if is_verified:
        connection.execute("SET allow_unsigned_extensions = false")
    _verified.update(stamps)
    return connection
