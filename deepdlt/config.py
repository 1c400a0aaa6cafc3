"""Settings of a night: what is cut, how it is split, what is trained.

The models are frozen and closed to unknown keys. Defaults are the report's baseline.
"""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, create_model, model_validator

from deepdlt.digest import digest_json
from deepdlt.provenance import code_digest
from deepdlt.training.settings import ModelName, Settings, TrainingSettings

__all__ = [
    "PROFILES",
    "FoldScheme",
    "ModelName",
    "PatchRecipe",
    "Profile",
    "ProfileName",
    "Settings",
    "TrainingChoices",
    "TrainingSettings",
]

FoldScheme = Literal["paper", "grouped", "condition", "leave-one-level-out"]
ProfileName = Literal["quick", "paper"]

if TYPE_CHECKING:
    TrainingChoices = TrainingSettings
else:
    TrainingChoices = create_model(
        "TrainingChoices",
        __base__=Settings,
        __doc__="Settings that take the place of a preset's; those left out stay as the preset has them.",
        **{
            # Bounds stay inside the union: they are not asked of None.
            name: (Annotated[field.annotation, "", *field.metadata] | None, Field(None, description=field.description))
            for name, field in TrainingSettings.model_fields.items()
        },
    )


class PatchRecipe(Settings):
    """How patches are cut from one image: the report's rule by default."""

    size_px: int = Field(64, ge=8, le=1024, multiple_of=8, description="Edge of a square patch, px.")
    n_per_image: int = Field(100, ge=1, le=100_000, description="Patches drawn from each image.")
    gain_low: float = Field(0.8, gt=0, le=10, description="Least brightness factor, dimensionless.")
    gain_high: float = Field(1.2, gt=0, le=10, description="Greatest brightness factor, dimensionless.")
    seed: int = Field(0, ge=0, lt=2**63, description="Seed of the draws; each image has a stream of its own.")

    @model_validator(mode="after")
    def _gains_are_ordered(self) -> Self:
        if self.gain_low > self.gain_high:
            raise ValueError(f"gain_low {self.gain_low} is above gain_high {self.gain_high}: swap them")
        return self

    @property
    def recipe_id(self) -> str:
        """Digest of the settings and of the code that cuts."""
        return digest_json([self.model_dump(), code_digest("deepdlt.dataset.patches")])


class Profile(Settings):
    """How much of the report's budget a night spends; its name stands in every run row."""

    name: ProfileName
    patches_per_image: int = Field(ge=1, description="Patches of each image that enter the data set.")
    fold_epochs: int | None = Field(ge=1, description="Epochs of a fold; None keeps the preset's.")
    holdout_epochs: int | None = Field(ge=1, description="Epochs on the 80/10/10 split; None keeps the preset's.")
    description: str


PROFILES: dict[str, Profile] = {
    "quick": Profile(
        name="quick",
        patches_per_image=16,
        fold_epochs=3,
        holdout_epochs=5,
        description="16 of 100 patches an image, 3 epochs a fold, 5 on the holdout split: a check that all works, "
        "not the report's numbers",
    ),
    "paper": Profile(
        name="paper",
        patches_per_image=100,
        fold_epochs=None,
        holdout_epochs=None,
        description="100 patches an image and the preset's epochs: 10 a fold, 100 on the holdout split",
    ),
}
