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


@pytest.fixture(scope="session", autouse=True)
def own_folder() -> Iterator[None]:
    """Remove the session's folder at its end."""
    yield
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
