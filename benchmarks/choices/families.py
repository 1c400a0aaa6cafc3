"""The choices, by family: what each training has beyond what all of its family have."""

from dataclasses import dataclass, field
from typing import Any

COMMON: dict[str, Any] = {
    "target_range": "unit",
    "is_sampling_in_evaluation": False,
    "dropout": 0.0,
    "weight_decay": 0.0,
    "learning_rate": 1e-3,
}
"""Of every training here: targets in reach, nothing dropped, Adam at 1e-3, batches of 32."""

PEAK: dict[str, Any] = {"learning_rate": 3e-3}
VAE: dict[str, Any] = {"model": "vae", "activation": "leaky_relu"}
RESIDUAL: dict[str, Any] = {"model": "residual", "activation": "elu", "schedule": "one_cycle", **PEAK}
MUON: dict[str, Any] = {"optimiser": "muon", "momentum": 0.95}

THIS_MODEL = "the first training of this family"
"""Stands for the run whose encoder a feature-matching loss compares with."""


@dataclass(frozen=True)
class Family:
    """Choices of one kind.

    Parameters
    ----------
    name, question : str
        In words.
    base : dict
        Settings of all of the family, beyond `COMMON`.
    choices : dict of str to dict
        Settings by what a choice is called; the first is what the others are compared with.
    """

    name: str
    question: str
    choices: dict[str, dict[str, Any]]
    base: dict[str, Any] = field(default_factory=dict)


FAMILIES = (
    Family(
        "activation",
        "Which activation?",
        {name: {"activation": name} for name in ("relu", "elu", "selu", "leaky_relu")},
    ),
    Family(
        "network",
        "Dropout, a larger kernel, a bottleneck?",
        {
            "3 px, no dropout": {},
            "dropout 0.2": {"dropout": 0.2},
            "encoder 5 px": {"kernel_size_px": 5},
            "latent_dim 128": {"latent_dim": 128},
        },
    ),
    Family(
        "batch",
        "How many patches a step?",
        {f"{size} a step": {"batch_size": size} for size in (32, 8, 16, 64)},
    ),
    Family(
        "schedule",
        "How does the learning rate go?",
        {
            "constant 1e-3": {},
            "cosine from 3e-3": {"schedule": "cosine", **PEAK},
            "one cycle to 3e-3": {"schedule": "one_cycle", **PEAK},
            "plateau from 3e-3": {"schedule": "plateau", "plateau_patience": 1, "reduce_by": 0.3, **PEAK},
            "stop after 1 without gain": {"stop_patience": 0, "min_delta": 1e-4},
        },
    ),
    Family(
        "optimiser",
        "Which optimiser, how held back, how precise?",
        {
            "Adam": {},
            "SGD 0.1": {"optimiser": "sgd", "learning_rate": 0.1},
            "Muon": MUON,
            "Muon, one cycle to 3e-3": {"schedule": "one_cycle", **MUON, **PEAK},
            "Adam, one cycle to 3e-3": {"schedule": "one_cycle", **PEAK},
            "weight decay 1e-3": {"weight_decay": 1e-3},
            "gradient clip 0.1": {"gradient_clip": 0.1},
            "bf16": {"precision": "bf16"},
        },
    ),
    Family(
        "loss",
        "What is minimised?",
        {
            "mse": {},
            "l1": {"loss": "l1"},
            "log mse": {"loss": "log_mse"},
            "ssim": {"loss": "ssim"},
            "mse + 0.01 ssim": {"loss": {"mse": 1.0, "ssim": 0.01}},
            "mse + 0.001 spectral": {"loss": {"mse": 1.0, "spectral": 0.001}},
            "mse + feature matching": {
                "loss": {"mse": 1.0, "feature_matching": 0.1},
                "feature_model": THIS_MODEL,
            },
        },
    ),
    Family(
        "input",
        "Noise on the input, flips and turns?",
        {
            "as it is": {},
            "Gaussian noise 0.1": {"corruption": "gaussian"},
            "salt and pepper 0.05": {"corruption": "salt_and_pepper", "corruption_level": 0.05},
            "flips and turns": {"is_turned": True},
        },
    ),
    Family(
        "view",
        "What is reconstructed? (each is scored against its own target)",
        {
            "pixels": {},
            "FFT denoised 0.1": {"view": "fft_denoised"},
            "Fourier log power": {"view": "fourier"},
        },
    ),
    Family(
        "code of an autoencoder",
        "How many numbers a patch? (residual network, Muon, one cycle to 3e-3)",
        {
            "4,096 (maps)": {},
            **{f"{count}": {"latent_dim": count} for count in (512, 256, 128, 64, 32, 16)},
        },
        base=RESIDUAL | MUON,
    ),
    Family(
        "VAE",
        "How heavy is the KL divergence, how long is the code?",
        {
            "128, beta 1": {},
            "128, beta 0.1": {"beta": 0.1},
            "128, beta 4": {"beta": 4.0},
            "128, warm-up of 5 epochs": {"kl_warm_up_epochs": 5.0},
            "16, beta 1": {"latent_dim": 16},
            "512, beta 1": {"latent_dim": 512},
        },
        base=VAE,
    ),
)
