"""What a night trains."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepdlt import provenance
from deepdlt.config import PROFILES, TrainingChoices, TrainingSettings
from deepdlt.night import (
    CodeDiffers,
    NoModelLeft,
    RunPlan,
    SplitRecord,
    VersionsDiffer,
    batch_plans,
    plan_runs,
    presets_of_night,
    refuse_other_software,
    run_id_of,
)
from deepdlt.presets import PRESETS, PresetUnknown
from deepdlt.training.settings import ModelName


def split(label: str = "NP", scheme: str = "grouped", n_folds: int = 5) -> SplitRecord:
    name = f"{label}-{scheme}"
    return SplitRecord(split_id=name, dataset_id="d", scheme=scheme, label=label, n_folds=n_folds, seed=0)


SPLITS = [
    split("none", "holdout", 1),
    *(split(label, scheme) for label in ("NP", "PP1") for scheme in ("paper", "grouped")),
]


def plans(preset: str = "label-cv", epochs: int | None = None) -> list[RunPlan]:
    return plan_runs(SPLITS, presets_of_night(preset, ["ae", "vae"]), profile="quick", epochs=epochs, seeds=[0])


def test_a_night_trains_every_fold_and_each_holdout_model_once() -> None:
    """Two labels, two schemes and five folds make twenty trainings; two more are on the 80/10/10 split."""
    found = plans()
    assert sum(plan.scheme != "holdout" for plan in found) == 20
    assert [plan.settings.model for plan in found if plan.scheme == "holdout"] == ["ae", "vae"]
    assert len({plan.run_id for plan in found}) == len(found)


def test_the_twin_brings_twins() -> None:
    """Asked for the matched cross-validation, a night trains nothing in the report's unreachable range."""
    assert {plan.settings.target_range for plan in plans("matched-label-cv")} == {"unit"}


def test_a_holdout_preset_is_trained_alone() -> None:
    """Asked for one experiment, a night trains that one."""
    assert [plan.preset for plan in plans("experiment-3")] == ["experiment-3"]


def test_asked_epochs_win_over_profile_and_preset() -> None:
    """The parameter decides; without it the quick profile does."""
    assert {plan.settings.epochs for plan in plans(epochs=7)} == {7}
    assert {plan.settings.epochs for plan in plans()} == {
        PROFILES["quick"].fold_epochs,
        PROFILES["quick"].holdout_epochs,
    }


@pytest.mark.parametrize(
    "change",
    [{"learning_rate": 1e-4}, {"epochs": 11}, {"target_range": "unit"}, {"activation": "elu"}],
    ids=lambda change: next(iter(change)),
)
def test_a_setting_that_counts_makes_another_run(change: dict[str, object]) -> None:
    """Another learning rate, budget, range or activation is another training."""
    settings = TrainingSettings()
    changed = settings.model_copy(update=change)
    assert run_id_of(split(), 1, settings, 0, code="c") != run_id_of(split(), 1, changed, 0, code="c")


@pytest.mark.parametrize(
    "change",
    [{"kl_warm_up_epochs": 3.0}, {"beta": 2.0}, {"momentum": 0.5}, {"is_sampling_in_evaluation": False}],
    ids=lambda change: next(iter(change)),
)
def test_a_setting_of_another_model_makes_no_other_run(change: dict[str, object]) -> None:
    """What an autoencoder under Adam does not use does not train it again."""
    settings = TrainingSettings()
    changed = settings.model_copy(update=change)
    assert run_id_of(split(), 1, settings, 0, code="c") == run_id_of(split(), 1, changed, 0, code="c")
    assert PRESETS["label-cv"].with_choices(TrainingChoices.model_validate(change)) is PRESETS["label-cv"]


@pytest.mark.parametrize(
    ("choices", "name"),
    [
        ({"beta": 4.0, "latent_dim": 16}, "label-cv (latent_dim=16)"),
        ({"optimiser": "sgd", "momentum": 0.9}, "label-cv (optimiser=sgd)"),
        ({"optimiser": "sgd", "momentum": 0.8}, "label-cv (optimiser=sgd, momentum=0.8)"),
        ({"loss": {"mse": 1.0, "ssim": 0.1234567}}, "label-cv (loss=1 mse + 0.1234567 ssim)"),
    ],
    ids=["one of two is used", "one of two is as it was", "used by the other", "a weight with many digits"],
)
def test_a_name_says_what_makes_the_training_another(choices: dict[str, object], name: str) -> None:
    """Trainings that are the same have one name, those that differ have two."""
    chosen = PRESETS["label-cv"].with_choices(TrainingChoices.model_validate(choices))
    assert chosen.name == name


@settings(max_examples=30)
@given(n_workers=st.integers(0, 9), n_plans=st.integers(0, 24))
def test_every_plan_is_in_exactly_one_batch_and_no_worker_gets_two(n_workers: int, n_plans: int) -> None:
    """Batches neither lose nor double a training, and a child run is never sent for nothing."""
    some = plans()[:n_plans]
    batches = batch_plans(some, n_workers=n_workers)
    assert sorted(plan.run_id for batch in batches for plan in batch) == sorted(plan.run_id for plan in some)
    assert all(batches)
    assert len(batches) <= max(1, n_workers)


def test_batches_keep_together_what_is_alike() -> None:
    """Two workers get half of the folds each, in one piece, and one of the two models of the 80/10/10 split."""
    first, second = batch_plans(plans(), n_workers=2)
    assert [sum(plan.scheme != "holdout" for plan in batch) for batch in (first, second)] == [10, 10]
    assert sorted(plan.settings.model for batch in (first, second) for plan in batch if plan.scheme == "holdout") == [
        "ae",
        "vae",
    ]
    assert abs(len(first) - len(second)) == 0


def test_titles_say_what_is_trained() -> None:
    """A fold's title names label, fold, model and scheme."""
    chosen = next(plan for plan in plans() if (plan.label, plan.fold, plan.scheme) == ("NP", 3, "grouped"))
    assert chosen.title == "train NP fold 3/5 ae grouped"


def test_an_unknown_preset_is_named_with_those_there_are() -> None:
    """A typing error is answered with the list."""
    with pytest.raises(PresetUnknown, match="label-cv"):
        presets_of_night("label-vc", ["ae"])


@pytest.mark.parametrize(("preset", "models"), [("label-cv", ["residual"]), ("vae", ["ae"]), ("tuned", [])])
def test_models_that_a_preset_does_not_have_are_refused(preset: str, models: list[ModelName]) -> None:
    """A night without a training is a mistake, told before anything runs."""
    with pytest.raises(NoModelLeft, match=preset):
        presets_of_night(preset, models)


def test_each_preset_has_a_matched_twin_of_equal_budget() -> None:
    """A twin differs in range and scoring only."""
    twins = [name for name in PRESETS if name.startswith("matched-")]
    assert len(twins) == 5
    for name in twins:
        preset, twin = PRESETS[name.removeprefix("matched-")], PRESETS[name].settings
        changed = {key for key, value in twin if value != getattr(preset.settings, key)}
        assert changed <= {"target_range", "is_sampling_in_evaluation"}
        assert twin.target_range == "unit"


def test_chosen_settings_make_another_preset_by_name() -> None:
    """Numbers of a changed recipe cannot be mistaken for the preset's; what is chosen as it is changes nothing."""
    choices = TrainingChoices(schedule="one_cycle", loss={"mse": 1, "ssim": 0.1}, epochs=3)
    (changed,) = presets_of_night("matched-experiment-3", ["ae"], choices)
    assert changed.name == "matched-experiment-3 (loss=1 mse + 0.1 ssim, schedule=one_cycle)"
    assert changed.settings.kernel_size_px == 5
    assert changed.settings.epochs == 100
    assert presets_of_night("tuned", ["ae"], TrainingChoices(schedule="one_cycle"))[0].name == "tuned"


def test_chosen_settings_that_do_not_go_together_are_refused() -> None:
    """The rules of the settings hold for what is chosen, too."""
    with pytest.raises(ValueError, match="needs feature_model"):
        presets_of_night("tuned", ["ae"], TrainingChoices(loss="feature_matching"))


def test_every_training_is_done_once_with_each_seed() -> None:
    """Two seeds, twice the runs, of the same folds; a seed that is said twice counts once."""
    presets = presets_of_night("label-cv", ["ae"])
    once, twice = (plan_runs(SPLITS, presets, profile="quick", epochs=1, seeds=seeds) for seeds in ([0], [0, 7, 0]))
    assert len(twice) == 2 * len(once)
    assert {plan.run_id for plan in once} < {plan.run_id for plan in twice}
    assert {plan.seed for plan in twice} == {0, 7}


def test_a_worker_with_other_code_refuses_the_plan() -> None:
    """A run's name stands for the code that made it, so no other code may train it."""
    plan = plans()[0]
    refuse_other_software(plan)
    with pytest.raises(CodeDiffers, match="same version"):
        refuse_other_software(plan.model_copy(update={"code_digest": "0" * 32}))


def test_a_worker_with_other_libraries_refuses_the_plan() -> None:
    """So, too, for the versions that the name stands for; the error says which one differs."""
    plan = plans()[0]
    planned = plan.versions | {"numpy": "1.0"}
    with pytest.raises(VersionsDiffer, match=r"^this worker has numpy \S+ in place of 1\.0, .* same version"):
        refuse_other_software(plan.model_copy(update={"versions": planned}))


def test_builds_of_one_version_share_a_night(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with torch for its GPU, and another Python of the same series, names a training as the planner does."""
    names = []
    for here in ({"python": "3.12.3", "torch": "2.13.0+cpu"}, {"python": "3.12.11", "torch": "2.13.0"}):
        monkeypatch.setattr(provenance, "library_versions", lambda here=here: here)
        names.append([plan.run_id for plan in plans()])
    assert names[0] == names[1]
    monkeypatch.setattr(provenance, "library_versions", lambda: {"python": "3.13.0", "torch": "2.13.0"})
    assert names[0][0] != plans()[0].run_id
