"""SQL of the lake by name: one statement a file, with its purpose, grain and units on top."""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "queries"


@cache
def load(name: str) -> str:
    """Return the statement of ``lake/queries/<name>.sql``.

    Parameters
    ----------
    name : str
        File name without suffix.

    Raises
    ------
    KeyError
        If there is no such statement; the message lists those that there are.

    Examples
    --------
    >>> load("schema_version").splitlines()[0].startswith("-- Purpose")
    True
    """
    known = sorted(path.stem for path in _FOLDER.glob("*.sql"))
    if name not in known:
        msg = f"no statement {name!r}; there are {', '.join(known)}"
        raise KeyError(msg)
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
