"""What a night is asked to do again: names that are known, and what each of them means."""

from types import SimpleNamespace

import pytest

from deepdlt.refresh import STEPS, StepUnknown, read_refresh


def plan(preset: str, label: str) -> SimpleNamespace:
    """What the names of trainings are held against."""
    return SimpleNamespace(preset=preset, label=label)


@pytest.mark.parametrize("name", ["cuts", "train:", "train:XX", "cut:NP"])
def test_an_unknown_name_is_answered_with_those_there_are(name: str) -> None:
    """Steps, and the trainings of the night."""
    with pytest.raises(StepUnknown, match=rf"'{name}'.*{', '.join(STEPS)} and train:NP or train:label-cv"):
        read_refresh([name], trainings=["NP", "label-cv (beta=4)"])


@pytest.mark.parametrize(
    ("names", "asked"),
    [(["train"], [1, 2]), (["train:NP"], [1]), (["train:vae"], [2]), (["cut"], []), (["cut", "train:NP"], [1])],
)
def test_trainings_are_meant_all_or_by_preset_or_label(names: list[str], asked: list[int]) -> None:
    """Settings chosen in place of a preset's own do not change its name."""
    refresh = read_refresh(names, trainings=["NP", "vae"])
    plans = {1: plan("label-cv", "NP"), 2: plan("vae (beta=4)", "none")}
    assert [number for number, one in plans.items() if refresh.asks_for_training(one)] == asked  # type: ignore[arg-type]


def test_what_is_trained_again_is_analysed_and_drawn_again() -> None:
    """And nothing before the training is done again for it."""
    assert [step for step in STEPS if read_refresh(["train:NP"]).asks_for(step)] == ["analyse", "pictures"]
