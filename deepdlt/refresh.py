"""Which steps of a night are done again though what stands would do: what its parameter `refresh` asks for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepdlt.errors import DeepdltError

if TYPE_CHECKING:
    from deepdlt.night import RunPlan

STEPS = ("ingest", "cut", "freeze", "assign", "audit", "train", "analyse", "pictures")
"""Names of the steps that can be asked for, in their order."""

TRAIN = "train"
STEP_PATTERN = rf"^({'|'.join(STEPS)}|{TRAIN}:.+)$"
"""What a name must match; of trainings some may be meant, by preset or label: ``train:NP``."""

AFTER_TRAINING = ("analyse", "pictures")
"""Numbers of a training that is done again need not be the same on another device."""


class StepUnknown(DeepdltError):
    """No step of a night is called so."""

    def __init__(self, name: str, trainings: Iterable[str] | None) -> None:
        self.name = name
        which = "PRESET or train:LABEL" if trainings is None else f" or {TRAIN}:".join(sorted(trainings))
        super().__init__(f"no step is called {name!r}: `refresh` takes {', '.join(STEPS)} and {TRAIN}:{which}")


def base_name(preset: str) -> str:
    """Return the name of a preset without the settings that were chosen in place of its own."""
    return preset.partition(" (")[0]


@dataclass(frozen=True)
class Refresh:
    """What is done again.

    Attributes
    ----------
    names : tuple of str
        Of `STEPS`, or ``train:PRESET``, ``train:LABEL``.
    """

    names: tuple[str, ...] = ()

    def asks_for(self, step: str) -> bool:
        """Tell whether a step is asked for; what is trained again is analysed and drawn again, too."""
        follows = step in AFTER_TRAINING and any(name.partition(":")[0] == TRAIN for name in self.names)
        return step in self.names or follows

    def asks_for_training(self, plan: "RunPlan") -> bool:
        """Tell whether a training is asked for: all are, or those of its preset or label."""
        of_plan = {base_name(plan.preset), plan.label}
        return bool(set(self.names) & {TRAIN, *(f"{TRAIN}:{name}" for name in of_plan)})


def read_refresh(names: Iterable[str], *, trainings: Iterable[str] | None = None) -> Refresh:
    """Return what names ask for.

    Parameters
    ----------
    names : iterable of str
    trainings : iterable of str, optional
        Presets and labels of the night; where they are not known yet, any may be named.

    Raises
    ------
    StepUnknown
        If a name is none of a step; the message lists those there are.

    Examples
    --------
    >>> read_refresh(["cut", "train:NP"], trainings=["NP", "label-cv"]).asks_for("cut")
    True
    """
    asked, known = tuple(dict.fromkeys(names)), None if trainings is None else {base_name(name) for name in trainings}
    for name in asked:
        kind, _, training = name.partition(":")
        is_training = kind == TRAIN and bool(training) and (known is None or training in known)
        if name not in STEPS and not is_training:
            raise StepUnknown(name, known)
    return Refresh(asked)
