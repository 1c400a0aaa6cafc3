"""A process that does one stored training again, apart from the lake, and says how the numbers agree.

`tasks.reproduce` starts it as ``python -m tasks.replay RUN_ID``; events go out as from `tasks.trainer`.
The lake is read and never written. Prefect is not imported here.
"""

import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from deepdlt.night import RunPlan
from deepdlt.threads import share_cores
from lake import Lake
from tasks.agreement import Agreement, compare_tables
from tasks.label_means import means_by_label
from tasks.messages import Event
from tasks.stored_run import StoredRun, find_run, labels_of, lake_of, rows_of
from tasks.trained import PATCH_COLUMNS, fold_rows
from tasks.trainer import Speaker, own_output

if TYPE_CHECKING:
    from deepdlt.training.progress import EpochRecord
    from tasks.training_work import TrainedFold


def main(run_id: str) -> None:
    """Train, score, compare, and say so."""
    speaker = Speaker(own_output())
    share_cores()  # before torch is imported
    lake = Lake.open(is_read_only=True)
    run = find_run(lake, run_id)
    try:
        speaker.say(replay(lake, run, tell=speaker.say))
    except Exception as error:
        speaker.say(Event("failed", run_id, str(error)))
        raise


def replay(lake: Lake, run: StoredRun, *, tell: Callable[[Event], None]) -> Event:
    """Train and score a run again, and compare every number of it.

    Parameters
    ----------
    lake : Lake
        Holds the run; it is not changed.
    run : StoredRun
    tell : callable
        Takes an event for each epoch.

    Returns
    -------
    Event
        On which device, how the tables agree (`agreements`), and which data and labels were taken.
    """
    source = lake_of(lake, run)
    labels, is_sure = labels_of(lake, run)
    trained = _train(source, run, tell)
    made = {
        "epochs": trained.result.epochs,
        "fold_metrics": fold_rows(trained),
        "label_metrics": means_by_label(trained.scores, labels, seed=run.plan.seed),
        "patch_metrics": trained.scores.select(PATCH_COLUMNS),
    }
    told = {
        "tables": [asdict(one) for one in compare_tables(rows_of(lake, run.plan.run_id), made)],
        "n_threads": trained.result.n_threads,
        "is_of_then": source is not lake,
        "is_labels_sure": is_sure,
    }
    return Event("trained", run.plan.run_id, trained.result.device, numbers=told)


def _train(source: Lake, run: StoredRun, tell: Callable[[Event], None]) -> "TrainedFold":
    """Train and score in a folder that goes away, with as many threads as then."""
    from deepdlt.threads import torch_threads
    from tasks.shared_patches import PatchFiles
    from tasks.training_work import TrainedFold, take_patches, train_plans

    def note(plan: RunPlan, record: "EpochRecord") -> None:
        tell(Event("epoch", plan.run_id, numbers=vars(record)))

    n_threads = run.where["n_threads"]  # None: not on a CPU, or not noted
    with (
        tempfile.TemporaryDirectory(prefix="deepdlt-replay-") as folder,
        PatchFiles(source, [run.plan]) as files,
        torch_threads(n_threads) if n_threads else nullcontext(),
    ):
        held = take_patches(source, files.of(run.plan))
        (outcome,) = train_plans(source, [run.plan], held, on_epoch=note, root=Path(folder))
        if not isinstance(outcome, TrainedFold):
            raise outcome
        return outcome


def agreements(event: Event) -> list[Agreement]:
    """Return what a replay's last event says of each table."""
    return [Agreement(**one) for one in event.numbers["tables"]]


if __name__ == "__main__":
    main(sys.argv[1])
