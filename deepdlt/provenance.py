"""Which code and which libraries made a number.

Nothing is imported to be digested: modules are found as files and read as syntax trees, so that a
flow can ask for the digest of the training code without paying for torch.
"""

import functools
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from deepdlt.digest import digest_bytes
from deepdlt.parsed import parse_file

PACKAGE_FOLDER = Path(__file__).parent
PACKAGE = PACKAGE_FOLDER.name

CODE_OF = "code of "
"""Begins the name of an input that is the digest of a module."""

NUMERIC_LIBRARIES = ("numba", "numpy", "torch")
"""Libraries whose version can change the numbers of a training."""


def _module_file(name: str) -> Path | None:
    """Return the source file of a module of this package, or None for any other name."""
    head, *rest = name.split(".")
    if head != PACKAGE:
        return None
    stem = PACKAGE_FOLDER.joinpath(*rest)
    candidates = (stem.with_suffix(".py"), stem / "__init__.py") if rest else (PACKAGE_FOLDER / "__init__.py",)
    return next((path for path in candidates if path.is_file()), None)


def modules_behind(*names: str) -> dict[str, Path]:
    """Return the modules of deepdlt that the named ones reach through their imports.

    Parameters
    ----------
    *names : str
        Dotted module names, e.g. ``"deepdlt.dataset.patches"``.

    Returns
    -------
    dict of str to Path
        Module name to source file, sorted by name; the named ones included.

    Raises
    ------
    ModuleNotFoundError
        If a named module is no module of deepdlt.

    Examples
    --------
    >>> list(modules_behind("deepdlt.digest"))
    ['deepdlt.digest']
    """
    found: dict[str, Path] = {}
    queue = list(names)
    while queue:
        name = queue.pop()
        path = _module_file(name)
        if path is None:
            if name in names:
                raise ModuleNotFoundError(f"{name} is no module of {PACKAGE}: its code cannot be digested")
            continue
        if name not in found:
            found[name] = path
            queue.extend(parse_file(path).imported)
    return dict(sorted(found.items()))


def code_digest(*names: str) -> str:
    """Return the digest of the named modules and of all of deepdlt that they import.

    Comments, docstrings, blank lines and layout do not count; everything that can run does.

    Parameters
    ----------
    *names : str
        Dotted module names, e.g. ``"deepdlt.training.train"``.

    Returns
    -------
    str
        32 hexadecimal digits.

    Raises
    ------
    ModuleNotFoundError
        If a named module is no module of deepdlt.
    SyntaxError
        If a module cannot be parsed.
    """
    chunks: list[bytes] = []
    for name, path in modules_behind(*names).items():
        chunks += [name.encode(), parse_file(path).digest.encode()]
    return digest_bytes(*chunks)


def module_digests(*names: str) -> dict[str, str]:
    """Return the digest of each module that `code_digest` of these names is made of, by module.

    Parameters
    ----------
    *names : str
        Dotted module names.

    Raises
    ------
    ModuleNotFoundError, SyntaxError
        As in `code_digest`.
    """
    return {name: source_digest(path) for name, path in modules_behind(*names).items()}


def library_versions(names: Iterable[str] = NUMERIC_LIBRARIES) -> dict[str, str]:
    """Return the versions of Python and of some libraries, without importing them.

    Parameters
    ----------
    names : iterable of str
        Names of distributions.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        If one is not installed.
    """
    return {"python": platform.python_version(), **{name: _version(name) for name in names}}


def versions_of_training() -> dict[str, str]:
    """Return the versions that the name of a training stands for.

    Machines that share a night may have Python from different distributions, and builds of torch for different
    devices: the last part of Python's version, and what tells a build ("+cpu"), do not count.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        If a library is not installed.
    """
    counts = {name: version.partition("+")[0] for name, version in library_versions().items()}
    return counts | {"python": counts["python"].rpartition(".")[0]}


@functools.cache
def _version(name: str) -> str:
    """Return the version of a distribution; that of this process does not change."""
    return version(name)


def source_digest(path: Path) -> str:
    """Return the digest of one Python file, comments and docstrings left out.

    Parameters
    ----------
    path : Path
        A file of Python source.

    Returns
    -------
    str
        32 hexadecimal digits.

    Raises
    ------
    SyntaxError
        If it cannot be parsed.
    """
    return parse_file(path).digest
