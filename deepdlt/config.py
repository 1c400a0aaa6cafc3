"""Settings of a night: what is cut, how it is split, what is trained.

The models are frozen and closed to unknown keys. They stop at the flow and the task: library
functions take flat arguments. Defaults are the report's baseline.
"""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deepdlt.digest import digest_json
from deepdlt.provenance import code_digest

ModelName = Literal["ae", "vae"]
ActivationName = Literal["relu", "selu", "elu", "leaky_relu"]
OptimiserName = Literal["adam", "sgd"]
TargetRange = Literal["signed", "unit"]
FoldScheme = Literal["paper", "grouped"]
ProfileName = Literal["quick", "paper"]


class Settings(BaseModel):
    """Base of every settings model: frozen, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
        return digest_json([self.model_dump(), code_digest("deepdlt.patches")])


class TrainingSettings(Settings):
    """One training: architecture, optimiser, target range. Defaults are the report's cross-validation."""

    model: ModelName = Field("ae", description="Autoencoder or variational autoencoder.")
    kernel_size_px: Literal[3, 5] = Field(3, description="Edge of the encoder's convolution kernels, px.")
    activation: ActivationName = Field("relu", description="Activation in encoder and decoder.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Share of encoder channels dropped in training.")
    latent_dim: int = Field(128, ge=1, le=8192, description="Numbers in the code of a patch (VAE only).")
    beta: float = Field(1.0, ge=0, le=1000, description="Weight of the KL divergence (VAE only).")
    optimiser: OptimiserName = Field("adam", description="Adam, or SGD with momentum.")
    learning_rate: float = Field(5e-4, gt=0, le=10, description="Step size of the optimiser.")
    momentum: float = Field(0.9, ge=0, lt=1, description="Momentum (SGD only).")
    weight_decay: float = Field(1e-5, ge=0, le=1, description="L2 penalty on the weights.")
    batch_size: int = Field(32, ge=1, le=65536, description="Patches a step.")
    epochs: int = Field(10, ge=1, le=100_000, description="Passes over the training patches.")
    target_range: TargetRange = Field(
        "signed", description="signed: targets in [-1, 1], as in the report; unit: [0, 1], what the decoder can reach."
    )
    is_sampling_in_evaluation: bool = Field(
        True, description="Whether a VAE samples its code when it is scored, as in the report (VAE only)."
    )
    loss_reduction: Literal["mean", "batch_sum"] = Field(
        "mean", description="mean squared error, or the report's VAE loss: sum over the batch plus KL (VAE only)."
    )

    def identity(self) -> dict[str, Any]:
        """Return the settings that this training uses, as JSON values.

        Settings of the other model or optimiser are left out, so that they cannot cause a training.
        """
        unused = set() if self.model == "vae" else {"latent_dim", "beta", "is_sampling_in_evaluation", "loss_reduction"}
        if self.optimiser != "sgd":
            unused.add("momentum")
        return self.model_dump(exclude=unused)


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
