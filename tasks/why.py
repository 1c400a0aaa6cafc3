"""Why each step and training of a night ran, or did not."""

from deepdlt.errors import DeepdltError
from deepdlt.night import HOLDOUT
from lake import Lake
from lake.night_views import ask_of_night
from lake.statements import load


class NothingToExplain(DeepdltError):
    """No training of a night is called so, or there is no such night."""


def why(lake: Lake, what: str = "", *, night: int | None = None) -> list[str]:
    """Say of each training of a night whether it was done or taken over, and because of which inputs.

    Parameters
    ----------
    lake : Lake
    what : str
        Words that a training's line must have, e.g. ``"PP1 fold 3"``, or the beginning of its run's id; '' for all.
    night : int, optional
        Number of the night; the newest unless told.

    Returns
    -------
    list of str
        One line a step, then one a training.

    Raises
    ------
    NothingToExplain
        If there is no such night or training.
    """
    from deepdlt.page.reasons import explain
    from deepdlt.page.steps import in_words

    found = lake.query(load("night_by_sequence"), [night])
    if found.is_empty():
        raise NothingToExplain("the lake holds no night yet" if night is None else f"the lake holds no night {night}")
    night_id, number, asked = found.row(0)
    told = ask_of_night(lake, night_id, {name: load(f"page_{name}") for name in ("trainings", "steps")})
    trainings, steps = told["trainings"], [in_words(row) for row in told["steps"].iter_rows(named=True)]
    lines = [line for line in steps if all(word in line for word in what.split())]
    for run in trainings.iter_rows(named=True):
        place = "80/10/10 split" if run["scheme"] == HOLDOUT else f"{run['label']} fold {run['fold']} {run['scheme']}"
        line = f"{place} {run['preset']} seed {run['seed']} ({run['run_id'][:8]}): {explain(run)}"
        is_meant = run["run_id"].startswith(what) or all(word in line for word in what.split())
        lines += [line] if is_meant else []
    if not lines:
        raise NothingToExplain(f"no step or training of night {number} goes by {what!r}: `deepdlt why` lists them all")
    return [f"night {number}" + (f", asked to do again: {asked}" if asked else ""), *lines]
