"""What a picture is of: a run, and the runs beside it in its night."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from deepdlt.night import HOLDOUT
from lake import Lake
from lake.statements import load


class Drawn(NamedTuple):
    """A picture and its words."""

    png: bytes
    title: str
    alt: str


@dataclass(frozen=True)
class RunFacts:
    """What pictures need to know of a run; the columns of the table `runs`."""

    run_id: str
    profile: str
    preset: str
    model: str
    scheme: str
    label: str
    fold: int
    n_folds: int
    seed: int
    split_id: str
    dataset_id: str
    settings: str
    source: str
    is_below_flat: bool
    """Whether its test patches come out worse than flat ones."""
    model_digest: str
    """Digest of the file of its best model: trained anew, on another device, say, it may be another."""

    @cached_property
    def choices(self) -> dict[str, Any]:
        """Every training setting, by name."""
        found: dict[str, Any] = json.loads(self.settings)
        return found

    @property
    def standing(self) -> str:
        """How far its numbers can be trusted: profile, and whether it is worse than a flat patch."""
        return standing([self])

    @property
    def heading(self) -> str:
        """What pictures of this kind of run stand under, e.g. ``label-cv, grouped folds``."""
        return f"{self.preset}, 80/10/10 split" if self.scheme == HOLDOUT else f"{self.preset}, {self.scheme} folds"

    @property
    def folds_name(self) -> str:
        """The run and its folds, e.g. ``label-cv, grouped folds by NP``."""
        return self.heading if self.scheme == HOLDOUT else f"{self.heading} by {self.label}"

    @property
    def name(self) -> str:
        """The run alone, e.g. ``label-cv, grouped folds by NP, fold 3 of 5``."""
        return self.folds_name if self.scheme == HOLDOUT else f"{self.folds_name}, fold {self.fold} of {self.n_folds}"

    @property
    def series(self) -> str:
        """Its place among the runs beside it, e.g. ``fold 3, seed 1``."""
        return f"seed {self.seed}" if self.scheme == HOLDOUT else f"fold {self.fold}, seed {self.seed}"


@dataclass(frozen=True)
class Subject:
    """What one picture is of.

    Attributes
    ----------
    run : RunFacts
        Where it starts from.
    runs : tuple of RunFacts
        All complete runs of the night, or the run alone where it belongs to none.
    night_id : str
        '' where the run belongs to no night.
    label : str
        Label to show, or '' for what the picture shows by itself.
    group_id : str
        Of the group of the night that has an answer to which label is harder; '' where there is none.
    methods : tuple of str
        Methods by which the run's codes lie in a plane.
    answers : dict of str to str
        Question (difficulty of the group, probe of the run) to the digest of what its answer was asked of.
    """

    run: RunFacts
    runs: tuple[RunFacts, ...]
    night_id: str = ""
    label: str = ""
    group_id: str = ""
    methods: tuple[str, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)

    @property
    def siblings(self) -> tuple[RunFacts, ...]:
        """The runs that differ from this one in fold and seed alone."""
        return tuple(run for run in self.group if run.label == self.run.label)

    @property
    def folds(self) -> tuple[RunFacts, ...]:
        """The runs that differ from this one in the fold alone, in order."""
        return tuple(run for run in self.siblings if run.seed == self.run.seed)

    @property
    def group(self) -> tuple[RunFacts, ...]:
        """The runs that differ from this one in label, fold and seed alone."""
        return tuple(run for run in self.of_preset if run.scheme == self.run.scheme)

    @property
    def of_preset(self) -> tuple[RunFacts, ...]:
        """The runs of the same preset, profile and data set, of every scheme."""
        wanted = (self.run.preset, self.run.profile, self.run.dataset_id)
        return tuple(run for run in self.runs if (run.preset, run.profile, run.dataset_id) == wanted)


def standing(runs: Sequence[RunFacts]) -> str:
    """Return how far the numbers of runs can be trusted: their profile, and which are worse than a flat patch.

    Parameters
    ----------
    runs : sequence of RunFacts
        Of one profile; at least one.

    Returns
    -------
    str
        E.g. ``profile quick, 3 of 5 worse than flat``.
    """
    n_below = sum(run.is_below_flat for run in runs)
    share = "" if n_below == len(runs) else f"{n_below} of {len(runs)} "
    return f"profile {runs[0].profile}" + (f", {share}worse than flat" if n_below else "")


def subjects_of_night(lake: Lake, night_id: str) -> list[Subject]:
    """Return every complete run of a night as the start of a picture.

    Parameters
    ----------
    lake : Lake
    night_id : str

    Returns
    -------
    list of Subject
        By preset, scheme, label, seed and fold.
    """
    runs = tuple(RunFacts(**row) for row in lake.query(load("runs_to_draw"), [night_id]).iter_rows(named=True))
    return _subjects(lake, runs, night_id)


def subject_alone(lake: Lake, run_id: str) -> Subject:
    """Return a run that belongs to no night as the start of a picture.

    Parameters
    ----------
    lake : Lake
    run_id : str
        Of a complete run.
    """
    run = RunFacts(**lake.query(load("run_to_draw"), [run_id]).row(0, named=True))
    (subject,) = _subjects(lake, (run,), "")
    return subject


def _subjects(lake: Lake, runs: Sequence[RunFacts], night_id: str) -> list[Subject]:
    """Give each run what the lake knows of it beside its row."""
    groups = {
        (profile, preset, scheme): group_id
        for group_id, profile, preset, scheme in lake.query(load("groups_with_difficulty"), [night_id]).iter_rows()
    }
    methods: dict[str, list[str]] = {}
    for run_id, method in lake.query(load("methods_of_runs")).iter_rows():
        methods.setdefault(run_id, []).append(method)
    asked = {(subject, question): of for subject, question, of in lake.query(load("answers_asked_of")).iter_rows()}
    found = []
    for run in runs:
        group_id = groups.get((run.profile, run.preset, run.scheme), "")
        answers = {name: asked.get((of, name), "") for name, of in (("difficulty", group_id), ("probe", run.run_id))}
        placed = tuple(sorted(methods.get(run.run_id, ())))
        found.append(Subject(run, tuple(runs), night_id, group_id=group_id, methods=placed, answers=answers))
    return found
