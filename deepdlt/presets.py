"""Named trainings: the report's experiments and their matched twins.

A preset of the report is its recipe, defects included. Its twin `matched-...` keeps architecture
and budget and mends the three things that make the published losses meaningless: targets in the
range that a sigmoid can reach, scoring without sampling, losses per patch. Presets of our own say
how far one can go: the published architecture trained well, our architecture, and both through a
code of 128 numbers.
"""

from typing import Any, Literal

from pydantic import Field

from deepdlt.config import TrainingChoices
from deepdlt.errors import DeepdltError
from deepdlt.training.settings import Settings, TrainingSettings


class Preset(Settings):
    """A named training and the way it is evaluated."""

    name: str
    settings: TrainingSettings
    evaluation: Literal["folds", "holdout"] = Field(description="Label-aware folds, or once on the 80/10/10 split.")
    published: str = Field(description="What the report says it reached, and where.")

    def with_choices(self, choices: TrainingChoices | None) -> "Preset":
        """Return the preset with some settings chosen anew; its name says which.

        Parameters
        ----------
        choices : TrainingChoices or None
            Settings left at None stay, and so do those that the training would not use, and the epochs: they are the
            night's budget.

        Returns
        -------
        Preset

        Raises
        ------
        ValueError
            If the settings do not go together.

        Examples
        --------
        >>> find_preset("matched-vae").with_choices(TrainingChoices(beta=4.0, latent_dim=16)).name
        'matched-vae (latent_dim=16, beta=4.0)'
        """
        chosen = {} if choices is None else choices.model_dump(exclude_none=True, exclude={"epochs"})
        settings = TrainingSettings.model_validate(self.settings.model_dump() | chosen)
        before, after = self.settings.identity(), settings.identity()
        others = {name for name in chosen if getattr(settings, name) != getattr(self.settings, name)}
        changed = {name for name in others if name in after and after[name] != before.get(name)}
        if not changed:
            return self
        if "vgg_digest" in changed:
            changed.add("vgg_weights")  # where the file of that digest lies
        kept = {name: getattr(settings, name) for name in chosen if name in changed}
        said = ", ".join(f"{name}={_said(value)}" for name, value in kept.items())
        return self.model_copy(
            update={"name": f"{self.name} ({said})", "settings": self.settings.model_copy(update=kept)}
        )


class PresetUnknown(DeepdltError):
    """There is no preset of that name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"no preset is called {name!r}; there are {', '.join(PRESETS)}")


_REPORT: tuple[Preset, ...] = (
    Preset(
        name="label-cv",
        settings=TrainingSettings(),
        evaluation="folds",
        published="average test loss .1841 angle, .1839 EP1, .1838 NP, .1840 PP1 (Tables 3-6)",
    ),
    Preset(
        name="experiment-1",
        settings=TrainingSettings(dropout=0.3, learning_rate=1e-3, epochs=100),
        evaluation="holdout",
        published="val loss 0.172, PSNR 12.60 dB, SSIM 0.119 (read off its plot)",
    ),
    Preset(
        name="experiment-2",
        settings=TrainingSettings(
            activation="elu", optimiser="sgd", learning_rate=1e-4, momentum=0.9, weight_decay=0.0, epochs=110
        ),
        evaluation="holdout",
        published="train 0.1989, val 0.1871, PSNR 12.13 dB, SSIM 0.1350 (Table 2); 100 epochs, resumed to 110",
    ),
    Preset(
        name="experiment-3",
        settings=TrainingSettings(kernel_size_px=5, epochs=100),
        evaluation="holdout",
        published="val loss 0.1706, PSNR 12.62 dB, SSIM 0.123 (read off its plot)",
    ),
    Preset(
        name="vae",
        settings=TrainingSettings(
            model="vae", activation="leaky_relu", learning_rate=1e-4, epochs=100, loss_reduction="batch_sum"
        ),
        evaluation="holdout",
        published="val loss 24,430 a batch of 32, about 764 a patch (read off its plot)",
    ),
)


def _matched(preset: Preset) -> Preset:
    """Return the twin with targets the decoder can reach, scored without sampling."""
    settings = preset.settings.model_copy(update={"target_range": "unit", "is_sampling_in_evaluation": False})
    published = "nothing: the report's targets lie outside the decoder's range"
    return preset.model_copy(update={"name": f"matched-{preset.name}", "settings": settings, "published": published})


_WELL: dict[str, Any] = {
    "target_range": "unit",
    "is_sampling_in_evaluation": False,
    "dropout": 0.0,
    "weight_decay": 0.0,
    "is_turned": True,
    "activation": "elu",
    "batch_size": 8,
    "optimiser": "muon",
    "momentum": 0.95,
    "schedule": "one_cycle",
    "learning_rate": 3e-3,
    "epochs": 30,
}
"""Targets in reach, no dropout, flips and turns, ELU, eight patches a step, Muon, one cycle to a peak of 3e-3."""

_CHANGES: dict[str, dict[str, Any]] = {
    "tuned": {"loss": {"mse": 1.0, "ssim": 0.1}},
    "tuned-128": {"latent_dim": 128},
    "residual": {"model": "residual", "batch_size": 32},
    "residual-128": {"model": "residual", "batch_size": 32, "latent_dim": 128},
}

_OURS: tuple[Preset, ...] = tuple(
    Preset(name=name, settings=TrainingSettings(**(_WELL | settings)), evaluation="holdout", published="nothing: ours")
    for name, settings in _CHANGES.items()
)

PRESETS: dict[str, Preset] = {
    preset.name: preset for preset in (*(each for twin in _REPORT for each in (twin, _matched(twin))), *_OURS)
}


def _said(value: object) -> str:
    """Return a setting's value as a name shows it: no two values are shown alike."""
    if not isinstance(value, dict):
        return str(value)
    return " + ".join(f"{repr(weight).removesuffix('.0')} {name}" for name, weight in value.items())


def find_preset(name: str) -> Preset:
    """Return the preset of that name.

    Raises
    ------
    PresetUnknown
        If there is none; the message lists those there are.
    """
    try:
        return PRESETS[name]
    except KeyError:
        raise PresetUnknown(name) from None
