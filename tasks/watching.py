"""What a night tells those who watch: events that automations wait for, `deployments/automations.yaml`."""

import logging
import shutil
from typing import Any

from prefect.events import emit_event

from lake import Lake
from lake.statements import load

logger = logging.getLogger(__name__)

LOW_BYTES = 5_000_000_000
"""Free where the lake lies; as the doctor's warning."""

WORSE = 1.1
"""An error this many times that of the night before is a regression."""

DISK_LOW, REGRESSION = "deepdlt.disk.low", "deepdlt.metric.regression"


def tell_watchers(lake: Lake, night: dict[str, Any]) -> list[str]:
    """Emit an event for each thing of a night that somebody should know; return the names of these.

    Parameters
    ----------
    lake : Lake
    night : dict
        Row of the table `nights`.
    """
    found: list[tuple[str, dict[str, Any]]] = []
    n_free = shutil.disk_usage(lake.root).free
    if n_free < LOW_BYTES:
        found.append((DISK_LOW, {"folder": str(lake.root), "n_free_bytes": n_free}))
    if night["n_trained"]:
        asked = {"night_id": night["night_id"], "factor": WORSE}
        worse = lake.query(load("regressions_of_night"), asked)
        found += [(REGRESSION, row) for row in worse.iter_rows(named=True)]
    for event, payload in found:
        logger.warning("%s: %s", event, ", ".join(f"{name} {value}" for name, value in payload.items()))
        emit_event(event, resource={"prefect.resource.id": f"deepdlt.lake.{lake.lake_id}"}, payload=payload)
    return [event for event, _ in found]
