"""On a GPU, a step's hundreds of launches recorded once and then sent as one.

Where nothing can be recorded the step is taken as it is; its numbers are the same.
"""

import logging

import torch
from torch import Tensor

from deepdlt.together.stack import Stack
from deepdlt.together.step import StepInput, StepTogether

logger = logging.getLogger(__name__)

N_WARM_UP = 3
"""Steps before a recording, in which libraries choose their algorithms and allocate."""


class ReplayedStep:
    """A step that is recorded on a CUDA device when all rows take it with a whole batch.

    Random numbers are drawn before a step, and everything else that changes comes in by its input;
    so a recording holds nothing of one step. Other steps, a few an epoch, are taken as they are.

    Parameters
    ----------
    step : StepTogether
    """

    def __init__(self, step: StepTogether) -> None:
        self._step = step
        self._is_recordable = step.stack.weights.device.type == "cuda"
        self._recording: tuple[torch.cuda.CUDAGraph, StepInput, Tensor] | None = None

    @property
    def stack(self) -> Stack:
        """Trainings that take the step."""
        return self._step.stack

    def __call__(self, given: StepInput, rows: slice) -> Tensor:
        """Take a step; see `StepTogether`. What is returned holds until the next step."""
        is_whole = given.target.shape[:2] == (len(self.stack), self._step.lesson.settings.batch_size)
        if not (self._is_recordable and is_whole):
            return self._step(given, rows)
        if self._recording is None:
            self._recording = self._record(given, rows)
        if self._recording is None:
            return self._step(given, rows)
        graph, held, sums = self._recording
        for old, new in zip(held.tensors, given.tensors, strict=True):
            old.copy_(new)
        graph.replay()
        return sums

    def _record(self, given: StepInput, rows: slice) -> "tuple[torch.cuda.CUDAGraph, StepInput, Tensor] | None":
        """Record the step, leaving the stack as it was; None where that is not possible."""
        held = given.copied()
        kept = [tensor.clone() for tensor in self.stack.tensors]
        try:
            aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # in torch's stubs
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                for _ in range(N_WARM_UP):
                    self._step(held, rows)
            torch.cuda.current_stream().wait_stream(aside)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                sums = self._step(held, rows)
        except RuntimeError as error:
            logger.warning("steps are not recorded, each launch is sent by itself: %s", error)
            self._is_recordable = False
            return None
        finally:
            for tensor, before in zip(self.stack.tensors, kept, strict=True):
                tensor.copy_(before)
        return graph, held, sums
