"""What is read from a Python file is remembered by its content, from process to process, and by nothing else."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deepdlt import parsed
from deepdlt.parsed import Parsed, parse_file, parse_source

SOURCE = b"import json\nfrom os import path\n\n\ndef double(x):\n    return 2 * x\n"

SCRIPT = """
import ast, sys
from pathlib import Path
from deepdlt.parsed import parse_file
n_trees, parse = 0, ast.parse
def counted(*given, **named):
    global n_trees
    n_trees += 1
    return parse(*given, **named)
ast.parse = counted
print(parse_file(Path(sys.argv[1])).digest, n_trees)
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the modules in question, with byte code of its own."""
    folder = tmp_path / "code" / "deepdlt"
    folder.mkdir(parents=True)
    for name in ("__init__", "parsed", "digest"):
        shutil.copy(Path(parsed.__file__).with_name(f"{name}.py"), folder)
    return folder


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "module.py"
    path.write_bytes(SOURCE)
    return path


def asked(package: Path, module: Path, **variables: str) -> tuple[str, int]:
    """Return what a process of its own says of a module: the digest, and how many trees it has built."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", SCRIPT, str(module)]
    done = subprocess.run(command, env=env | variables, cwd=package.parent, capture_output=True, text=True, check=True)
    digest, n_trees = done.stdout.split()
    return digest, int(n_trees)


def memory(package: Path) -> Path:
    """Where the copy keeps what it has read."""
    (found,) = (package / "__pycache__").glob("parsed*.json")
    return found


def test_digest_and_imports_are_those_of_the_source() -> None:
    """Names come sorted, `from os import path` as both; a constant makes the digest another."""
    found = parse_source(SOURCE)
    assert found.imported == ("json", "os", "os.path")
    assert found.digest != parse_source(SOURCE.replace(b"2", b"3")).digest
    assert found.digest == parse_source(SOURCE.replace(b"2 * x", b"(2 *\n x)  # twice")).digest


def test_a_second_process_builds_no_tree(package: Path, module: Path) -> None:
    """What one has read the next one knows, under another name, too."""
    first = asked(package, module)
    assert first == (parse_file(module).digest, 1)
    assert asked(package, module) == (first[0], 0)
    assert asked(package, module.rename(module.with_name("other.py"))) == (first[0], 0)


def test_another_content_is_read_whatever_its_time(package: Path, module: Path) -> None:
    """A file of the same size and time, with another constant, is another file."""
    first, stat = asked(package, module), module.stat()
    module.write_bytes(SOURCE.replace(b"2", b"3"))
    os.utime(module, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    digest, n_trees = asked(package, module)
    assert (digest != first[0], n_trees) == (True, 1)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda text: text[: len(text) // 2], id="cut short"),
        pytest.param(lambda _: "[]", id="of another form"),
        pytest.param(lambda text: json.dumps(json.loads(text) | {"made_by": "older code"}), id="of other code"),
        pytest.param(lambda text: json.dumps(json.loads(text) | {"files": {"a": 1}}), id="with other entries"),
    ],
)
def test_a_memory_that_is_not_whole_or_of_other_code_is_not_believed(package: Path, module: Path, damage: Any) -> None:
    """It is read anew, and kept anew."""
    first = asked(package, module)
    memory(package).write_text(damage(memory(package).read_text()))
    assert asked(package, module) == first
    assert asked(package, module) == (first[0], 0)


def test_where_no_byte_code_is_written_nothing_is_kept(package: Path, module: Path) -> None:
    """As Python does with its own."""
    assert asked(package, module, PYTHONDONTWRITEBYTECODE="1") == asked(package, module, PYTHONDONTWRITEBYTECODE="1")
    assert not list(package.rglob("*.json"))


def test_what_was_not_asked_for_goes_where_there_is_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more contents than are to be remembered, this process's own stay."""
    file = tmp_path / "memory.json"
    found = {key: Parsed(key, ("os",)) for key in ("a", "b", "c")}
    monkeypatch.setattr(parsed, "_memory_file", lambda: file)
    monkeypatch.setattr(parsed, "_asked", {"b"})
    monkeypatch.setattr(parsed, "MOST_REMEMBERED", 2)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    parsed._keep(found, ())
    assert parsed._load(file) == {"b": found["b"]}


def test_a_parser_that_other_threads_disturb_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.11 says SystemError where threads build trees in turns; the digest is the one that is due."""
    expected = parse_source(SOURCE)
    parse, said = ast.parse, iter([SystemError("AST constructor recursion depth mismatch")])

    def disturbed(*given: Any, **named: Any) -> ast.Module:
        if error := next(said, None):
            raise error
        return parse(*given, **named)

    monkeypatch.setattr(ast, "parse", disturbed)
    assert parse_source(SOURCE) == expected
