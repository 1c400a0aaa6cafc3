"""Losses against closed forms."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepdlt.loss.losses import kl_divergence, negative_elbo, objective, patch_loss
from deepdlt.models import Reconstruction


def vae_output(seed: int = 0, n: int = 3) -> tuple[Reconstruction, torch.Tensor]:
    """Return a VAE's output and its target."""
    generator = torch.Generator()
    generator.manual_seed(seed)
    x, y = torch.rand(2, n, 1, 8, 8, generator=generator)
    mu, log_var = torch.randn(2, n, 5, generator=generator)
    return Reconstruction(x, mu, log_var), y


def test_a_code_equal_to_the_prior_diverges_by_nothing() -> None:
    """KL of N(0, 1) from N(0, 1) is 0; of N(1, 1) it is half a nat a dimension."""
    zero = torch.zeros(1, 6)
    assert kl_divergence(zero, zero).item() == 0
    assert kl_divergence(zero + 1, zero).item() == pytest.approx(3)


@given(mu=st.floats(-3, 3), log_var=st.floats(-4, 2))
@settings(max_examples=30, deadline=None)
def test_kl_equals_torchs_own(mu: float, log_var: float) -> None:
    """The formula is that of torch.distributions."""
    code = torch.distributions.Normal(torch.tensor(mu), torch.tensor(log_var / 2).exp())
    prior = torch.distributions.Normal(torch.tensor(0.0), torch.tensor(1.0))
    expected = torch.distributions.kl_divergence(code, prior).item()
    found = kl_divergence(torch.tensor([[mu]]), torch.tensor([[log_var]])).item()
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_negative_elbo_is_squared_error_plus_weighted_kl(beta: float) -> None:
    """The error is summed over pixels, the divergence stands apart and unweighted."""
    output, target = vae_output()
    loss = negative_elbo(output, target, beta=beta)
    torch.testing.assert_close(loss.reconstruction, (output.reconstruction - target).square().sum((1, 2, 3)))
    torch.testing.assert_close(loss.loss, loss.reconstruction + beta * kl_divergence(output.mu, output.log_var))


def test_the_reports_sum_is_the_mean_times_the_batch() -> None:
    """Summing over the batch scales the gradient and leaves the losses reported per patch."""
    output, target = vae_output(n=7)
    loss = patch_loss(output, target)
    total, mean = objective(loss, reduction="batch_sum"), objective(loss, reduction="mean")
    assert total.item() == pytest.approx(7 * mean.item())


def test_an_autoencoders_loss_is_the_mean_squared_error() -> None:
    """Whatever the reduction, as in the report, and without a KL divergence."""
    output, target = vae_output()
    loss = patch_loss(Reconstruction(output.reconstruction), target)
    expected = torch.nn.functional.mse_loss(output.reconstruction, target).item()
    assert loss.kl is None
    assert objective(loss, reduction="mean").item() == pytest.approx(expected)
    assert objective(loss, reduction="batch_sum").item() == pytest.approx(expected)


def test_what_has_no_code_has_no_elbo() -> None:
    """An autoencoder's output is refused, not scored without its KL."""
    output, target = vae_output()
    with pytest.raises(ValueError, match="autoencoder"):
        negative_elbo(Reconstruction(output.reconstruction), target)


def test_an_unknown_reduction_is_refused() -> None:
    """The message lists those there are."""
    with pytest.raises(ValueError, match="use one of mean, batch_sum"):
        objective(patch_loss(*vae_output()), reduction="sum")
