"""The code and the libraries that a step depends on, by name: part of its key, and of what the ledger notes of it."""

from collections.abc import Iterable
from pathlib import Path

from deepdlt.provenance import CODE_OF, NUMERIC_LIBRARIES, library_versions, module_digests, source_digest

ROOT = Path(__file__).parents[1]
"""Folder of the package ``tasks``."""


def depends_on_code(
    modules: Iterable[str], *, work: Iterable[str] = (), libraries: Iterable[str] = NUMERIC_LIBRARIES
) -> dict[str, str]:
    """Return the digest of each module that does a step's work, and the version of each library that shapes its result.

    Parameters
    ----------
    modules : iterable of str
        Modules of deepdlt; their imports are followed.
    work : iterable of str
        Modules of ``tasks``; their imports are not followed.
    libraries : iterable of str
        Names of distributions; Python itself always counts.

    Returns
    -------
    dict of str to str
        ``code of <module>`` and digest; library and version.

    Raises
    ------
    ModuleNotFoundError, FileNotFoundError, PackageNotFoundError
        If one is not there: a hit must not rest on code that is not there.
    """
    code = module_digests(*modules) | work_digests(*work)
    return {f"{CODE_OF}{name}": digest for name, digest in code.items()} | library_versions(libraries)


def work_digests(*names: str) -> dict[str, str]:
    """Return the digest of the code of each of some modules of ``tasks``, by its name; none is imported.

    Parameters
    ----------
    *names : str
        E.g. ``"tasks.cutting"``.

    Raises
    ------
    FileNotFoundError
        If there is no such module.
    """
    return {name: source_digest(ROOT.joinpath(*name.split(".")).with_suffix(".py")) for name in names}
