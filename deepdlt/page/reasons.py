"""What ran and why: which input of a training is another than that of the same training before."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from deepdlt.page.words import count, listed

BECAUSE = {
    "first time": "for the first time",
    "lost files": "to replace lost files",
    "asked for": "because it was asked for",
    "data set": "for another data set",
    "folds": "for other folds",
    "seed": "with another seed",
    "settings": "with other settings",
    "libraries": "with other libraries",
    "code": "with other training code",
    "not known": "for a reason that is not known",
}
"""What a kind of reason is in a sentence; a training may have several."""

MOST_NAMED = 4
"""Changed settings, or modules, that are named; more are counted."""

DIGITS = 8
"""Of a digest, to tell two apart."""


class Reason(NamedTuple):
    """An input that changed: what it is, and what it was and became."""

    kind: str
    text: str


FIRST = Reason("first time", "first time: no earlier night has it")
ASKED_FOR = Reason("asked for", "asked for")
LOST = Reason("lost files", "its files or rows were no longer whole")
NOT_KNOWN = Reason("not known", "nothing that is stored with it has changed")


def reasons_of(run: Mapping[str, Any]) -> tuple[Reason, ...]:
    """Return why a training was done.

    Parameters
    ----------
    run : mapping
        Row of the frame ``trainings``: the run, and as ``before_...`` the same training of an earlier night.

    Returns
    -------
    tuple of Reason
        Empty for a run that stood complete, and for no other.
    """
    if run["is_reused"]:
        return ()
    asked = (ASKED_FOR,) if run.get("is_asked_for") else ()
    if run["before_run_id"] is None:
        return (*asked, FIRST)
    if run["before_run_id"] == run["run_id"]:
        return asked or (LOST,)
    return (*asked, *_changes(run)) or (NOT_KNOWN,)


def _changes(run: Mapping[str, Any]) -> Iterator[Reason]:
    """Name each input that differs; a new data set brings new folds with it."""
    if run["dataset_id"] != run["before_dataset_id"]:
        yield Reason("data set", f"data set: {_data_set(run)}")
    elif run["split_id"] != run["before_split_id"]:
        yield Reason("folds", "folds: label values, number, seed, or the code that draws them")
    if run["seed"] != run["before_seed"]:
        yield Reason("seed", f"seed {run['before_seed']} → {run['seed']}")
    if changed := _changed(run["before_settings"], run["settings"]):
        yield Reason("settings", f"settings: {_settings(changed)}")
    if changed := _changed(run["before_versions"], run["versions"]):
        yield Reason("libraries", f"libraries: {listed(f'{name} {old} → {new}' for name, old, new in changed)}")
    if run["code_digest"] != run["before_code_digest"]:
        yield Reason("code", _code(run))


def _data_set(run: Mapping[str, Any]) -> str:
    """Say how a data set differs from the one before."""
    pairs = [
        ("images", run["before_n_images"], run["n_images"]),
        ("patches", run["before_n_patches"], run["n_patches"]),
    ]
    said = [
        f"{old:,} → {new:,} {noun}" for noun, old, new in pairs if old is not None and new is not None and old != new
    ]
    return listed(said) if said else "as many patches, but others"


def _code(run: Mapping[str, Any]) -> str:
    """Name the modules of the training code that changed; where they are not known, its digests."""
    modules = run.get("changed_modules")
    if not modules:
        return f"training code {run['before_code_digest'][:DIGITS]} → {run['code_digest'][:DIGITS]}"
    more = [f"{len(modules) - MOST_NAMED} more"] if len(modules) > MOST_NAMED else []
    return f"code of {listed([*modules[:MOST_NAMED], *more])}"


def _changed(before: str, now: str) -> list[tuple[str, Any, Any]]:
    """Return name, old and new value of what differs between two JSON objects."""
    old, new = json.loads(before), json.loads(now)
    names = sorted(old.keys() | new.keys())
    return [(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]


def _settings(changed: Sequence[tuple[str, Any, Any]]) -> str:
    """Name settings that differ, the first few of them."""
    said = [f"{name} {_value(old)} → {_value(new)}" for name, old, new in changed[:MOST_NAMED]]
    if len(changed) > MOST_NAMED:
        said.append(f"{len(changed) - MOST_NAMED} more")
    return listed(said)


def _value(value: object) -> str:
    """Return a setting's value as people write it."""
    return json.dumps(value) if isinstance(value, dict | list | bool) or value is None else str(value)


def group_trainings(trainings: pl.DataFrame) -> pl.DataFrame:
    """Put runs with one outcome and one reason together.

    Parameters
    ----------
    trainings : polars.DataFrame
        One row per run.

    Returns
    -------
    polars.DataFrame
        One row per ``preset``, ``scheme``, ``outcome`` and ``reason``: ``labels``, ``n_runs``, ``epochs``,
        ``n_parameters``, ``seconds`` (of what was trained).
    """
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for run in trainings.iter_rows(named=True):
        reason = "; ".join(reason.text for reason in reasons_of(run))
        groups.setdefault((run["preset"], run["scheme"], _outcome(run), reason), []).append(run)
    return pl.DataFrame([_group(key, runs) for key, runs in groups.items()], infer_schema_length=None)


def explain(run: Mapping[str, Any]) -> str:
    """Say of one training what came of it in its night, and why: ``trained: data set: 23 → 24 images``.

    Parameters
    ----------
    run : mapping
        Row of the frame ``trainings``.
    """
    said = "; ".join(reason.text for reason in reasons_of(run))
    return f"{_outcome(run)}: {said}" if said else _outcome(run)


def _outcome(run: Mapping[str, Any]) -> str:
    """Say whether a run was trained, or which night it was taken from."""
    if not run["is_reused"]:
        return "trained"
    is_known = run["before_run_id"] == run["run_id"]
    return f"reused, as in night {run['before_sequence']}" if is_known else "reused"


def _group(key: tuple[str, ...], runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return one row of `group_trainings`."""
    preset, scheme, outcome, reason = key
    labels = dict.fromkeys(run["label"] for run in runs if run["label"] != "none")
    return {
        "preset": preset,
        "scheme": scheme,
        "labels": ", ".join(labels) or None,
        "outcome": outcome,
        "n_runs": len(runs),
        "reason": reason or None,
        "epochs": ", ".join(dict.fromkeys(str(json.loads(run["settings"]).get("epochs", "")) for run in runs)) or None,
        "n_parameters": max(run["n_parameters"] for run in runs),
        "seconds": sum(run["seconds"] for run in runs) if outcome == "trained" else None,
    }


def run_sentence(trainings: pl.DataFrame, *, n_failed: int = 0, n_errors: int = 0) -> str:
    """Say in one sentence what was trained, and because of what; in another what failed.

    Parameters
    ----------
    trainings : polars.DataFrame
        One row per run that stands.
    n_failed : int
        Trainings of the night that do not.
    n_errors : int
        Of these, those whose error is known.
    """
    failed = _failed_sentence(n_failed, n_errors)
    if trainings.is_empty():
        return f"No training of this night stands in the lake.{failed}"
    runs = trainings.rows(named=True)
    trained = [run for run in runs if not run["is_reused"]]
    n_all = count(len(runs) + n_failed, "training")
    if not trained and n_failed:
        return f"Nothing was trained: {len(runs):,} of {n_all} stood complete.{failed}"
    if not trained:
        return (
            f"Nothing was trained: {count(len(runs), 'training')} stood complete with these very images, labels, "
            "settings, code and libraries."
        )
    kinds = Counter(reason.kind for run in trained for reason in reasons_of(run))
    alone = len(kinds) == 1
    said = listed(f"{BECAUSE[kind]}" if alone else f"{n:,} {BECAUSE[kind]}" for kind, n in kinds.most_common())
    reused = f"; {len(runs) - len(trained):,} stood complete and were reused" if len(trained) < len(runs) else ""
    was = "was" if len(trained) == 1 else "were"
    return f"{len(trained):,} of {n_all} {was} done{' ' if alone else ': '}{said}{reused}.{failed}"


def _failed_sentence(n_failed: int, n_errors: int) -> str:
    """Say how many trainings failed, and of how many it cannot be said why; '' where none did."""
    if not n_failed:
        return ""
    n_silent = max(n_failed - n_errors, 0)
    silent = f"; {n_silent:,} of them left no error, or were tried again since" if n_silent else ""
    return f" {n_failed:,} failed{silent}."
