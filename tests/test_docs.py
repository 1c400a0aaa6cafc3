"""What is there is documented, and what is documented is there."""

import re
from pathlib import Path

import pytest

import deepdlt
from deepdlt.sheets.spec import load_spec
from deployments.cli import app
from lake import Lake

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
TABLES = (ROOT / "docs" / "tables.md").read_text()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """An empty lake: every table and view is there."""
    return Lake.open(tmp_path_factory.mktemp("lake"))


def test_every_table_and_view_is_documented(lake: Lake) -> None:
    """Each stands with its grain in tables.md, and each has a purpose in `deepdlt tables`."""
    found = lake.tables()
    assert found.height > 20
    assert [name for name in found["name"] if f"`{name}`" not in TABLES] == []
    assert found.filter(found["purpose"].str.len_chars() == 0)["name"].to_list() == []


def test_every_command_is_documented() -> None:
    """Each command of `deepdlt` stands in the README, as it is typed."""
    names = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    assert "retrain" in names
    assert [name for name in names if not re.search(rf"\bdeepdlt {name}\b", README)] == []


def test_every_flow_is_documented() -> None:
    """Each flow stands in ARCHITECTURE.md."""
    names = {path.stem for path in (ROOT / "flows").glob("*.py")} - {"__init__"}
    assert "retrain" in names
    assert [name for name in names if f"`{name}`" not in ARCHITECTURE] == []


def test_the_queries_of_the_readme_run_as_written(lake: Lake) -> None:
    """Every `deepdlt sql` line, also of the command line's help, is a statement that the lake answers."""
    helped = [str(command.callback.__doc__) for command in app.registered_commands]
    queries = re.findall(r'deepdlt sql "([^"]+)"', README + "".join(helped))
    assert len(queries) >= 8
    for query in queries:
        assert lake.query(query).columns


def test_every_document_is_in_the_map_of_folders() -> None:
    """Whoever looks for one finds it there."""
    (line,) = re.findall(r"^docs/ +(.*)$", README, re.MULTILINE)
    assert sorted(path.name for path in (ROOT / "docs").glob("*.md") if path.name not in line) == []


def test_the_labels_of_the_sheet_are_explained() -> None:
    """Each, with its column, before the first table of numbers is asked for."""
    spec = load_spec()
    assert [key for key in spec.labels if f"| `{key}` |" not in README] == []


def test_every_path_in_the_readme_exists() -> None:
    """Pictures and documents that it links to are there."""
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_architecture_fits_on_a_few_pages() -> None:
    """At most 150 lines, so that it is read."""
    assert len(ARCHITECTURE.splitlines()) <= 150


def test_every_module_of_the_science_is_on_its_map() -> None:
    """The package's docstring names each package and each module beside them, so that a newcomer finds it."""
    science = ROOT / "deepdlt"
    modules = {path.stem for path in science.glob("*.py")} - {"__init__"}
    modules |= {path.parent.name for path in science.glob("*/__init__.py")}
    assert modules
    assert sorted(modules - set(re.findall(r"`(\w+)`", str(deepdlt.__doc__)))) == []
