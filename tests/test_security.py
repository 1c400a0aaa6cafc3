"""What docs/security.md promises and no other test shows."""

import ast
import os
import pickle  # noqa: TID251 - the trap is one
import re
from pathlib import Path

import pytest
import torch

from deepdlt.training.checkpoints import CheckpointUnreadable, load_checkpoint
from deployments.settings import StackPaths, own_variables, prefect_settings, server_settings, settings_file_text
from lake import Lake

ROOT = Path(__file__).parents[1]
FOLDERS = ("deepdlt", "lake", "tasks", "flows", "deployments")
SOURCES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
UNPICKLERS = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
RUNNERS = {"eval", "exec", "compile"}
CANARY = "canary-8d1f"


def names_used(path: Path) -> set[str]:
    """Every module imported and every bare function called in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found.add(node.func.id)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found.add(f"{ast.unparse(node.func.value)}.{node.func.attr}")
    return found


def test_nothing_is_unpickled_or_run_from_text() -> None:
    """No module of ours imports an unpickler, or calls what runs text; checkpoints never go through torch.load."""
    assert len(SOURCES) > 100
    banned = UNPICKLERS | RUNNERS | {"torch.load", "yaml.load", "np.load", "os.system"}
    assert {path.name: names for path in SOURCES if (names := names_used(path) & banned)} == {}


class Trap:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("form", ["torch", "pickle"])
def test_a_malicious_checkpoint_is_refused_and_does_nothing(form: str, tmp_path: Path) -> None:
    """A pickle under a checkpoint's name is refused before anything in it runs."""
    path, mark = tmp_path / "model.safetensors", tmp_path / "trap"
    if form == "torch":
        torch.save({"weights": Trap(mark)}, path)
    else:
        path.write_bytes(pickle.dumps(Trap(mark)))
    with pytest.raises(CheckpointUnreadable):
        load_checkpoint(path)
    assert not mark.exists()


def test_secrets_of_the_environment_are_not_written_down(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the stack notes for its parts and for commands typed by hand holds no key."""
    for name in ("PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "AWS_SECRET_ACCESS_KEY", "DEEPDLT_TOKEN"):
        monkeypatch.setenv(name, CANARY)
    paths = StackPaths(tmp_path)
    url = "http://127.0.0.1:4711/api"
    said = [
        own_variables(),
        prefect_settings(paths, url, is_own_server=True),
        server_settings(paths, 4711),
        settings_file_text(paths, url, is_own_server=True),
    ]
    assert CANARY not in repr(said)


def test_a_lake_is_private_to_its_user(tmp_path: Path) -> None:
    """Nobody else can enter its folder."""
    Lake.open(tmp_path / "lake").close()
    assert (tmp_path / "lake").stat().st_mode & 0o077 == 0


def test_every_test_that_the_document_names_is_there() -> None:
    """The table's last column is no promise without a file."""
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", (ROOT / "docs/security.md").read_text(encoding="utf-8")))
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
