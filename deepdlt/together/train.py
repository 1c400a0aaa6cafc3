"""Train K models of one architecture as one network: the folds of a night in one go.

Each training is what it would be alone, up to rounding: weights, order, dropout and sampling follow
from its own seed, it stops by itself, keeps its own best weights and writes its own files. They are
those that `deepdlt.training.train` writes, so that either goes on where the other was cut off.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch

from deepdlt.loss.losses import Dissimilarity
from deepdlt.together.epochs import run_epoch_together
from deepdlt.together.replay import ReplayedStep
from deepdlt.together.stack import Stack
from deepdlt.together.step import StepTogether
from deepdlt.training.checkpoints import RunIdentity
from deepdlt.training.course import Course, TrainingResult
from deepdlt.training.epochs import Lesson, TrainingDiverged
from deepdlt.training.patchset import Index, PatchSet
from deepdlt.training.progress import EpochRecord
from deepdlt.training.settings import TrainingSettings
from deepdlt.training.train import build_dissimilarity, train

logger = logging.getLogger(__name__)

SAVE_EVERY_S = 10.0
"""A process that dies loses at most the epochs of so many seconds, or one epoch."""

SAVE_SHARE = 0.05
"""Share of the time that saving may take: where files are large, they are written less often."""


@dataclass(frozen=True)
class Member:
    """One training of a group.

    Parameters
    ----------
    train_index, val_index : sequence, ndarray or Tensor of int
        Rows of the training and validation patches, at least one each.
    checkpoint_dir : Path
        Folder of this training alone.
    seed : int
        Seed of weights, order, dropout, sampling and noise on the input.
    identity : RunIdentity
        Where the training belongs; written into the checkpoints.
    before : TrainingDiverged, optional
        What ended the first try, where this is the second one.
    """

    train_index: Index
    val_index: Index
    checkpoint_dir: Path
    seed: int = 0
    identity: RunIdentity = field(default_factory=RunIdentity)
    before: TrainingDiverged | None = None


def train_members(
    patches: PatchSet,
    settings: TrainingSettings,
    members: Sequence[Member],
    *,
    dissimilarity: Dissimilarity | None = None,
    on_epoch: Callable[[int, EpochRecord], None] | None = None,
) -> list[TrainingResult | TrainingDiverged]:
    """Train several models as one network, and a single one by itself; see `train_together`.

    Those that diverge are tried once more where the settings say so (`retry_at`), with all that is theirs but the
    learning rate.
    """
    outcomes = _try(patches, settings, members, dissimilarity, on_epoch)
    failed = {place: one for place, one in enumerate(outcomes) if isinstance(one, TrainingDiverged)}
    slower = settings.slower()
    if slower is None or not failed:
        return outcomes
    places = list(failed)
    for error in failed.values():
        logger.warning("%s; it is tried once more at %g", error, slower.learning_rate)

    def tell(place: int, record: EpochRecord) -> None:
        if on_epoch is not None:
            on_epoch(places[place], record)

    retried = [replace(members[place], before=failed[place]) for place in places]
    second = dict(zip(places, _try(patches, slower, retried, dissimilarity, tell), strict=True))
    return [second.get(place, outcome) for place, outcome in enumerate(outcomes)]


def _try(
    patches: PatchSet,
    settings: TrainingSettings,
    members: Sequence[Member],
    dissimilarity: Dissimilarity | None,
    on_epoch: Callable[[int, EpochRecord], None] | None,
) -> list[TrainingResult | TrainingDiverged]:
    """Train several models as one network, and a single one by itself."""
    if len(members) > 1:
        return train_together(patches, settings, members, dissimilarity=dissimilarity, on_epoch=on_epoch)
    (one,) = members
    try:
        return [
            train(
                patches,
                settings,
                train_index=one.train_index,
                val_index=one.val_index,
                checkpoint_dir=one.checkpoint_dir,
                dissimilarity=dissimilarity,
                seed=one.seed,
                identity=one.identity,
                before=one.before,
                on_epoch=None if on_epoch is None else partial(on_epoch, 0),
            )
        ]
    except TrainingDiverged as error:
        return [error]


def train_together(
    patches: PatchSet,
    settings: TrainingSettings,
    members: Sequence[Member],
    *,
    dissimilarity: Dissimilarity | None = None,
    on_epoch: Callable[[int, EpochRecord], None] | None = None,
    resume: bool = True,
    save_every_s: float = SAVE_EVERY_S,
) -> list[TrainingResult | TrainingDiverged]:
    """Train several models at once on the device of the patches, and write the checkpoints of each.

    Parameters
    ----------
    patches : PatchSet
        On the device to train on.
    settings : TrainingSettings
        Of all trainings.
    members : sequence of Member
        At least one.
    dissimilarity : callable, optional
        What `build_dissimilarity` gives for the settings; built here where it is left out.
    on_epoch : callable, optional
        Called with a member's place and each of its new epochs' records.
    resume : bool
        Whether each goes on from its own progress file, which need not be as far as the others'.
    save_every_s : float
        Least time between two rounds of progress files, seconds.

    Returns
    -------
    list of TrainingResult or TrainingDiverged
        One a member; a loss that is not finite ends its own training alone.

    Raises
    ------
    ValueError
        If an index is empty or leaves the set, or the loss needs an encoder and none is given.
    """
    dissimilarity = dissimilarity or build_dissimilarity(settings, device=patches.device)
    group = _Group(
        [_begin(patches, settings, member, dissimilarity, resume=resume) for member in members], on_epoch, save_every_s
    )
    outcomes: dict[int, TrainingResult | TrainingDiverged] = {}
    while len(outcomes) < len(members):
        outcomes |= group.advance(set(range(len(members))) - outcomes.keys())
    return [outcomes[place] for place in range(len(members))]


def _begin(
    patches: PatchSet, settings: TrainingSettings, member: Member, dissimilarity: Dissimilarity, *, resume: bool
) -> Course:
    """Return a member's training before its next epoch."""
    train_rows, val_rows = patches.index(member.train_index), patches.index(member.val_index)
    lesson = Lesson(settings, member.seed, patches, train_rows, val_rows, dissimilarity)
    course = Course.begin(
        lesson, identity=member.identity, folder=member.checkpoint_dir, resume=resume, before=member.before
    )
    course.progress.n_threads = torch.get_num_threads()  # that of this process: they cannot each have their own
    return course


class _Group:
    """Trainings under way, by place."""

    def __init__(
        self,
        courses: Sequence[Course],
        on_epoch: Callable[[int, EpochRecord], None] | None,
        save_every_s: float,
    ) -> None:
        self._courses = courses
        self._on_epoch = on_epoch
        self._save_every_s = save_every_s
        self._next_save = time.monotonic() + save_every_s

    def advance(self, places: set[int]) -> dict[int, TrainingResult | TrainingDiverged]:
        """Train these until one of them ends, and return what came of those that have ended."""
        over = {place for place in places if self._courses[place].is_over}
        ended: dict[int, TrainingResult | TrainingDiverged] = {}
        if not over:
            rows = sorted(places, key=lambda place: -len(self._courses[place].lesson.train_rows))
            ended = self._train(rows)
            over = {place for place in places - ended.keys() if self._courses[place].is_over}
        for place in over:
            self._courses[place].save()
        return ended | {place: self._courses[place].finish(n_together=len(self._courses)) for place in over}

    def _train(self, rows: list[int]) -> dict[int, TrainingResult | TrainingDiverged]:
        """Train epoch after epoch until at least one training ends; return those that diverged."""
        courses = [self._courses[place] for place in rows]
        stack = Stack([course.progress for course in courses])
        step = ReplayedStep(StepTogether(stack, courses[0].lesson))
        while True:
            ended: dict[int, TrainingResult | TrainingDiverged] = {}
            outcomes = run_epoch_together(step, [course.lesson for course in courses])
            for place, course, outcome in zip(rows, courses, outcomes, strict=True):
                if isinstance(outcome, TrainingDiverged):
                    ended[place] = outcome
                    continue
                course.progress.note(outcome)
                if self._on_epoch is not None:
                    self._on_epoch(place, outcome)
            going_on = [course for place, course in zip(rows, courses, strict=True) if place not in ended]
            if ended or any(course.is_over for course in going_on):
                return ended
            self._save(going_on)

    def _save(self, courses: Sequence[Course]) -> None:
        """Write the progress files, where it is time."""
        started = time.monotonic()
        if started < self._next_save:
            return
        for course in courses:
            course.save()
        took = time.monotonic() - started
        self._next_save = started + max(self._save_every_s, took / SAVE_SHARE)
