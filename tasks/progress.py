"""Progress artifacts: bars in the UI that move.

Prefect's functions serve both sync and async callers and are typed for both; here they are sync.
"""

from typing import cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact


def start_bar(key: str, description: str) -> UUID:
    """Return a new progress artifact that stands at nothing.

    Parameters
    ----------
    key : str
        Lower-case letters, digits and dashes.
    description : str
        What it shows.
    """
    return cast("UUID", create_progress_artifact(0.0, key=key, description=description))


def move_bar(bar: UUID, share: float, description: str) -> None:
    """Set a progress artifact to a share in [0, 1]."""
    update_progress_artifact(bar, 100.0 * share, description=description)
