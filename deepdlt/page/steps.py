"""Why a step of a night ran or did not, in words."""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from deepdlt.page.words import listed
from deepdlt.provenance import CODE_OF

DIGITS = 8
"""Of a digest, to tell two apart."""

ASKED_FOR = "asked for"
FIRST = "first time"
UNCHANGED = "nothing that it depends on has changed, but what it left was gone or not whole"


def outcome_of(step: Mapping[str, Any]) -> str:
    """Say whether a step ran, or what it was reused from.

    Parameters
    ----------
    step : mapping
        Row of the table `reasons`.
    """
    if not step["is_hit"]:
        return "ran"
    return "reused" if step["made_in"] is None else f"reused, made in night {step['made_in']}"


def reason_of(step: Mapping[str, Any]) -> str:
    """Say why a step ran, '' where it did not.

    Parameters
    ----------
    step : mapping
        Row of the table `reasons`.
    """
    if step["is_hit"]:
        return ""
    said = [ASKED_FOR] if step["is_asked_for"] else []
    if step["changed"] is None:
        return listed([*said, FIRST])
    said += [_change(name, *pair) for name, pair in json.loads(step["changed"]).items()]
    return listed(said) if said else UNCHANGED


def in_words(step: Mapping[str, Any]) -> str:
    """Say in one line why a step ran or did not: ``cut patches: ran: images number 12 → 13``."""
    reason = reason_of(step)
    return f"{step['step']}: {outcome_of(step)}" + (f": {reason}" if reason else "")


def step_table(steps: pl.DataFrame) -> pl.DataFrame:
    """Return one row a step: ``step``, ``outcome``, ``reason``."""
    rows = [(row["step"], outcome_of(row), reason_of(row) or None) for row in steps.iter_rows(named=True)]
    return pl.DataFrame(rows, schema=dict.fromkeys(("step", "outcome", "reason"), pl.String), orient="row")


def _change(name: str, before: Any, now: Any) -> str:
    """Say of one input what it was and became; of code, only whose it is."""
    return f"{name} changed" if name.startswith(CODE_OF) else f"{name} {_short(before)} → {_short(now)}"


def _short(value: Any) -> str:
    """Return a value as people write it, of a digest its first digits."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text[:DIGITS] if len(text) == 32 else text
