"""Where the DuckDB extensions lie that were installed as Python packages."""

import importlib.util
from pathlib import Path

import duckdb

from lake.errors import LakeError

NAMES = ("sqlite_scanner", "ducklake")
"""In the order they must be loaded."""


class ExtensionMissing(LakeError):
    """A DuckDB extension is not installed, or for another version of DuckDB."""

    def __init__(self, name: str, wanted: Path | None) -> None:
        self.name = name
        self.wanted = wanted
        package = f"duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
        where = f" (looked for {wanted})" if wanted else ""
        super().__init__(f"DuckDB's extension {name} is not installed{where}: pip install {package}")


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
