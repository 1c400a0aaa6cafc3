"""What a Python file runs and imports: read from its syntax tree, and remembered by content from process to process.

The trees of a hundred modules take half a second; a night with nothing new would spend it to learn that they are as
they were. What was read is kept beside the byte code, under the digest of the very bytes, and where Python writes none
(``PYTHONDONTWRITEBYTECODE``, a folder that may only be read) nothing is kept.
"""

import ast
import atexit
import functools
import json
import os
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path
from typing import NamedTuple

from deepdlt.digest import digest_bytes

MOST_REMEMBERED = 2_000
"""Beyond so many contents, those that the process did not ask for are dropped."""

_TRIES = 5
_PARSING = threading.Lock()


class Parsed(NamedTuple):
    """What a Python file runs and imports.

    Attributes
    ----------
    digest : str
        32 hexadecimal digits: of the syntax tree without comments, docstrings and layout.
    imported : tuple of str
        Every dotted name that it may import, sorted; `from a import b` as both `a` and `a.b`.
    """

    digest: str
    imported: tuple[str, ...]


def parse_file(path: Path) -> Parsed:
    """Return what a Python file runs and imports, as it is now.

    Raises
    ------
    SyntaxError
        If it cannot be parsed.
    """
    stat = path.stat()
    return _parse_version(path, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=1024)
def _parse_version(path: Path, _mtime_ns: int, _size: int) -> Parsed:
    """Return what a file of that time and size holds."""
    content = path.read_bytes()
    key = digest_bytes(content)
    memory = _memory()
    found = memory.get(key)
    if found is None:
        found = memory[key] = parse_source(content, name=str(path))
    _asked.add(key)
    return found


def parse_source(source: bytes, *, name: str = "<unknown>") -> Parsed:
    """Return what Python source runs and imports.

    Raises
    ------
    SyntaxError
        If it cannot be parsed.
    """
    tree = _tree(source, name)
    imported = tuple(sorted(_imported(tree)))
    return Parsed(digest_bytes(ast.dump(_Docless().visit(tree), annotate_fields=False).encode()), imported)


def _tree(source: bytes, name: str) -> ast.Module:
    """Return a syntax tree, whatever other threads do.

    Python 3.11 counts the depth of all trees that are being built together, and says SystemError where threads take
    turns in the middle of two. Ours wait for each other; for those of a library, one tries again.
    """
    with _PARSING:
        for _ in range(_TRIES - 1):
            try:
                return ast.parse(source, filename=name)
            except SystemError:
                continue
        return ast.parse(source, filename=name)


class _Docless(ast.NodeTransformer):
    """Drop docstrings and other bare strings: they do nothing when the code runs."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else node


def _imported(tree: ast.Module) -> set[str]:
    """Return every dotted name the tree may import, `from a import b` as both `a` and `a.b`."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


_asked: set[str] = set()


def _memory_file() -> Path:
    """Return where it is kept: beside this module's byte code."""
    return Path(cache_from_source(__file__)).with_suffix(".json")


@functools.cache
def _made_by() -> str:
    """Return what the answers depend on, beside the content: this module and the Python that parses."""
    return digest_bytes(sys.version.encode(), Path(__file__).read_bytes())


@functools.cache
def _memory() -> dict[str, Parsed]:
    """Return what earlier processes have read, by the digest of the content; what is added is kept in the end."""
    memory = _load(_memory_file())
    atexit.register(_keep, memory, frozenset(memory))
    return memory


def _load(file: Path) -> dict[str, Parsed]:
    """Return what a file holds; nothing, where it is not there, not whole, or of other code."""
    try:
        kept = json.loads(file.read_bytes())
        if kept["made_by"] != _made_by():
            return {}
        return {str(key): Parsed(str(digest), tuple(names)) for key, (digest, names) in kept["files"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _keep(memory: dict[str, Parsed], known: Iterable[str]) -> None:
    """Write what is remembered, as a whole, if anything is new."""
    if sys.dont_write_bytecode or memory.keys() <= set(known):
        return
    kept = memory if len(memory) <= MOST_REMEMBERED else {key: memory[key] for key in _asked}
    file = _memory_file()
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    with suppress(OSError):  # as with byte code: where it cannot be written, the next process reads again
        file.parent.mkdir(exist_ok=True)
        temporary.write_text(json.dumps({"made_by": _made_by(), "files": kept}))
        temporary.replace(file)
