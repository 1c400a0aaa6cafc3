"""Muon's step: a matrix with equal singular values, whatever those of the gradient; Adam for the rest."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from deepdlt.training.muon import COEFFICIENTS, LIKE_ADAM, N_ITERATIONS, Muon, is_matrix, orthogonalised

WITHIN = (0.65, 1.25)
"""Where the iteration leaves singular values that are not tiny [1]: it does not settle at one."""

EDGES = st.integers(min_value=1, max_value=40)


def drawn(seed: int, *shape: int) -> Tensor:
    """Normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def assert_same_steps(*same: nn.Parameter) -> None:
    """Three steps with the same gradients leave weights that were equal equal."""
    optimisers = [Muon([one], lr=0.01) for one in same]
    for number in range(3):
        for weights, optimiser in zip(same, optimisers, strict=True):
            weights.grad = drawn(number, *weights.shape).reshape(weights.shape)
            optimiser.step()
    assert all(torch.allclose(same[0], one, atol=1e-6) for one in same)


@given(m=EDGES, n=EDGES, seed=st.integers(0, 10**6), scale=st.sampled_from([1e-3, 1.0, 1e4]))
def test_singular_values_are_nearly_one_and_vectors_stay(m: int, n: int, seed: int, scale: float) -> None:
    """Against torch's singular value decomposition; what a matrix is multiplied by does not count."""
    u, _, vh = torch.linalg.svd(drawn(seed, m, n), full_matrices=False)
    values = torch.linspace(1.0, 0.1, min(m, n))
    found = u.mT @ orthogonalised(u @ torch.diag(values * scale) @ vh) @ vh.mT
    assert ((found.diagonal() > WITHIN[0]) & (found.diagonal() < WITHIN[1])).all()
    assert torch.allclose(found, torch.diag(found.diagonal()), atol=1e-3)


@given(value=st.floats(0.02, 1.0))
def test_a_number_goes_the_way_of_the_polynomial(value: float) -> None:
    """Each singular value by itself: the closed form of the iteration, beside a second one that makes the norm one."""
    a, b, c = COEFFICIENTS
    x, rest = value, (1 - value**2) ** 0.5
    for _ in range(N_ITERATIONS):
        x = a * x + b * x**3 + c * x**5
    assert orthogonalised(torch.diag(torch.tensor([value, rest])))[0, 0].item() == pytest.approx(x, abs=1e-4)


def test_many_matrices_at_once_are_each_alone() -> None:
    """As trainings that are stepped together have them."""
    matrices = drawn(0, 3, 20, 30)
    assert torch.allclose(orthogonalised(matrices), torch.stack([orthogonalised(one) for one in matrices]), atol=1e-6)


def test_no_gradient_is_no_step() -> None:
    """Zeros are not divided by."""
    assert torch.equal(orthogonalised(torch.zeros(16, 16)), torch.zeros(16, 16))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((64, 32, 3, 3), True), ((16, 16), True), ((32, 1, 3, 3), False), ((32, 1, 2, 2), False), ((64,), False)],
)
def test_first_and_last_layer_and_vectors_are_no_matrices(shape: tuple[int, ...], expected: bool) -> None:
    """They have fewer than sixteen rows or columns."""
    assert is_matrix(torch.Size(shape)) is expected


def test_a_step_is_as_long_as_one_of_adam() -> None:
    """Root mean square, times the learning rate; a kernel's four axes are two."""
    weights = nn.Parameter(torch.zeros(64, 32, 3, 3))
    weights.grad = drawn(1, 64, 32, 3, 3)
    Muon([weights], lr=0.01, momentum=0.0).step()
    assert weights.square().mean().sqrt().item() == pytest.approx(0.01 * LIKE_ADAM, rel=0.2)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_what_is_no_matrix_is_stepped_as_torchs_adam_does(weight_decay: float) -> None:
    """Ten steps, with the same gradients."""
    ours, theirs = (nn.Parameter(drawn(2, 32, 1, 3, 3)) for _ in range(2))
    options: dict[str, Any] = {"lr": 0.01, "weight_decay": weight_decay}
    optimisers = [Muon([ours], **options), torch.optim.Adam([theirs], **options)]
    for number in range(10):
        for weights, optimiser in zip((ours, theirs), optimisers, strict=True):
            weights.grad = drawn(number, *weights.shape)
            optimiser.step()
    assert torch.allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("shape", [(32, 16, 3, 3), (32, 16, 1, 1)])
def test_the_layout_of_a_kernel_in_memory_does_not_count(shape: tuple[int, ...]) -> None:
    """Channels last or first, steps are the same numbers; the layout stays."""
    plain = nn.Parameter(drawn(3, *shape))
    last = nn.Parameter(plain.detach().clone(memory_format=torch.channels_last))
    assert_same_steps(plain, last)
    assert last.is_contiguous(memory_format=torch.channels_last)


def test_a_matrix_that_lies_by_columns_is_stepped_as_one_by_rows() -> None:
    """As the weights of a linear layer that were turned."""
    matrix = drawn(3, 32, 16)
    assert_same_steps(nn.Parameter(matrix.clone()), nn.Parameter(matrix.mT.contiguous().mT))
