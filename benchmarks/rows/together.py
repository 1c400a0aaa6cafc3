"""A step of twenty trainings: as one network of twenty groups, and one after another.

What a GPU gains by it is launches: each operation is one there, whatever its size. They are counted, and so are the
products of both sides, which must be as many.
"""

from typing import TYPE_CHECKING, Any

from benchmarks.child import Clock
from benchmarks.pairs import Pairs
from benchmarks.peaks import Peaks
from benchmarks.row import Finding, Limit, Row
from benchmarks.sources import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from deepdlt.training.epochs import Lesson
    from deepdlt.training.progress import Progress

N_TRAININGS = 20
BATCH_SIZE = 32
SIZE_PX = 64
N_STEPS = 3


def parameters(stage: Stage) -> dict[str, Any]:
    """Return nothing: any pixels do."""
    del stage
    return {}


def as_one(clock: Clock) -> None:
    """Take steps of the grouped network that the trainings of `label-cv` make up."""
    import torch

    from deepdlt.models.grouped import GroupedModel, draw_noise
    from deepdlt.together.stack import Stack
    from deepdlt.together.step import StepInput, StepTogether

    lessons = _lessons()
    stack = Stack([progress for _, progress in _begun(lessons)])
    step = StepTogether(stack, lessons[0])
    batch = torch.rand(N_TRAININGS, BATCH_SIZE, 1, SIZE_PX, SIZE_PX)
    streams = [torch.Generator().manual_seed(seed) for seed in range(N_TRAININGS)]
    numbers = torch.full((4, N_TRAININGS), 1e-4)

    def draw() -> "list[Tensor]":
        return draw_noise(stack.progresses[0].model, streams, BATCH_SIZE)

    def look() -> None:
        GroupedModel(stack.progresses[0].model)(batch, stack.named(stack.weights), stack.statistics, draw())

    def take() -> None:
        step(StepInput(batch, batch, draw(), numbers), slice(0, N_TRAININGS))

    _measure(clock, look, take)


def one_by_one(clock: Clock) -> None:
    """Take a step of each training as an ordinary one does: forward, backward, torch's own update."""
    import copy

    import torch

    from deepdlt.loss.losses import objective, patch_loss
    from deepdlt.models import set_noise

    begun = _begun(_lessons())
    batch = torch.rand(BATCH_SIZE, 1, SIZE_PX, SIZE_PX)

    def look() -> None:
        for _, progress in begun:  # in doubles: what is compiled for single numbers is seen by no counter
            copy.deepcopy(progress.model).double().train()(batch.double())

    def take() -> None:
        for seed, (lesson, progress) in enumerate(begun):
            model, optimiser = progress.model.train(), progress.optimiser
            set_noise(model, torch.Generator().manual_seed(seed))
            loss = patch_loss(model(batch), batch, beta=1.0, dissimilarity=lesson.dissimilarity)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(objective(loss, reduction="mean"))
            optimiser.step()

    _measure(clock, look, take)


def same_products(pairs: Pairs) -> Finding:
    """Ask that the forward passes of both sides multiply as much, but for what folds dropout in."""
    ours, other = (side[0].said["n_flops"] for side in (pairs.ours, pairs.other or pairs.ours))
    is_same = abs(ours / other - 1) < 0.001
    return Finding("as many products in a forward pass", f"{ours / 1e9:.1f} and {other / 1e9:.1f} GFLOP", is_same)


def fewer_launches(pairs: Pairs) -> Finding:
    """Say how many operations each side asks for."""
    ours, other = (side[0].said["n_launches"] for side in (pairs.ours, pairs.other or pairs.ours))
    return Finding("a tenth of the launches", f"{ours} for {other}", ours * 10 <= other)


def products(pairs: Pairs, peaks: Peaks, parameters: dict[str, Any]) -> Limit:
    """Return the time of the steps' products at the speed of the library's fastest; backward, they are twice that."""
    del parameters
    n_flops = 3 * N_STEPS * pairs.ours[0].said["n_flops"]
    peak = max(peaks.convolution_flops, peaks.matmul_flops)
    return Limit(n_flops / peak, f"{n_flops / 1e9:.0f} GFLOP at the measured {peak / 1e9:.0f} GFLOP/s")


def _lessons() -> "list[Lesson]":
    """Return twenty trainings of the report's network, on pixels that are never looked at."""
    import torch

    from deepdlt.loss.losses import squared_error
    from deepdlt.presets import find_preset
    from deepdlt.training.epochs import Lesson
    from deepdlt.training.patchset import PatchSet

    settings = find_preset("label-cv").settings.model_copy(update={"batch_size": BATCH_SIZE})
    patches = PatchSet(torch.zeros(BATCH_SIZE, 1, SIZE_PX, SIZE_PX, dtype=torch.uint8))
    rows = torch.arange(BATCH_SIZE)
    return [Lesson(settings, seed, patches, rows, rows, squared_error) for seed in range(N_TRAININGS)]


def _begun(lessons: "Sequence[Lesson]") -> "list[tuple[Lesson, Progress]]":
    """Return trainings with their state before the first step; nothing is saved, since no epoch ends."""
    from pathlib import Path

    from deepdlt.training.checkpoints import RunIdentity
    from deepdlt.training.course import Course

    nowhere = Path("nowhere")
    return [(one, Course.begin(one, identity=RunIdentity(), folder=nowhere, resume=False).progress) for one in lessons]


def _measure(clock: Clock, look: "Callable[[], None]", take: "Callable[[], None]") -> None:
    """Count the products of a forward pass and the operations of a step, then time some steps."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as flops:  # backward, it takes no account of groups
        look()
    take()  # makes what is made once
    with _counting() as counted:
        take()
    with clock.running():
        for _ in range(N_STEPS):
            take()
    clock.say(n_launches=counted.n, n_flops=flops.get_total_flops())


def _counting() -> Any:
    """Return a mode that counts the operations which torch is asked for; views are none."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]  # in torch's stubs
        n = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.n += not func.is_view
            return func(*args, **(kwargs or {}))

    counting: Any = Counting
    return counting()


ROWS = (
    Row(
        name="step-together",
        work=f"{N_STEPS} steps of {N_TRAININGS} trainings of `label-cv`, as one network",
        ours="benchmarks.rows.together:as_one",
        other="benchmarks.rows.together:one_by_one",
        other_name="one by one",
        parameters=parameters,
        judges=(
            fewer_launches,
            same_products,
        ),
        limit=products,
        data="random patches",
    ),
)
