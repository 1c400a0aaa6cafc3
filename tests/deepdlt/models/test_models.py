"""Both models: sizes, the fast order of layers, seeded randomness."""

import pytest
import small_patches  # noqa: F401  # one thread
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from deepdlt.models import build_model, count_parameters, set_noise
from deepdlt.models.blocks import ACTIVATIONS, ChannelDropout, EncoderStage, build_activation


def seeded(seed: int) -> torch.Generator:
    """Return a CPU generator."""
    generator = torch.Generator()
    generator.manual_seed(seed)
    return generator


@pytest.mark.parametrize(
    ("name", "kernel_size_px", "expected"),
    [("ae", 3, 134_497), ("ae", 5, 298_849), ("vae", 3, 3_288_673)],
    ids=["ae-3x3", "ae-5x5", "vae"],
)
def test_models_have_the_published_number_of_parameters(name: str, kernel_size_px: int, expected: int) -> None:
    """The layers are those of the published code, to the last weight."""
    assert count_parameters(build_model(name, kernel_size_px=kernel_size_px)) == expected


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_pooling_first_changes_no_bit(activation: str, training: bool) -> None:
    """Pooling before activation and dropout gives what the report's order gives, whatever the batch norm's signs."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        stage = EncoderStage(3, 8, kernel_size_px=3, activation=activation, dropout=0.4).train(training)
        for values in (stage[1].weight, stage[1].bias, stage[1].running_mean):
            nn.init.normal_(values)
        x = torch.randn(4, 3, 16, 16)
    convolution, norm, pool, rise, dropout = stage
    plain_order = nn.Sequential(convolution, norm, rise, dropout, pool)
    set_noise(stage, seeded(1))
    pooled_first = nn.Sequential(*stage)(x)  # torch's layers, in our order
    set_noise(stage, seeded(1))
    assert torch.equal(plain_order(x), pooled_first)


@given(
    size_px=st.integers(1, 6).map(lambda n: 8 * n),
    name=st.sampled_from(["ae", "vae"]),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
)
@settings(max_examples=12, deadline=None)
def test_any_multiple_of_eight_is_reconstructed_in_range(size_px: int, name: str, activation: str) -> None:
    """A reconstruction has its patch's shape and lies in [0, 1]."""
    model = build_model(name, size_px=size_px, activation=activation, latent_dim=4)
    output = model(torch.randn(2, 1, size_px, size_px))
    assert output.reconstruction.shape == (2, 1, size_px, size_px)
    assert output.reconstruction.min() >= 0
    assert output.reconstruction.max() <= 1
    assert (output.mu is None) == (name == "ae")


@pytest.mark.parametrize("size_px", [0, 4, 12, 63])
@pytest.mark.parametrize("name", ["ae", "vae"])
def test_other_patch_sizes_are_refused_with_the_rule(name: str, size_px: int) -> None:
    """A size that cannot be halved three times is refused, and the message says which sizes can."""
    with pytest.raises(ValueError, match=f"{size_px} px .* multiple of 8"):
        build_model(name, size_px=size_px)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "gan"}, "use one of ae, vae"),
        ({"name": "ae", "activation": "gelu"}, "use one of elu, leaky_relu, relu, selu"),
        ({"name": "ae", "kernel_size_px": 4}, "3 or 5, got 4"),
        ({"name": "ae", "dropout": 1.0}, r"\[0, 1\), got 1.0"),
        ({"name": "vae", "latent_dim": 0}, "at least 1, got 0"),
    ],
    ids=["model", "activation", "kernel", "dropout", "latent"],
)
def test_unknown_names_and_bad_numbers_are_refused(arguments: dict[str, object], message: str) -> None:
    """The message says what stood there and what may stand there."""
    with pytest.raises(ValueError, match=message):
        build_model(**arguments)


def test_leaky_relu_leaks_a_tenth() -> None:
    """The VAE's activation has the published slope."""
    torch.testing.assert_close(build_activation("leaky_relu")(torch.tensor([-2.0, 3.0])), torch.tensor([-0.2, 3.0]))


def test_weights_depend_on_the_seed_alone() -> None:
    """Neither what was drawn before nor the model itself touches torch's global stream."""
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    first = build_model("vae", size_px=16, latent_dim=4, seed=7).state_dict()
    assert torch.equal(before, torch.random.get_rng_state())
    torch.rand(5)
    again = build_model("vae", size_px=16, latent_dim=4, seed=7).state_dict()
    other = build_model("vae", size_px=16, latent_dim=4, seed=8).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["fc_mu.weight"], other["fc_mu.weight"])


def test_weights_lie_channels_last() -> None:
    """Convolutions get the layout that is fast on a CPU."""
    weight = build_model("ae").encoder[1][0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_dropout_drops_whole_maps_and_keeps_the_mean() -> None:
    """A map is zero throughout or scaled by 1 / (1 - p); as many are kept as p says."""
    dropout = ChannelDropout(0.25).train()
    set_noise(dropout, seeded(0))
    maps = dropout(torch.ones(100, 100, 2, 2))
    assert torch.equal(maps, maps[:, :, :1, :1].expand_as(maps))
    assert maps.unique().tolist() == [0.0, pytest.approx(4 / 3)]
    assert maps.mean() == pytest.approx(1, abs=0.02)


def test_dropout_rests_in_evaluation() -> None:
    """Evaluation is the identity."""
    x = torch.randn(2, 3, 4, 4)
    assert torch.equal(ChannelDropout(0.5).eval()(x), x)


def test_noise_comes_from_the_stream_that_is_set() -> None:
    """The same stream gives the same pass through dropout and sampling; the global stream plays no part."""
    model = build_model("vae", size_px=16, latent_dim=4).train()
    x = torch.randn(3, 1, 16, 16)
    runs = []
    for global_seed in (0, 1):
        torch.manual_seed(global_seed)
        set_noise(model, seeded(5))
        runs.append(model(x).reconstruction)
    assert torch.equal(*runs)


@pytest.mark.parametrize("is_sampling", [False, True], ids=["mean", "sampled"])
def test_a_vae_samples_in_evaluation_only_where_asked(is_sampling: bool) -> None:
    """Two passes differ exactly when the report's habit is switched on."""
    model = build_model("vae", size_px=16, latent_dim=4, is_sampling_in_evaluation=is_sampling).eval()
    x = torch.randn(3, 1, 16, 16)
    assert torch.equal(model(x).reconstruction, model(x).reconstruction) != is_sampling


def test_sampled_codes_have_their_mean_and_spread() -> None:
    """Codes are mu plus sigma times standard normal noise."""
    model = build_model("vae", size_px=16, latent_dim=4)
    set_noise(model, seeded(0))
    codes = model.sample(torch.full((40_000, 1), 2.0), torch.full((40_000, 1), 2 * torch.log(torch.tensor(3.0)).item()))
    assert codes.mean() == pytest.approx(2, abs=0.1)
    assert codes.std() == pytest.approx(3, abs=0.1)
