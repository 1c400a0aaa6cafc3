"""A flow that does nothing: what a run on the pool costs before any work."""

from prefect import flow


@flow(name="empty")
def empty() -> None:
    """Do nothing."""
