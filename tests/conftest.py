"""What all tests share: an environment of their own, and one real stack for those that need it.

The variables are set before any test module is imported, so that Prefect, wherever it is first imported, knows the
test stack and nothing of the user's.
"""

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import stacks
from hypothesis import settings

if TYPE_CHECKING:
    from drawn_night import DrawnNight

# Machines that run the tests are shared: how long an example takes says nothing about the code.
settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")

FOLDER = stacks.make_folder()
VARIABLES = stacks.environment_of(FOLDER, stacks.free_port())
os.environ.update(VARIABLES)
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the cores are taken by the processes


SHARED = ("stack", "drawn_night")
"""Fixtures that are made once a session and take long: tests that use one go to one process, and begin first."""


@pytest.hookimpl(tryfirst=True)  # before the processes learn which tests stay together
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say which tests stay together where processes share them: those of a shared fixture, else those of a file."""

    def group_of(item: pytest.Item) -> str:
        used = getattr(item, "fixturenames", ())
        return next((name for name in SHARED if name in used), str(item.path))

    for item in items:
        item.add_marker(pytest.mark.xdist_group(group_of(item)))
    items.sort(key=lambda item: group_of(item) not in SHARED)


def pytest_unconfigure() -> None:
    """Remove the folder of this process at its end."""
    shutil.rmtree(FOLDER, ignore_errors=True)


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
