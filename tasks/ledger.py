"""The ledger of a night: of each step, whether it ran, on which inputs, and which of them were new."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl
from typing_extensions import TypedDict  # pydantic asks for this one below Python 3.12

from deepdlt.digest import digest_json
from deepdlt.night import TRAINING_MODULES, RunPlan
from deepdlt.refresh import Refresh
from lake import Transaction
from lake.statements import load
from tasks.dependence import depends_on_code


class StepRecord(TypedDict):
    """A step of a night: whether an earlier result stood in for it, and what it depends on."""

    step: str
    is_hit: bool
    is_asked_for: bool
    inputs: dict[str, Any]


def training_steps(plans: Sequence[RunPlan], sent: Iterable[str], refresh: Refresh) -> list[StepRecord]:
    """Return a record for each training of a night.

    Parameters
    ----------
    plans : sequence of RunPlan
    sent : iterable of str
        Ids of the runs that had to be trained.
    refresh : Refresh
        What the night was asked to do again.
    """
    trained, code = set(sent), depends_on_code(TRAINING_MODULES)
    return [
        StepRecord(
            step=f"{plan.title}, {plan.preset} seed {plan.seed}",
            is_hit=plan.run_id not in trained,
            is_asked_for=refresh.asks_for_training(plan),
            inputs={
                "data set": plan.dataset_id,
                "split": plan.split_id,
                "settings": plan.settings.identity(),
                "seed": plan.seed,
                **code,
            },
        )
        for plan in plans
    ]


def note_steps(
    transaction: Transaction, steps: Sequence[StepRecord], *, night_id: str, source: str, sequence: int
) -> None:
    """Write the ledger of a night, each step beside what it was when the source last had it.

    Parameters
    ----------
    transaction : Transaction
        The one that writes the night.
    steps : sequence of StepRecord
    night_id, source : str
    sequence : int
        Number of the night.
    """
    rows = _rows(transaction, steps, source=source, sequence=sequence)
    transaction.replace_where("reasons", rows, night_id=night_id)


def note_step(transaction: Transaction, step: StepRecord, *, night_id: str) -> None:
    """Write a step that came after the night was noted into its ledger; done twice, it stands once.

    Parameters
    ----------
    transaction : Transaction
    step : StepRecord
    night_id : str
        A night that the lake does not know has no ledger.
    """
    for source, sequence in transaction.query(load("night_by_id"), [night_id]).iter_rows():
        rows = _rows(transaction, [step], source=source, sequence=sequence)
        transaction.replace("reasons", rows.with_columns(night_id=pl.lit(night_id)), key=("night_id", "step"))


def _rows(transaction: Transaction, steps: Sequence[StepRecord], *, source: str, sequence: int) -> pl.DataFrame:
    """Return rows of `reasons`, without the night."""
    before = dict(transaction.query(load("last_reasons"), [source, sequence]).iter_rows())
    made = {row[:2]: row[2] for row in transaction.query(load("made_by_step"), [source, sequence]).iter_rows()}
    rows = []
    for one in steps:
        digest, last = digest_json(one["inputs"]), before.get(one["step"])
        rows.append(
            {
                "step": one["step"],
                "is_hit": one["is_hit"],
                "is_asked_for": one["is_asked_for"],
                "inputs": json.dumps(one["inputs"], sort_keys=True),
                "inputs_digest": digest,
                "changed": None if last is None else json.dumps(changes(json.loads(last), one["inputs"])),
                "made_in": made.get((one["step"], digest)) if one["is_hit"] else sequence,
            }
        )
    told = dict.fromkeys(("is_hit", "is_asked_for"), pl.Boolean)
    texts = dict.fromkeys(("step", "inputs", "inputs_digest", "changed"), pl.String)
    frame = pl.DataFrame(rows, schema={**texts, **told, "made_in": pl.Int64})
    return frame.unique("step", maintain_order=True)


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return what an input was and what it is, by name, where the two differ; None where it was not or is not."""
    names = sorted(before.keys() | now.keys())
    return {name: [before.get(name), now.get(name)] for name in names if before.get(name) != now.get(name)}
