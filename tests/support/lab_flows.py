"""Small flows to try the stack with."""

import os
import time

from prefect import flow, get_run_logger, task


@flow(name="lab-quick")
def quick() -> None:
    """Do nothing, well."""


@task
def count(number: int) -> int:
    """Return a number."""
    return number


@flow(name="lab-talk")
def talk(seconds: float = 0.0, fails: bool = False, lines: int = 0) -> None:
    """Say something, take a while, and fail where asked to."""
    get_run_logger().info("the lab talks to %s", os.environ.get("DEEPDLT_LAKE"))
    for number in range(lines):
        get_run_logger().info("line %d", number)
    for number in range(3):
        count(number)
    time.sleep(seconds)
    if fails:
        raise RuntimeError("as asked")


@flow(name="lab-single")
def single(seconds: float = 0.0) -> None:
    """Take a while; one run at a time, on a schedule."""
    time.sleep(seconds)
