"""One pass of K trainings over their training patches, as one network; then each validates by itself.

Each training has its own order of patches, its own random streams, learning rate and clipping. Folds
differ a little in size: where some have patches left and others have none, or the rest of an epoch is
no whole batch, the rows that are alike go together. So rows are sorted: the largest fold first.
"""

import itertools
import time
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from deepdlt.inputs.symmetry import draw_symmetries, turn_patches
from deepdlt.inputs.transforms import corrupt, view_patches
from deepdlt.models.grouped import draw_noise
from deepdlt.together.replay import ReplayedStep
from deepdlt.together.step import ADAM_BETAS, StepInput
from deepdlt.training.epochs import Lesson, TrainingDiverged, close_epoch, mean_losses
from deepdlt.training.progress import EpochRecord


def run_epoch_together(step: ReplayedStep, lessons: Sequence[Lesson]) -> list[EpochRecord | TrainingDiverged]:
    """Train each for its next epoch, all at once, then validate each.

    Parameters
    ----------
    step : ReplayedStep
        Of the stack that holds the trainings.
    lessons : sequence of Lesson
        One a row, of equal settings and patches, sorted by the number of training patches, the most first.

    Returns
    -------
    list of EpochRecord or TrainingDiverged
        What came of each; a loss that is not finite is of its own training alone. Seconds are those of
        the pass, which all share, and of its own validation.

    Raises
    ------
    ValueError
        If the lessons are not sorted.
    """
    n_patches = [len(lesson.train_rows) for lesson in lessons]
    if n_patches != sorted(n_patches, reverse=True):
        raise ValueError(f"lessons must be sorted by training patches, the most first, got {n_patches}")
    started = time.perf_counter()
    epochs = [len(progress.history) + 1 for progress in step.stack.progresses]
    sums = _train(step, lessons, epochs).cpu()  # (n_steps, K, 2 or 3): here the host waits, once an epoch
    seconds = time.perf_counter() - started
    return [_close(step, row, lesson, epochs[row], sums[:, row], seconds) for row, lesson in enumerate(lessons)]


def _close(
    step: ReplayedStep, row: int, lesson: Lesson, epoch: int, sums: Tensor, seconds: float
) -> EpochRecord | TrainingDiverged:
    """Validate one training after the pass."""
    progress, n_steps = step.stack.progresses[row], lesson.n_steps
    rate = lesson.settings.learning_rate * progress.schedule.factor(epoch * n_steps - 1)
    step.stack.note_steps(row, n_steps=epoch * n_steps, n_new=n_steps, learning_rate=rate)
    started = time.perf_counter() - seconds
    try:
        return close_epoch(progress, lesson, epoch, mean_losses(sums[:n_steps], lesson, epoch), started=started)
    except TrainingDiverged as error:
        return error


def _train(step: ReplayedStep, lessons: Sequence[Lesson], epochs: Sequence[int]) -> Tensor:
    """Take the pass and return the sums over each step's patches, (n_steps, K, 2 or 3), on the device."""
    first = lessons[0]
    model, device = step.stack.progresses[0].model.train(), first.patches.device
    orders = [lesson.order(epoch) for lesson, epoch in zip(lessons, epochs, strict=True)]
    order = torch.nn.utils.rnn.pad_sequence(orders, batch_first=True)  # (K, most patches)
    noise, transforms = (
        [lesson.stream(purpose, epoch) for lesson, epoch in zip(lessons, epochs, strict=True)]
        for purpose in ("noise", "transforms")
    )
    numbers = _numbers(step, lessons, epochs).to(device)  # (n_steps, 4, K)
    sums = torch.zeros((first.n_steps, len(lessons), 3 if model.name == "vae" else 2), device=device)
    size = first.settings.batch_size
    for number in range(first.n_steps):
        for rows, n in _alike(number, [len(lesson.train_rows) for lesson in lessons], size):
            chosen = order[rows, number * size : number * size + n]  # (k, n)
            inputs, target = _examples(first, chosen, transforms[rows])
            drawn = draw_noise(model, noise[rows], n)
            sums[number, rows] = step(StepInput(inputs, target, drawn, numbers[number, :, rows]), rows)
    return sums


def _alike(number: int, n_patches: Sequence[int], size: int) -> Iterator[tuple[slice, int]]:
    """Yield the runs of rows whose batches have one size at a step, and that size; rows without a patch left out.

    Examples
    --------
    >>> list(_alike(1, [9, 8, 7, 7, 4], 4))
    [(slice(0, 2, None), 4), (slice(2, 4, None), 3)]
    """
    left = [min(n - number * size, size) for n in n_patches]
    start = 0
    for n, run in itertools.groupby(left):
        stop = start + len(list(run))
        if n > 0:
            yield slice(start, stop), n
        start = stop


def _numbers(step: ReplayedStep, lessons: Sequence[Lesson], epochs: Sequence[int]) -> Tensor:
    """Return what each step of each training needs: rate, Adam's two bias corrections, weight of the KL divergence."""
    table = torch.zeros((lessons[0].n_steps, 4, len(lessons)), dtype=torch.float64)
    for row, (lesson, epoch) in enumerate(zip(lessons, epochs, strict=True)):
        schedule = step.stack.progresses[row].schedule
        for number in range(lesson.n_steps):
            total = (epoch - 1) * lesson.n_steps + number
            corrections = [1 - beta ** (total + 1) for beta in ADAM_BETAS]
            rate = lesson.settings.learning_rate * schedule.factor(total)
            table[number, :, row] = torch.tensor([rate, *corrections, lesson.kl_weight(total)], dtype=torch.float64)
    return table.float()


def _examples(lesson: Lesson, chosen: Tensor, streams: Sequence[torch.Generator]) -> tuple[Tensor, Tensor]:
    """Return inputs and targets, (k, n, 1, S, S) each, as `make_example` makes them batch by batch."""
    settings, shape = lesson.settings, chosen.shape
    patches = lesson.patches.batch(chosen.flatten(), target_range=settings.target_range)
    if settings.is_turned:
        patches = turn_patches(patches, torch.cat([draw_symmetries(shape[1], generator=one) for one in streams]))
    flat = view_patches(patches, view=settings.view, target_range=settings.target_range, threshold=settings.threshold)
    target = flat.view(*shape, *flat.shape[1:])
    if settings.corruption == "none":
        return target, target
    noisy = [
        corrupt(
            batch,
            corruption=settings.corruption,
            level=settings.corruption_level,
            target_range=settings.target_range,
            generator=stream,
        )
        for batch, stream in zip(target, streams, strict=True)
    ]
    return torch.stack(noisy), target
