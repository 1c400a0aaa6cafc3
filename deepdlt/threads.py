"""How the threads of a computation wait for each other."""

import os


def share_cores() -> None:
    """Let idle OpenMP threads sleep instead of spin; call it before torch is imported.

    Between two operations OpenMP's threads spin for a while, in case the next one comes soon. Where
    other processes want the same cores (a server, a worker, a second training), each spin takes the
    time slice that the others wait for: on two busy cores an epoch took four times as long. A
    setting of the user's own is left alone.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
