"""Samples from a VAE's prior."""

import pytest
import small_patches  # noqa: F401  # one thread
import torch

from deepdlt.models import VariationalAutoEncoder, build_model
from deepdlt.models.sampling import sample_prior


@pytest.fixture(scope="module")
def vae() -> VariationalAutoEncoder:
    """Return a small untrained VAE."""
    model = build_model("vae", size_px=16, latent_dim=4)
    assert isinstance(model, VariationalAutoEncoder)
    return model


def test_samples_are_patches_in_range(vae: VariationalAutoEncoder) -> None:
    """They have the size the VAE was built for, and every batch of them arrives."""
    samples = sample_prior(vae, n=300)
    assert samples.shape == (300, 1, 16, 16)
    assert 0 <= samples.min() < samples.max() <= 1


def test_a_seed_names_its_samples(vae: VariationalAutoEncoder) -> None:
    """The same seed imagines the same, another seed something else; torch's own stream plays no part."""
    first = sample_prior(vae, n=3, seed=1)
    torch.rand(1)
    assert torch.equal(first, sample_prior(vae, n=3, seed=1))
    assert not torch.equal(first, sample_prior(vae, n=3, seed=2))


def test_without_temperature_all_samples_are_one(vae: VariationalAutoEncoder) -> None:
    """Temperature 0 is the prior's mean."""
    samples = sample_prior(vae, n=3, temperature=0.0)
    torch.testing.assert_close(samples, samples[:1].expand_as(samples))


def test_sampling_leaves_the_mode_alone(vae: VariationalAutoEncoder) -> None:
    """A model in training goes on training, and its samples are those of evaluation."""
    calm = sample_prior(vae.eval(), n=3)
    assert not vae.training
    assert torch.equal(sample_prior(vae.train(), n=3), calm)
    assert vae.training


@pytest.mark.parametrize(("n", "temperature"), [(0, 1.0), (1, -0.1)], ids=["none", "cold"])
def test_impossible_wishes_are_refused(vae: VariationalAutoEncoder, n: int, temperature: float) -> None:
    """The message says what is allowed."""
    with pytest.raises(ValueError, match=r"at least 1|not be negative"):
        sample_prior(vae, n=n, temperature=temperature)
