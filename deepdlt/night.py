"""What a night has to train: the trainings that a data set, its splits and the settings call for."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pydantic import Field

from deepdlt.config import PROFILES, ModelName, ProfileName, Settings, TrainingChoices, TrainingSettings
from deepdlt.digest import digest_json
from deepdlt.errors import DeepdltError
from deepdlt.presets import Preset, find_preset
from deepdlt.provenance import code_digest, versions_of_training

TRAINING_MODULES = (
    "deepdlt.training.train",
    "deepdlt.together.train",
    "deepdlt.quality.scoring",
    "deepdlt.training.checkpoints",
    "deepdlt.models",
    "deepdlt.analysis.latents",
)
"""What runs between a patch and a metric or a code; a change of this code is a new training."""

HOLDOUT: Literal["holdout"] = "holdout"
NO_LABEL = "none"


class SplitRecord(Settings):
    """One way of cutting a data set into folds, as the lake stores it."""

    split_id: str
    dataset_id: str
    scheme: str = Field(description="paper, grouped or holdout.")
    label: str = Field(description="Label that the strata come from; `none` for the holdout split.")
    n_folds: int
    seed: int


class RunPlan(Settings):
    """One training to do: on which fold, with which settings, under which name."""

    run_id: str
    preset: str
    profile: ProfileName
    settings: TrainingSettings
    scheme: str
    label: str
    fold: int = Field(ge=1)
    n_folds: int = Field(ge=1)
    seed: int
    dataset_id: str
    split_id: str
    code_digest: str = Field(description="Training code that the run's name stands for.")
    versions: dict[str, str] = Field(description="Versions of Python and of libraries that it stands for.")

    @property
    def title(self) -> str:
        """Name of the training as people read it, e.g. ``train NP fold 3/5 ae grouped``."""
        if self.scheme == HOLDOUT:
            return f"train {self.preset} on the {self.place}"
        return f"train {self.label} fold {self.fold}/{self.n_folds} {self.settings.model} {self.scheme}"

    @property
    def place(self) -> str:
        """Where the training belongs, e.g. ``NP fold 3/5, grouped``."""
        return (
            "80/10/10 split"
            if self.scheme == HOLDOUT
            else f"{self.label} fold {self.fold}/{self.n_folds}, {self.scheme}"
        )


def training_code() -> str:
    """Return the digest of the code between a patch and a metric."""
    return code_digest(*TRAINING_MODULES)


class NoModelLeft(DeepdltError):
    """A night is asked for models that its preset does not have."""

    def __init__(self, preset: str, trained: Sequence[str], wanted: Sequence[str]) -> None:
        self.preset = preset
        self.trained = tuple(trained)
        self.wanted = tuple(wanted)
        super().__init__(
            f"preset {preset!r} trains {', '.join(trained)}, and the night is asked for {', '.join(wanted) or 'none'}: "
            "name one of its models, leave `models` out, or take another preset"
        )


class CodeDiffers(DeepdltError):
    """A worker has other training code than the one that planned the night."""

    def __init__(self, planned: str, here: str) -> None:
        self.planned = planned
        self.here = here
        super().__init__(
            f"this worker's training code has digest {here}, the night was planned with {planned}: "
            "bring both to the same version, restart the workers, and run the night again"
        )


class VersionsDiffer(DeepdltError):
    """A worker has other versions of Python or of a numeric library than the one that planned the night."""

    def __init__(self, planned: Mapping[str, str], here: Mapping[str, str]) -> None:
        self.planned = dict(planned)
        self.here = dict(here)
        names = sorted(name for name in planned.keys() | here.keys() if planned.get(name) != here.get(name))
        differ = [f"{name} {here.get(name, 'none')} in place of {planned.get(name, 'none')}" for name in names]
        super().__init__(
            f"this worker has {', '.join(differ)}, which the night was planned with: "
            "bring both to the same version, restart the workers, and run the night again"
        )


def refuse_other_software(plan: RunPlan) -> None:
    """Raise where a run trained here would not be what its name says.

    Raises
    ------
    CodeDiffers
        If the training code of this process is not that of the plan.
    VersionsDiffer
        If Python or a library has another version here.
    """
    code, versions = training_code(), versions_of_training()
    if code != plan.code_digest:
        raise CodeDiffers(plan.code_digest, code)
    if versions != plan.versions:
        raise VersionsDiffer(plan.versions, versions)


def run_id_of(split: SplitRecord, fold: int, settings: TrainingSettings, seed: int, *, code: str) -> str:
    """Return the name of a training: the digest of all that its numbers depend on.

    Parameters
    ----------
    split : SplitRecord
        Its id stands for the patches, the labels and the way they were split.
    fold : int
        1-based.
    settings : TrainingSettings
        Only those that the training uses count.
    seed : int
        Seed of initialisation, order, dropout and sampling.
    code : str
        Digest of the training code: `training_code`.

    Returns
    -------
    str
        32 hexadecimal digits; another one whenever data, settings, training code or a numeric
        library changes.
    """
    return digest_json(
        {
            "split_id": split.split_id,
            "fold": fold,
            "settings": settings.identity(),
            "seed": seed,
            "code": code,
            "versions": versions_of_training(),
        }
    )


def presets_of_night(preset: str, models: Iterable[ModelName], choices: TrainingChoices | None = None) -> list[Preset]:
    """Return the presets that a night trains when it is asked for one by name.

    Asked for the cross-validation (`label-cv` or its twin), a night trains the autoencoder on every
    fold and, once each on the 80/10/10 split, the autoencoder of `experiment-1` and the VAE; the
    twin brings the others' twins. Any other preset is trained alone.

    Parameters
    ----------
    preset : str
        Name of a preset.
    models : iterable of {"ae", "vae", "residual"}
        Models wanted; the presets of others are left out.
    choices : TrainingChoices, optional
        Settings that take the place of every preset's.

    Returns
    -------
    list of Preset

    Raises
    ------
    PresetUnknown
        If there is no preset of that name.
    NoModelLeft
        If it has none of the models.
    ValueError
        If the chosen settings do not go together.
    """
    asked = find_preset(preset)
    chosen = [asked]
    if asked.evaluation == "folds":
        prefix = preset.removesuffix("label-cv")
        chosen += [find_preset(f"{prefix}experiment-1"), find_preset(f"{prefix}vae")]
    wanted = set(models)
    left = [one.with_choices(choices) for one in chosen if one.settings.model in wanted]
    if not left:
        raise NoModelLeft(preset, sorted({one.settings.model for one in chosen}), sorted(wanted))
    return left


def plan_runs(
    splits: Sequence[SplitRecord],
    presets: Sequence[Preset],
    *,
    profile: ProfileName,
    epochs: int | None,
    seeds: Sequence[int],
) -> list[RunPlan]:
    """Return every training of a night, cross-validation first, in a fixed order.

    Parameters
    ----------
    splits : sequence of SplitRecord
        The data set's splits: one `holdout` and any number of label-aware ones.
    presets : sequence of Preset
        What to train; a preset for folds meets each label-aware split, one for the holdout split that one.
    profile : {"quick", "paper"}
        Gives the number of epochs where `epochs` is None.
    epochs : int or None
        Epochs of every training, whatever preset and profile say.
    seeds : sequence of int
        Every training is done once with each.

    Returns
    -------
    list of RunPlan
    """
    plans: list[RunPlan] = []
    code = training_code()
    for preset in presets:
        settings = _within_budget(preset, profile=profile, epochs=epochs)
        for split in splits:
            if (split.scheme == HOLDOUT) == (preset.evaluation == HOLDOUT):
                for seed in dict.fromkeys(seeds):
                    plans += _plan_folds(split, preset, settings, profile=profile, seed=seed, code=code)
    return plans


def _within_budget(preset: Preset, *, profile: ProfileName, epochs: int | None) -> TrainingSettings:
    """Return the preset's settings with the number of epochs that this night spends."""
    budget = PROFILES[profile]
    short = budget.fold_epochs if preset.evaluation == "folds" else budget.holdout_epochs
    return preset.settings.model_copy(update={"epochs": epochs or short or preset.settings.epochs})


def _plan_folds(
    split: SplitRecord, preset: Preset, settings: TrainingSettings, *, profile: ProfileName, seed: int, code: str
) -> list[RunPlan]:
    """Return one plan for each fold of a split."""
    return [
        RunPlan(
            run_id=run_id_of(split, fold, settings, seed, code=code),
            preset=preset.name,
            profile=profile,
            settings=settings,
            scheme=split.scheme,
            label=split.label,
            fold=fold,
            n_folds=split.n_folds,
            seed=seed,
            dataset_id=split.dataset_id,
            split_id=split.split_id,
            code_digest=code,
            versions=versions_of_training(),
        )
        for fold in range(1, split.n_folds + 1)
    ]


def alike(plans: Sequence[RunPlan]) -> list[list[RunPlan]]:
    """Return plans that one network can train together: of one data set and with the same settings.

    Parameters
    ----------
    plans : sequence of RunPlan

    Returns
    -------
    list of list of RunPlan
        Each in the order given; every plan is in exactly one.
    """
    kinds: dict[str, list[RunPlan]] = {}
    for plan in plans:
        kinds.setdefault(digest_json([plan.dataset_id, plan.settings.model_dump()]), []).append(plan)
    return list(kinds.values())


def batch_plans(plans: Sequence[RunPlan], *, n_workers: int) -> list[list[RunPlan]]:
    """Share trainings out to workers: one batch a worker, of about equal work.

    A batch is one child run, and a child run costs seconds of its own: so there are never more
    batches than workers. Trainings that are alike are dealt in as few and as large parts as that
    allows, since a GPU trains a part as one network. Work is counted in epochs times a rough cost of
    the model.

    Parameters
    ----------
    plans : sequence of RunPlan
        What is to be trained.
    n_workers : int
        Workers that can take a batch now; fewer than one counts as one.

    Returns
    -------
    list of list of RunPlan
        No batch is empty; every plan is in exactly one.
    """
    n_batches = max(1, min(n_workers, len(plans)))
    batches: list[list[RunPlan]] = [[] for _ in range(n_batches)]
    loads = [0.0] * n_batches
    for kind in sorted(alike(plans), key=lambda kind: sum(map(work_of, kind)), reverse=True):
        edges = [len(kind) * part // n_batches for part in range(n_batches + 1)]
        parts = [kind[start:stop] for start, stop in itertools.pairwise(edges)]
        for part in sorted(parts, key=len, reverse=True):
            lightest = loads.index(min(loads))
            batches[lightest] += part
            loads[lightest] += sum(map(work_of, part))
    order = {plan.run_id: place for place, plan in enumerate(plans)}
    return [sorted(batch, key=lambda plan: order[plan.run_id]) for batch in batches if batch]


def work_of(plan: RunPlan) -> float:
    """Return the rough cost of a training in epochs of the 3x3 autoencoder.

    Parameters
    ----------
    plan : RunPlan

    Returns
    -------
    float
    """
    relative: dict[tuple[ModelName, int], float] = {
        ("ae", 5): 2.0,
        ("vae", 3): 1.3,
        ("vae", 5): 2.3,
        ("residual", 3): 0.9,
    }
    return plan.settings.epochs * relative.get((plan.settings.model, plan.settings.kernel_size_px), 1.0)
