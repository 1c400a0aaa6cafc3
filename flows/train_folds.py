"""Train a batch of folds on this worker."""

from prefect import flow
from prefect.runtime import flow_run

from deepdlt.night import RunPlan
from tasks.train import train_all


def _name() -> str:
    """Return the flow run's name: the one that the night gave it, else how much it trains."""
    given = str(flow_run.get_name() or "")
    return given if given.startswith("train ") else f"train {len(flow_run.parameters['plans'])} runs"


@flow(name="train-folds", flow_run_name=_name, retries=0)
def train_folds(plans: list[RunPlan]) -> None:
    """Train and score every plan of a batch; each lands in the lake as soon as it is done.

    A training that fails is noted, the others go on, and the flow fails in the end with a table of what failed.
    """
    train_all(plans)
