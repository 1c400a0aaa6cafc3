"""Named trainings: the report's experiments and their matched twins.

A preset is the report's recipe, defects included. Its twin `matched-...` keeps architecture and
budget and mends the three things that make the published losses meaningless: targets in the range
that a sigmoid can reach, scoring without sampling, losses per patch.
"""

from typing import Literal

from pydantic import Field

from deepdlt.config import Settings, TrainingSettings
from deepdlt.errors import DeepdltError


class Preset(Settings):
    """A named training and the way it is evaluated."""

    name: str
    settings: TrainingSettings
    evaluation: Literal["folds", "holdout"] = Field(description="Label-aware folds, or once on the 80/10/10 split.")
    published: str = Field(description="What the report says it reached, and where.")


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
            activation="elu", optimiser="sgd", learning_rate=1e-4, momentum=0.9, weight_decay=0.0, epochs=100
        ),
        evaluation="holdout",
        published="train 0.1989, val 0.1871, PSNR 12.13 dB, SSIM 0.1350 (Table 2)",
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


PRESETS: dict[str, Preset] = {preset.name: preset for twin in _REPORT for preset in (twin, _matched(twin))}


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
