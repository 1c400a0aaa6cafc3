"""What all tests share: an environment of their own, and one real stack for those that need it.

The variables are set before any test module is imported, so that Prefect, wherever it is first imported, knows the
test stack and nothing of the user's.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import stacks
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from drawn_night import DrawnNight

# Machines that run the tests are shared: how long an example takes says nothing about the code. Each run tries the
# same examples, so that a change is judged by what it changes; `make test-long` searches for new ones.
settings.register_profile("same-examples", deadline=None, derandomize=True)
settings.register_profile("new-examples", deadline=None, print_blob=True)
settings.load_profile("same-examples")

FOLDER = stacks.make_folder()
VARIABLES = stacks.environment_of(FOLDER, stacks.free_port())
os.environ.update(VARIABLES)
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the cores are taken by the processes


TOLD = "told"
"""Name of the property in which `tell` keeps a text."""

SHARED = {
    "stack": (
        "flows/test_night",
        "deployments/test_stack",
        "deployments/test_follow",
        "deployments/test_deploy",
        "deployments/test_dead_runs",
        "deployments/test_cli",
        "deployments/test_upkeep",
        "deployments/test_watching",
    ),
    "drawn_night": ("tasks/test_pictures", "deployments/test_plot"),
    "paged": ("tasks/test_page", "tasks/test_page_in_browser"),
}
"""Fixtures that are made once a session and take long, and the files that use them: those of one go to one process."""


class ByWhatTheyShare(LoadScopeScheduling):
    """Where processes share the tests: those of a file stay together, and so do files of one expensive fixture.

    Those of `faults/` share nothing and take long: each goes where there is room.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition(".py::")[0].removeprefix("tests/")
        if file.startswith("faults/"):
            return nodeid
        return next((fixture for fixture, files in SHARED.items() if file in files), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByWhatTheyShare:
    """Have the tests of a shared fixture done in one process."""
    return ByWhatTheyShare(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests of a shared fixture begin first, and see to it that the list above is whole."""

    def fixture_of(item: pytest.Item) -> str:
        return next((name for name in SHARED if name in getattr(item, "fixturenames", ())), "")

    unlisted = {str(item.path) for item in items if (name := fixture_of(item)) and _name_of(item) not in SHARED[name]}
    if unlisted:
        raise pytest.UsageError(f"name these files in tests/conftest.py, beside the fixture that they use: {unlisted}")
    items.sort(key=lambda item: not fixture_of(item))


def _name_of(item: pytest.Item) -> str:
    """Return a test's file as `SHARED` writes it."""
    return item.path.relative_to(Path(__file__).parent).with_suffix("").as_posix()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests told of themselves, whichever process they ran in."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    told = [(report.nodeid, text) for report in reports for name, text in report.user_properties if name == TOLD]
    for nodeid, text in told:
        terminalreporter.section(nodeid.removeprefix("tests/"), sep="-")
        terminalreporter.write_line(str(text))


def pytest_unconfigure() -> None:
    """Remove the folder of this process at its end."""
    shutil.rmtree(FOLDER, ignore_errors=True)


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Put a text at the end of the run's output: what a test of many rounds has found."""

    def put(text: str) -> None:
        record_property(TOLD, text)

    return put


@pytest.fixture(scope="session")
def stack() -> Iterator[stacks.RunningStack]:
    """A Prefect server and workers on both pools, started once a session by the project's own command."""
    running = stacks.start_stack(FOLDER, VARIABLES)
    yield running
    stacks.stop_stack(running)


@pytest.fixture(scope="session")
def lab(stack: stacks.RunningStack) -> stacks.RunningStack:
    """The stack with the small flows of ``tests/support/lab_flows.py`` deployed."""
    stack.cli("deploy", DEEPDLT_PREFECT_YAML=str(stacks.SUPPORT / "lab.yaml"))
    return stack


@pytest.fixture(scope="session")
def drawn_night(tmp_path_factory: pytest.TempPathFactory) -> "DrawnNight":
    """A small night, trained once a session, to draw pictures of."""
    from drawn_night import make_drawn_night  # imports Prefect, which must know the variables above

    return make_drawn_night(tmp_path_factory.mktemp("drawn"))
