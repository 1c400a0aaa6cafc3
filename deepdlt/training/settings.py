"""Settings of one training, with their bounds and what of them counts.

One model holds them from the form in the UI to the training loop: thirty choices, handed through
as one value, are named and checked in one place. It imports nothing of deepdlt but names, since
its code is part of what names a run.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from deepdlt.loss.names import objective_weights

ModelName = Literal["ae", "vae", "residual"]
ActivationName = Literal["relu", "selu", "elu", "leaky_relu"]
OptimiserName = Literal["adam", "sgd", "muon"]
TargetRange = Literal["signed", "unit"]
ViewName = Literal["pixels", "fft_denoised", "fourier"]
CorruptionName = Literal["none", "gaussian", "salt_and_pepper"]
ScheduleName = Literal["constant", "cosine", "one_cycle", "plateau"]
PrecisionName = Literal["float32", "bf16"]

LossMixture = Annotated[dict[str, float], BeforeValidator(objective_weights), PlainSerializer(dict[str, float])]
"""Weights by name of loss; a name alone is that loss with weight 1."""

VAE_LATENT_DIM = 128
"""Numbers in the code of the report's VAE."""


class Settings(BaseModel):
    """Base of every settings model: frozen, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TrainingSettings(Settings):
    """One training: architecture, loss, inputs, optimiser. Defaults are the report's cross-validation."""

    model: ModelName = Field("ae", description="ae and vae: the report's; residual: our own autoencoder.")
    kernel_size_px: Literal[3, 5] = Field(3, description="Edge of the encoder's convolution kernels, px (ae and vae).")
    activation: ActivationName = Field("relu", description="Activation in encoder and decoder.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Share of encoder channels dropped in training (ae and vae).")
    latent_dim: int | None = Field(
        None,
        ge=1,
        le=8192,
        description="Numbers in the code of a patch; without it the VAE has 128, an autoencoder its feature maps.",
    )
    loss: LossMixture = Field(
        {"mse": 1.0},
        description="Weights of mse, l1, log_mse, ssim (1 - it), spectral, feature_matching, perceptual; or a name.",
    )
    feature_model: str = Field(
        "",
        max_length=64,
        description="run_id of the stored model whose encoder compares (feature_matching only). "
        "It must not have been trained on images that are held out here.",
    )
    vgg_weights: str = Field(
        "", max_length=4096, description="Path of a safetensors file with VGG16's weights (perceptual only)."
    )
    vgg_digest: str = Field("", max_length=64, description="Digest of that file; a night fills it in.")
    beta: float = Field(1.0, ge=0, le=1000, description="Weight of the KL divergence (vae only).")
    kl_warm_up_epochs: float = Field(
        0.0, ge=0, le=100_000, description="Epochs in which the weight of the KL divergence rises from 0 (vae only)."
    )
    is_sampling_in_evaluation: bool = Field(
        True, description="Whether a VAE samples its code when it is scored, as in the report (vae only)."
    )
    loss_reduction: Literal["mean", "batch_sum"] = Field(
        "mean", description="mean over a batch, or the report's VAE loss: sum over the batch plus KL (vae only)."
    )
    target_range: TargetRange = Field(
        "signed", description="signed: targets in [-1, 1], as in the report; unit: [0, 1], what the decoder can reach."
    )
    view: ViewName = Field(
        "pixels", description="What is reconstructed: pixels, fft_denoised pixels, or the fourier log power."
    )
    threshold: float = Field(
        0.1, ge=0, le=1, description="Least magnitude kept, relative to the largest (fft_denoised only)."
    )
    is_turned: bool = Field(False, description="Whether each training patch is flipped and turned at random.")
    corruption: CorruptionName = Field("none", description="Noise on the training input; the target stays clean.")
    corruption_level: float = Field(
        0.1, ge=0, le=1, description="Standard deviation as a share of the range (gaussian), or share of pixels."
    )
    optimiser: OptimiserName = Field("adam", description="Adam, SGD with momentum, or Muon.")
    learning_rate: float = Field(5e-4, gt=0, le=10, description="Step size of the optimiser; the peak of a schedule.")
    momentum: float = Field(0.9, ge=0, lt=1, description="Momentum (sgd and muon).")
    weight_decay: float = Field(1e-5, ge=0, le=1, description="L2 penalty on the weights.")
    schedule: ScheduleName = Field("constant", description="How the learning rate goes.")
    warm_up: float = Field(0.3, ge=0, le=1, description="Share of the steps on the way up (one_cycle only).")
    schedule_floor: float = Field(
        0.0, ge=0, le=1, description="Least learning rate, as a share of the peak (cosine and plateau)."
    )
    reduce_by: float = Field(0.1, gt=0, lt=1, description="Factor on the learning rate at each plateau.")
    plateau_patience: int = Field(10, ge=0, le=100_000, description="Epochs without improvement that are borne.")
    stop_patience: int | None = Field(
        None,
        ge=0,
        le=100_000,
        description="Epochs without improvement that are borne before training stops; None: it does not stop early.",
    )
    min_delta: float = Field(
        0.0, ge=0, le=1e6, description="By how much a validation loss must be lower to count as better."
    )
    retry_at: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Share of the learning rate at which a training that diverged is tried once more; None: not.",
    )
    gradient_clip: float | None = Field(None, gt=0, le=1e9, description="Longest gradient (2-norm); None: no limit.")
    precision: PrecisionName = Field(
        "float32", description="Of the forward pass in training; bf16 is fast on GPUs, and on CPUs with bfloat16 units."
    )
    batch_size: int = Field(32, ge=1, le=65536, description="Patches a step.")
    epochs: int = Field(10, ge=1, le=100_000, description="Passes over the training patches.")

    @model_validator(mode="after")
    def _what_a_loss_needs_is_named(self) -> Self:
        needs = {
            "feature_matching": ("feature_model", self.feature_model),
            "perceptual": ("vgg_weights", self.vgg_weights),
        }
        for loss, (name, value) in needs.items():
            if loss in self.loss and not value:
                raise ValueError(f"loss {loss} needs {name}: give it, or leave the loss out")
        return self

    @property
    def n_code(self) -> int | None:
        """Numbers in the code of a patch; None for an autoencoder's feature maps."""
        return VAE_LATENT_DIM if self.model == "vae" and self.latent_dim is None else self.latent_dim

    @property
    def is_budget_in_schedule(self) -> bool:
        """Whether the learning rate depends on the number of epochs from the first step on."""
        return self.schedule in ("cosine", "one_cycle")

    def slower(self) -> Self | None:
        """Return the settings of the second try of a training that diverged; None where none is asked for."""
        if self.retry_at is None:
            return None
        return self.model_copy(update={"learning_rate": self.learning_rate * self.retry_at, "retry_at": None})

    def identity(self) -> dict[str, Any]:
        """Return the settings that this training uses, as JSON values.

        Settings of another model, optimiser, schedule, loss or view are left out, so that they cannot
        cause a training.
        """
        return self.model_dump(exclude=self._unused()) | {"latent_dim": self.n_code}

    def _unused(self) -> set[str]:
        """Return the names of settings that nothing here reads."""
        used_by: dict[str, bool] = {
            "kernel_size_px dropout": self.model != "residual",
            "beta kl_warm_up_epochs is_sampling_in_evaluation loss_reduction": self.model == "vae",
            "retry_at": self.retry_at is not None,
            "feature_model": "feature_matching" in self.loss,
            "vgg_digest": "perceptual" in self.loss,
            "vgg_weights": False,  # its digest stands for it
            "momentum": self.optimiser in ("sgd", "muon"),
            "threshold": self.view == "fft_denoised",
            "corruption_level": self.corruption != "none",
            "warm_up": self.schedule == "one_cycle",
            "schedule_floor": self.schedule in ("cosine", "plateau"),
            "reduce_by plateau_patience": self.schedule == "plateau",
            "min_delta": self.schedule == "plateau" or self.stop_patience is not None,
        }
        return {name for names, is_used in used_by.items() if not is_used for name in names.split()}
