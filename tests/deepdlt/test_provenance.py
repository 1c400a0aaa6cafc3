"""Code digests: they change with what can run, and with nothing else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepdlt import provenance
from deepdlt.provenance import code_digest, library_versions, modules_behind, source_digest

CODE = 'def double(x):\n    """Return twice x."""\n    return 2 * x\n'


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "module.py"
    path.write_text(CODE)
    return path


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(CODE.replace("Return twice x.", "Say it otherwise."), id="docstring"),
        pytest.param("# a comment\n" + CODE, id="comment"),
        pytest.param(CODE.replace("2 * x", "(2 *\n            x)"), id="layout"),
    ],
)
def test_what_cannot_run_does_not_count(module: Path, tmp_path: Path, changed: str) -> None:
    """A docstring, a comment or a line break leaves the digest as it is."""
    other = tmp_path / "other.py"
    other.write_text(changed)
    assert source_digest(other) == source_digest(module)


@given(factor=st.integers(min_value=3, max_value=10**6))
def test_a_changed_number_counts(tmp_path_factory: pytest.TempPathFactory, factor: int) -> None:
    """Any other constant in the code is another digest."""
    folder = tmp_path_factory.mktemp("code")
    (folder / "a.py").write_text(CODE)
    (folder / "b.py").write_text(CODE.replace("2 * x", f"{factor} * x"))
    assert source_digest(folder / "a.py") != source_digest(folder / "b.py")


def test_imports_are_followed_and_others_left_out() -> None:
    """The modules behind the settings include the digests they use, and no model."""
    behind = modules_behind("deepdlt.config")
    assert {"deepdlt.config", "deepdlt.digest", "deepdlt.provenance"} <= set(behind)
    assert not any(name.startswith("deepdlt.models") for name in behind)


def test_a_used_module_counts_and_an_unused_one_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed line in an imported module changes the digest; one in a module nobody imports does not."""
    package = tmp_path / "deepdlt"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "user.py").write_text("from deepdlt.used import one\n\n\ndef two():\n    return 2 * one()\n")
    (package / "used.py").write_text("def one():\n    return 1\n")
    (package / "unused.py").write_text("def three():\n    return 3\n")
    monkeypatch.setattr(provenance, "PACKAGE_FOLDER", package)
    before = code_digest("deepdlt.user")
    (package / "unused.py").write_text("def three():\n    return 33\n")
    assert code_digest("deepdlt.user") == before
    (package / "used.py").write_text("def one():\n    return 11\n")
    assert code_digest("deepdlt.user") != before


def test_an_unknown_module_is_an_error_and_never_a_digest() -> None:
    """Asking for code that is not there raises instead of giving the digest of nothing."""
    with pytest.raises(ModuleNotFoundError, match="no module of deepdlt"):
        code_digest("deepdlt.nowhere")


def test_versions_of_the_numeric_libraries_are_known() -> None:
    """Python and torch are among the versions that are stored with each run."""
    assert {"python", "torch", "numpy"} <= set(library_versions())
