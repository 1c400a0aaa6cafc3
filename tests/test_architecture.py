"""The import rules: who may know of whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {"deepdlt", "lake", "tasks", "flows", "deployments"}
SCIENCE = {"numpy", "torch", "torchvision", "scipy", "skimage", "sklearn", "PIL", "polars", "pydantic", "matplotlib"}
ALLOWED = {
    "deepdlt": {
        "deepdlt",
        "fastexcel",
        "jinja2",
        "markupsafe",
        "numba",
        "safetensors",
        "threadpoolctl",
        "umap",
        "xlsxwriter",
        *SCIENCE,
    },
    "lake": {"lake", "duckdb", "pyarrow", "polars", "numpy", "filelock", "psycopg", "boto3", "botocore"},
    "tasks": {"tasks", "deepdlt", "lake", "prefect", "polars", "numpy", "psutil", "typing_extensions"},
    "flows": {"flows", "tasks", "deepdlt", "prefect", "pydantic", "typing_extensions"},
}
LIGHT = [
    "deepdlt.config",
    "deepdlt.night",
    "deepdlt.source.survey",
    "deepdlt.dataset.patches",
    "deepdlt.dataset.folds",
    "flows.retrain",
    "lake",
]


def imported(path: Path) -> set[str]:
    """Return the top-level names that a file imports, the standard library's left out."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names - sys.stdlib_module_names


@pytest.mark.parametrize("layer", ALLOWED)
def test_a_layer_imports_only_what_its_rule_allows(layer: str) -> None:
    """Science knows no storage, storage knows no science, and neither knows Prefect."""
    files = sorted((ROOT / layer).rglob("*.py"))
    assert files
    offenders = {str(path.relative_to(ROOT)): bad for path in files if (bad := imported(path) - ALLOWED[layer])}
    assert offenders == {}


@pytest.mark.parametrize("module", LIGHT)
def test_torch_stays_out_of_what_only_composes(module: str) -> None:
    """A night with nothing to train never pays for torch, nor for pictures."""
    code = f"import sys, {module}; print(*sorted({{'torch', 'matplotlib'}} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.split() == []


def test_no_module_is_a_drawer() -> None:
    """No file is called utils, helpers, common or misc."""
    names = {path.stem for layer in OURS for path in (ROOT / layer).rglob("*.py")}
    assert names
    assert names.isdisjoint({"utils", "helpers", "common", "misc"})


def test_a_night_with_nothing_new_imports_no_more_than_it_uses() -> None:
    """What decodes, paints or analyses images stays out until there is an image to do it to."""
    heavy = {"PIL", "scipy", "skimage", "sklearn", "numba", "umap", "jinja2"}
    code = f"import sys, flows.retrain; print(*sorted({heavy!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.split() == []
