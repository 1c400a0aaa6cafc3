"""Trainings that stand complete and are to be done again."""

import logging
from collections.abc import Sequence

from deepdlt.night import RunPlan
from deepdlt.refresh import Refresh
from lake.statements import load
from tasks.completed import completed_runs
from tasks.kept_progress import forget_progress
from tasks.lake_access import open_lake

logger = logging.getLogger(__name__)

NOT_YET = "it was asked for again, and has not been done since"


def set_aside(plans: Sequence[RunPlan], refresh: Refresh) -> set[str]:
    """Have the trainings that are asked for count as not done, so that this night does them, or the next one.

    Their rows stay, and stay complete, until new ones take their place: only then is anything lost. They are trained
    from the first epoch on.

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
    forget_progress(lake.files, asked)
    return asked
