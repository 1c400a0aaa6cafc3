"""Trainings that stand complete and are to be done again."""

import logging
from collections.abc import Sequence

from deepdlt.night import RunPlan
from deepdlt.refresh import Refresh
from deepdlt.training.progress_files import PROGRESS_FILES
from lake.files import inside
from lake.statements import load
from tasks.completed import completed_runs
from tasks.lake_access import open_lake

logger = logging.getLogger(__name__)

NOT_YET = "it was asked for again, and has not been done since"


def set_aside(plans: Sequence[RunPlan], refresh: Refresh) -> set[str]:
    """Have the trainings that are asked for count as not done, so that this night does them, or the next one.

    Their rows stay until new ones take their place: only then is anything lost. They are trained from the first epoch
    on.

    Parameters
    ----------
    plans : sequence of RunPlan
        All of a night.
    refresh : Refresh

    Returns
    -------
    set of str
        Their runs.
    """
    asked = {plan.run_id for plan in plans if refresh.asks_for_training(plan)}
    lake = open_lake()
    standing = completed_runs(sorted(asked)) if asked else set()
    if standing:
        with lake.write(f"{len(standing)} runs are to be done again") as transaction:
            transaction.execute(load("set_runs_aside"), [NOT_YET, sorted(standing)])
        logger.info("%d trainings stand complete and are done again: they were asked for", len(standing))
    for run_id in asked:
        for name in PROGRESS_FILES:
            inside(lake.root, f"models/{run_id}/{name}").unlink(missing_ok=True)
    return asked
