"""Training losses are 0 for the same patch, bounded, differentiable and equal to their closed forms."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from deepdlt.inputs.spectrum import ROUNDING_POWER
from deepdlt.loss.dissimilarity import LOG_FLOOR, absolute_error, log_squared_error, spectral_error, ssim_error
from deepdlt.loss.features import FEATURE_FLOOR, FeatureDistance, encoder_distance
from deepdlt.loss.objectives import OBJECTIVES, Objective, objective_weights
from deepdlt.loss.vgg import IMAGENET_MEAN, IMAGENET_STD, WeightsUnusable, vgg16_distance
from deepdlt.models import build_model
from deepdlt.quality import metrics
from deepdlt.training.target_ranges import TARGET_RANGES, range_bounds

CONVOLUTIONS = {
    0: (3, 64),
    2: (64, 64),
    5: (64, 128),
    7: (128, 128),
    10: (128, 256),
    12: (256, 256),
    14: (256, 256),
    17: (256, 512),
    19: (512, 512),
    21: (512, 512),
}
"""Of torchvision's VGG16 up to its fourth block: place in `features`, channels in and out."""

BOUNDS = {"log_mse": math.log1p(1 / LOG_FLOOR), "ssim": 2, "feature_matching": 4, "perceptual": 4}
BOUNDS |= dict.fromkeys(("mse", "l1", "spectral"), 1)
"""On the unit range."""

BRIEFLY = settings(deadline=None, max_examples=25)


def random_patches(n: int = 2, *, size_px: int = 16, target_range: str = "unit", seed: int = 0) -> Tensor:
    """Return patches of uniform noise that fill a range, float64."""
    low, high = range_bounds(target_range)
    noise = torch.rand(n, 1, size_px, size_px, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return noise * (high - low) + low


@pytest.fixture(scope="module")
def vgg_tensors() -> dict[str, Tensor]:
    """Return random weights by torchvision's names, with one of the classifier's."""
    stream = torch.Generator().manual_seed(0)
    tensors = {"classifier.6.bias": torch.zeros(1000)}
    for place, (n_in, n_out) in CONVOLUTIONS.items():
        weight = torch.randn(n_out, n_in, 3, 3, generator=stream) * math.sqrt(2 / (9 * n_in))
        tensors |= {f"features.{place}.weight": weight, f"features.{place}.bias": torch.full((n_out,), 0.01)}
    return tensors


@pytest.fixture(scope="module")
def vgg_weights(vgg_tensors: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with these weights."""
    path = tmp_path_factory.mktemp("vgg") / "vgg16.safetensors"
    save_file(vgg_tensors, path)
    return path


@pytest.fixture(scope="module")
def objectives(vgg_weights: Path) -> Callable[..., Objective]:
    """Return a maker of objectives in float64 that has an encoder and VGG weights at hand."""
    encoder = build_model("ae", size_px=16).encoder
    made: dict[str, Objective] = {}

    def make(loss: str | Mapping[str, float], *, target_range: str = "unit") -> Objective:
        key = f"{loss} {target_range}"
        if key not in made:
            networks = {"encoder": encoder, "vgg_weights": vgg_weights}
            made[key] = Objective(loss, target_range=target_range, **networks).double()  # type: ignore[arg-type]
        return made[key]

    return make


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("target_range", TARGET_RANGES)
def test_the_same_patch_costs_nothing(objectives: Callable[..., Objective], name: str, target_range: str) -> None:
    """A reconstruction that is its target has loss 0, and no gradient to speak of."""
    target = random_patches(size_px=8, target_range=target_range)
    reconstruction = target.clone().requires_grad_()
    loss = objectives(name, target_range=target_range)(reconstruction, target)
    assert loss.shape == (2,)
    assert loss.abs().max() < 1e-12
    (gradient,) = torch.autograd.grad(loss.sum(), reconstruction)
    assert gradient.abs().max() < 1e-9


@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradients_are_those_of_differences(objectives: Callable[..., Objective], name: str) -> None:
    """Automatic and numerical gradients agree, in float64, for a mixture of mse and each loss."""
    objective = objectives({"mse": 0.5, name: 2.0})
    target = random_patches(size_px=8)
    reconstruction = random_patches(size_px=8, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: objective(x, target), reconstruction, fast_mode=True)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_losses_are_bounded(objectives: Callable[..., Objective], name: str) -> None:
    """Noise, black, white and a chequerboard are never further apart than the bound that is stated."""
    board = (torch.arange(8)[:, None] + torch.arange(8)) % 2
    extremes = [torch.zeros(8, 8), torch.ones(8, 8), board, 1 - board]
    kinds = torch.cat([random_patches(1, size_px=8), torch.stack([patch.double() for patch in extremes])[:, None]])
    first, second = kinds.repeat_interleave(len(kinds), 0), kinds.repeat(len(kinds), 1, 1, 1)
    loss = objectives(name)(first, second)
    assert float(loss.min()) >= 0
    assert float(loss.max()) <= BOUNDS[name] + 1e-9


@pytest.mark.parametrize("name", OBJECTIVES)
def test_descending_reaches_the_target(objectives: Callable[..., Objective], name: str) -> None:
    """Pixels that follow the gradient of a loss lower it by a third in ten steps."""
    objective, target = objectives(name), random_patches(1, size_px=8)
    pixels = random_patches(1, size_px=8, seed=1).requires_grad_()
    optimiser = torch.optim.Adam([pixels], lr=0.06)
    losses = []
    for _ in range(10):
        optimiser.zero_grad()
        loss = objective(pixels, target).mean()
        torch.autograd.backward(loss)
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.67 * losses[0]


@given(st.floats(0, 1), st.floats(0, 1))
@BRIEFLY
def test_two_greys_differ_by_their_distance(first: float, second: float) -> None:
    """Between flat patches, l1 is the distance of the greys and mse its square."""
    greys = [torch.full((1, 1, 8, 8), grey, dtype=torch.float64) for grey in (first, second)]
    parts = Objective({"l1": 1, "mse": 1}, target_range="unit").parts(greys[0], greys[1])
    assert float(parts["l1"]) == pytest.approx(abs(first - second))
    assert float(parts["mse"]) == pytest.approx((first - second) ** 2)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_ssim_error_is_one_minus_the_measure(dtype: torch.dtype, tolerance: float) -> None:
    """Training and scoring have the same structural similarity, in either precision."""
    smooth = functional.avg_pool2d(random_patches(8, size_px=36), 5, 1)
    for noise in (0.0, 0.01, 0.3):
        noisy = (smooth + noise * (random_patches(8, size_px=32, seed=1) - 0.5)).to(dtype)
        error = ssim_error(noisy, smooth.to(dtype))
        assert error.dtype == dtype
        torch.testing.assert_close(error.double(), 1 - metrics.ssim(noisy, smooth), atol=tolerance, rtol=0)


def test_a_tenth_of_the_error_is_ten_decibels_to_faint_and_strong_patches_alike() -> None:
    """Well above the floor, each factor of ten of the squared error counts the same, which is what PSNR counts."""
    target = torch.zeros(3, 1, 8, 8, dtype=torch.float64)
    losses = log_squared_error(torch.tensor([1.0, 0.1, 0.01]).sqrt().view(3, 1, 1, 1).double() + target, target)
    assert losses.diff().tolist() == pytest.approx([-math.log(10)] * 2, abs=0.01)


@given(st.integers(0, 15), st.integers(0, 15))
@BRIEFLY
def test_the_spectrum_does_not_see_a_shift(rows: int, columns: int) -> None:
    """A patch that is shifted around its edges has the same power spectrum, hence no spectral error."""
    patches = random_patches()
    assert spectral_error(patches.roll((rows, columns), (-2, -1)), patches).max() < 1e-20


def test_black_and_white_differ_in_one_component() -> None:
    """Only the mean's power differs, by the whole scale: the error is one component's share."""
    black, white = torch.zeros(1, 1, 16, 16), torch.ones(1, 1, 16, 16)
    assert float(spectral_error(white, black)) == pytest.approx(1 / 16**2)


def test_a_fainter_wave_costs_its_two_components() -> None:
    """Halving a wave's swing divides two powers by four, and nothing else changes."""
    phase = 2 * math.pi * 3 * torch.arange(16, dtype=torch.float64) / 16
    wave = (0.2 * torch.cos(phase)).expand(1, 1, 16, 16)
    power = 0.2**2 * 16**2 / 4
    step = math.log((power + ROUNDING_POWER) / (power / 4 + ROUNDING_POWER)) / math.log1p(16**2 / ROUNDING_POWER)
    assert float(spectral_error(0.5 + wave / 2, 0.5 + wave)) == pytest.approx(2 * step**2 / 16**2, rel=1e-6)


def test_a_mixture_is_the_weighted_sum_of_its_parts(objectives: Callable[..., Objective]) -> None:
    """Each part of a mixture is what it is alone, and the weights are taken as they are given."""
    weights = {name: 0.5 + i for i, name in enumerate(reversed(OBJECTIVES))}
    pair = random_patches(size_px=8), random_patches(size_px=8, seed=1)
    mixture = objectives(weights)
    parts = mixture.parts(*pair)
    assert list(parts) == list(OBJECTIVES)
    for name in OBJECTIVES:
        torch.testing.assert_close(parts[name], objectives(name)(*pair), rtol=1e-12, atol=0)
    torch.testing.assert_close(mixture(*pair), sum((weights[name] * parts[name] for name in parts), torch.zeros(2)))


def test_each_patch_is_judged_alone(objectives: Callable[..., Objective]) -> None:
    """The loss of a patch does not depend on the others of its batch."""
    pair = random_patches(3, size_px=8), random_patches(3, size_px=8, seed=1)
    objective = objectives(dict.fromkeys(OBJECTIVES, 1.0))
    alone = torch.cat([objective(pair[0][i : i + 1], pair[1][i : i + 1]) for i in range(3)])
    torch.testing.assert_close(objective(*pair), alone, rtol=1e-9, atol=0)


def test_a_signed_run_is_judged_on_its_own_scale(objectives: Callable[..., Objective]) -> None:
    """On [-1, 1], l1 doubles and mse quadruples; losses that are defined on [0, 1] are what they are there."""
    pair = random_patches(size_px=8), random_patches(size_px=8, seed=1)
    unit = objectives(dict.fromkeys(OBJECTIVES, 1.0)).parts(*pair)
    signed = objectives(dict.fromkeys(OBJECTIVES, 1.0), target_range="signed").parts(*(2 * x - 1 for x in pair))
    for name, scale in (
        ("mse", 4),
        ("log_mse", 1),
        ("l1", 2),
        ("ssim", 1),
        ("spectral", 1),
        ("feature_matching", 1),
        ("perceptual", 1),
    ):
        torch.testing.assert_close(signed[name], scale * unit[name], rtol=1e-6, atol=0)


@pytest.mark.parametrize("encoder_range", TARGET_RANGES)
def test_an_encoder_sees_the_range_it_was_trained_on(encoder_range: str) -> None:
    """Whatever the range of the run, the stored model's encoder is given patches on its own."""
    encoder = build_model("ae", size_px=8).encoder
    pair = random_patches(size_px=8).float(), random_patches(size_px=8, seed=1).float()
    objective = Objective("feature_matching", target_range="signed", encoder=encoder, encoder_range=encoder_range)
    expected = encoder_distance(encoder, target_range=encoder_range)(*pair)
    torch.testing.assert_close(objective(*(2 * x - 1 for x in pair)), expected)


@given(st.dictionaries(st.sampled_from(OBJECTIVES), st.floats(1e-6, 1e6), min_size=1))
def test_a_mixture_has_one_order(weights: dict[str, float]) -> None:
    """However a mixture is written down, its losses come in one order with their own weights."""
    ordered = objective_weights(dict(reversed(weights.items())))
    assert list(ordered.items()) == sorted(weights.items(), key=lambda item: OBJECTIVES.index(item[0]))


def test_half_precision_is_judged_in_single() -> None:
    """A bfloat16 reconstruction, as autocast gives it, has a float32 loss near the exact one."""
    pair = random_patches().float(), random_patches(seed=1).float()
    objective = Objective({"mse": 1, "l1": 1, "ssim": 1, "spectral": 1}, target_range="unit")
    loss = objective(pair[0].bfloat16(), pair[1])
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, objective(*pair), rtol=0.01, atol=0)
    assert ssim_error(pair[0].bfloat16(), pair[1].bfloat16()).dtype == torch.float32


def test_features_are_compared_by_direction() -> None:
    """One stage of two channels gives the distance that paper and pencil give."""
    stage = nn.Conv2d(1, 2, 1, bias=False)
    stage.weight.data = torch.tensor([3.0, 4.0]).view(2, 1, 1, 1)
    distance = encoder_distance(stage, target_range="signed")
    bright, dark = torch.full((1, 1, 8, 8), 0.75), torch.full((1, 1, 8, 8), 0.25)  # 0.5 and -0.5 when signed
    length = 2.5 / math.sqrt(2.5**2 + FEATURE_FLOOR)
    assert float(distance(bright, dark)) == pytest.approx((2 * length) ** 2)


def test_every_stage_of_an_encoder_counts() -> None:
    """The distance is the mean of those of three stages, each in evaluation mode."""
    encoder = build_model("vae", size_px=16).encoder
    pair = random_patches().float(), random_patches(seed=1).float()
    seen = list(pair)
    stages = []
    for stage in encoder.eval():
        seen = [stage(x) for x in seen]
        x, y = (x * torch.rsqrt(x.square().sum(1, keepdim=True) + FEATURE_FLOOR) for x in seen)
        stages.append((x - y).square().sum(1).mean((1, 2)))
    assert len(stages) == 3
    torch.testing.assert_close(encoder_distance(encoder, target_range="unit")(*pair), sum(stages) / 3)


def test_a_frozen_network_stays_frozen() -> None:
    """Training mode, later training of the original and gradients leave the copy alone, and it them."""
    encoder = build_model("ae", size_px=16).encoder.train()
    objective = Objective("feature_matching", target_range="unit", encoder=encoder).train()
    pair = random_patches().float().requires_grad_(), random_patches(seed=1).float().requires_grad_()
    before = objective(*pair)
    torch.autograd.backward(before.sum())
    with torch.no_grad():
        for parameter in encoder.parameters():
            assert parameter.requires_grad
            assert parameter.grad is None
            parameter.zero_()
    assert encoder.training
    assert torch.equal(objective(*pair), before)
    assert [parameter.requires_grad for parameter in objective.parameters()].count(True) == 0
    assert pair[0].grad is not None
    assert pair[1].grad is None


def test_vgg_is_that_of_torchvision(vgg_tensors: dict[str, Tensor], vgg_weights: Path) -> None:
    """Features after ReLU 1_2, 2_2, 3_3 and 4_3 equal a plain walk through torchvision's layers."""
    distance = vgg16_distance(vgg_weights)
    patches = random_patches().float()
    seen = (patches.expand(-1, 3, -1, -1) - torch.tensor(IMAGENET_MEAN).view(3, 1, 1)) / torch.tensor(
        IMAGENET_STD
    ).view(3, 1, 1)
    expected = []
    for place in CONVOLUTIONS:
        if place in (5, 10, 17):
            expected.append(seen)
            seen = functional.max_pool2d(seen, 2)
        weights = vgg_tensors[f"features.{place}.weight"], vgg_tensors[f"features.{place}.bias"]
        seen = functional.conv2d(seen, *weights, padding=1).relu()
    expected.append(seen)
    assert [tuple(x.shape[1:]) for x in expected] == [(64, 16, 16), (128, 8, 8), (256, 4, 4), (512, 2, 2)]
    for seen, x in zip(distance.features(patches), expected, strict=True):
        torch.testing.assert_close(seen, x * torch.rsqrt(x.square().sum(1, keepdim=True) + FEATURE_FLOOR))
    assert sum(parameter.numel() for parameter in distance.parameters()) == 7_635_264


def test_vgg_takes_names_without_prefix_and_half_precision(vgg_tensors: dict[str, Tensor], tmp_path: Path) -> None:
    """The state dict of the feature layers alone does as well, also in float16, and no random number is drawn."""
    save_file(
        {name.removeprefix("features."): x.half() for name, x in vgg_tensors.items() if "features" in name},
        tmp_path / "plain.safetensors",
    )
    state = torch.get_rng_state()
    distance = vgg16_distance(tmp_path / "plain.safetensors")
    assert torch.equal(torch.get_rng_state(), state)
    assert {parameter.dtype for parameter in distance.parameters()} == {torch.float32}


def test_a_missing_weights_file_is_said(tmp_path: Path) -> None:
    """The message names the file, says that nothing is downloaded, and how to make it."""
    path = tmp_path / "none.safetensors"
    with pytest.raises(WeightsUnusable, match=r"no such file\. Nothing is downloaded: write the state dict") as caught:
        Objective("perceptual", target_range="unit", vgg_weights=path)
    assert caught.value.path == path


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    """A file that is not safetensors is named with the reason."""
    path = tmp_path / "vgg16.pth"
    path.write_bytes(b"PK\x03\x04 a zip file, as torch writes them")
    with pytest.raises(WeightsUnusable, match="does not give VGG16's weights"):
        vgg16_distance(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features.2.bias": None, "features.21.weight": None}, "features.2.bias is missing; features.21.weight is"),
        ({"features.0.bias": torch.zeros(32)}, r"features.0.bias has shape \(32,\), not \(64,\)"),
        ({"features.5.bias": torch.full((128,), math.nan)}, "features.5.bias is not finite"),
    ],
)
def test_weights_that_do_not_fit_are_listed(
    vgg_tensors: dict[str, Tensor], tmp_path: Path, changes: dict[str, Tensor | None], message: str
) -> None:
    """Every tensor that is missing, of another shape or not finite stands in one message."""
    path = tmp_path / "vgg16.safetensors"
    save_file({name: x for name, x in (vgg_tensors | changes).items() if x is not None}, path)
    with pytest.raises(WeightsUnusable, match=message):
        vgg16_distance(path)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: objective_weights("msse"), "'msse' is not known: use one or more of mse, l1, log_mse, ssim"),
        (lambda: objective_weights({}), "loss is empty"),
        (lambda: objective_weights({"mse": 0.0}), "weight of mse must be finite and above 0, got 0.0"),
        (lambda: objective_weights({"mse": math.nan}), "got nan"),
        (lambda: Objective("mse", target_range="half"), "signed, unit"),
        (lambda: Objective("feature_matching", target_range="unit"), "needs the encoder of a stored model"),
        (lambda: Objective("perceptual", target_range="unit"), "needs a file with VGG16's weights"),
        (lambda: FeatureDistance(), "at least one stage"),
        (lambda: encoder_distance(nn.Identity(), target_range="half"), "signed, unit"),
        (lambda: ssim_error(*[torch.zeros(1, 1, 6, 6)] * 2), "6 px is smaller than the SSIM window of 7 px"),
        (lambda: Objective(target_range="unit")(torch.zeros(2, 1, 8, 8), torch.zeros(1, 1, 8, 8)), "must both be"),
    ],
)
def test_what_cannot_be_minimised_is_named(call: Callable[[], object], message: str) -> None:
    """A name, weight, shape or missing network stands in the message, with what would be right."""
    with pytest.raises(ValueError, match=message):
        call()


def test_vgg_refuses_patches_that_it_cannot_pool(vgg_weights: Path) -> None:
    """A patch that cannot be halved three times is refused in words, not by a layer deep inside."""
    with pytest.raises(ValueError, match="8 px or more, got 7 px"):
        vgg16_distance(vgg_weights)(torch.zeros(1, 1, 7, 7), torch.zeros(1, 1, 7, 7))


def test_the_mean_error_is_that_of_each_patch() -> None:
    """l1 averages over the pixels of a patch and not over patches."""
    target = torch.zeros(2, 1, 2, 2)
    reconstruction = torch.tensor([[[[0.0, 1.0], [0.0, 0.0]]], [[[0.5, 0.5], [0.5, 0.5]]]])
    assert absolute_error(reconstruction, target).tolist() == [0.25, 0.5]
