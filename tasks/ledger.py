"""The ledger of a night: of each step, whether it ran, on which inputs, and which of them were new."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl
from typing_extensions import TypedDict  # pydantic asks for this one below Python 3.12

from deepdlt.digest import digest_json
from deepdlt.night import TRAINING_MODULES, RunPlan
from deepdlt.page.words import listed
from deepdlt.refresh import Refresh
from lake import Transaction
from lake.statements import load
from tasks.dependence import CODE, depends_on_code

DIGITS = 8
"""Of a digest, to tell two apart."""

ASKED_FOR = "asked for"
UNCHANGED = "nothing that it depends on has changed, but what it left was gone or not whole"


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
    transaction.replace_where("reasons", frame.unique("step", maintain_order=True), night_id=night_id)


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return what an input was and what it is, by name, where the two differ; None where it was not or is not."""
    names = sorted(before.keys() | now.keys())
    return {name: [before.get(name), now.get(name)] for name in names if before.get(name) != now.get(name)}


def in_words(step: str, is_hit: bool, is_asked_for: bool | None, changed: str | None, made_in: int | None) -> str:
    """Say in one line why a step ran or did not.

    Parameters
    ----------
    step, is_hit, is_asked_for, changed, made_in
        As table `reasons` has them.
    """
    if is_hit:
        return f"{step}: reused" + ("" if made_in is None else f": made in night {made_in}")
    if changed is None:
        return f"{step}: ran: first time"
    said = [ASKED_FOR] if is_asked_for else []
    said += [_change(name, *pair) for name, pair in json.loads(changed).items()]
    return f"{step}: ran: {listed(said) if said else UNCHANGED}"


def _change(name: str, before: Any, now: Any) -> str:
    """Say of one input what it was and became; of code, only whose it is."""
    return f"{name} changed" if name.startswith(CODE) else f"{name} {_short(before)} → {_short(now)}"


def _short(value: Any) -> str:
    """Return a value as people write it, of a digest its first digits."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:DIGITS] if len(text) == 32 else text
