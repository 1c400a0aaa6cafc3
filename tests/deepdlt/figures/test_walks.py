"""Ways through a code: where they begin and end, and what they change."""

import pytest
import torch

from deepdlt.figures.walks import information_of_numbers, interpolate, traverse
from deepdlt.models import VariationalAutoEncoder, build_model


@pytest.fixture
def vae() -> VariationalAutoEncoder:
    """A small VAE as it was drawn."""
    model = build_model("vae", size_px=16, latent_dim=4)
    assert isinstance(model, VariationalAutoEncoder)
    return model.eval()


@pytest.fixture
def patches() -> torch.Tensor:
    """Four patches of noise, (4, 1, 16, 16)."""
    return torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def test_a_way_begins_and_ends_at_the_reconstructions(vae: VariationalAutoEncoder, patches: torch.Tensor) -> None:
    """Shares 0 and 1 are the patches' own codes; half-way is their mean."""
    ways = interpolate(vae, patches[:2], patches[2:], shares=[0, 0.5, 1])
    with torch.inference_mode():
        start, end = vae.mean_code(patches[:2]), vae.mean_code(patches[2:])
        expected = [vae.decode(code)[:, 0] for code in (start, (start + end) / 2, end)]
    torch.testing.assert_close(ways, torch.stack(expected, 1))


def test_a_number_at_its_own_value_changes_nothing(vae: VariationalAutoEncoder, patches: torch.Tensor) -> None:
    """Each row has one number set; at the code's own value all are the reconstruction."""
    with torch.inference_mode():
        code = vae.mean_code(patches[:1])
        itself = vae.decode(code)[0, 0]
    for number in range(4):
        own = float(code[0, number])
        walk = traverse(vae, patches[:1], numbers=[number], steps=[own, own + 2])
        torch.testing.assert_close(walk[0, 0], itself)
        assert not torch.allclose(walk[0, 1], itself)


def test_rows_and_steps_are_in_order(vae: VariationalAutoEncoder, patches: torch.Tensor) -> None:
    """Several numbers at once are the same as each alone."""
    both = traverse(vae, patches[:1], numbers=[3, 1], steps=[-1, 0, 1])
    assert both.shape == (2, 3, 16, 16)
    torch.testing.assert_close(both[1], traverse(vae, patches[:1], numbers=[1], steps=[-1, 0, 1])[0])


def test_information_is_the_divergence_from_the_prior(vae: VariationalAutoEncoder, patches: torch.Tensor) -> None:
    """Nothing where the encoder says the prior; half a nat where it says one standard deviation off, as surely."""
    for layer, bias in ((vae.fc_mu, [0.0, 1, 0, 0]), (vae.fc_logvar, [0.0, 0, 0, 0])):
        torch.nn.init.zeros_(layer.weight)
        layer.bias.data = torch.tensor(bias)
    torch.testing.assert_close(information_of_numbers(vae, patches), torch.tensor([0, 0.5, 0, 0]))


def test_what_does_not_fit_is_refused(vae: VariationalAutoEncoder, patches: torch.Tensor) -> None:
    """Places outside the code, as many ends as starts."""
    with pytest.raises(ValueError, match="places in a code of 4"):
        traverse(vae, patches[:1], numbers=[4], steps=[0])
    with pytest.raises(ValueError, match="do not fit"):
        interpolate(vae, patches[:1], patches[:2], shares=[0])
