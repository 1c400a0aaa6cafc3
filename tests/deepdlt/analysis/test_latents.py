"""Codes are what the encoder says without noise, one row a patch, in the order asked for."""

from typing import Any

import numpy as np
import pytest
import torch
from small_patches import patch_set

from deepdlt.analysis.latents import encode_patches
from deepdlt.inputs.transforms import view_patches
from deepdlt.models import Model, build_model

PATCHES = patch_set(30)
ROWS = range(30)


def model(name: str = "ae", **settings: Any) -> Model:
    """Return a model of 16 px patches with random weights, ready to be trained on."""
    return build_model(name, size_px=16, **settings).train()


def test_the_code_of_a_variational_model_is_its_mean() -> None:
    """Not a sample of it, even where the model samples in evaluation."""
    vae = model("vae", latent_dim=6, is_sampling_in_evaluation=True)
    codes, kind = encode_patches(vae, PATCHES, ROWS, target_range="unit")
    expected = vae(PATCHES.batch(torch.arange(30), target_range="unit")).mu
    assert kind == "mu"
    assert codes.dtype == np.float32
    assert codes == pytest.approx(expected.detach().numpy(), abs=1e-5)


@pytest.mark.parametrize("name", ["ae", "residual"])
def test_the_code_of_a_bottleneck_is_what_is_decoded(name: str) -> None:
    """Decoding the codes gives the model's reconstructions."""
    narrow = model(name, latent_dim=5)
    codes, kind = encode_patches(narrow, PATCHES, ROWS, target_range="unit")
    output = narrow(PATCHES.batch(torch.arange(30), target_range="unit")).reconstruction
    assert (kind, codes.shape) == ("bottleneck", (30, 5))
    decoded = narrow.decode(torch.from_numpy(codes)).detach().numpy()
    assert decoded == pytest.approx(output.detach().numpy(), abs=1e-5)


def test_a_code_of_maps_is_stood_for_by_their_means() -> None:
    """128 maps of 2 x 2 become 128 numbers."""
    wide = model("ae")
    codes, kind = encode_patches(wide, PATCHES, ROWS, target_range="unit")
    with torch.inference_mode():
        maps = wide.encoder(PATCHES.batch(torch.arange(30), target_range="unit"))
    assert (kind, maps.shape) == ("map_means", (30, 128, 2, 2))
    assert codes == pytest.approx(maps.mean((2, 3)).numpy(), abs=1e-5)


def test_dropout_is_off() -> None:
    """Asked twice of a model in training mode, the same codes come."""
    one, other = (encode_patches(model(dropout=0.5), PATCHES, ROWS, target_range="unit")[0] for _ in range(2))
    assert np.array_equal(one, other)


def test_codes_come_in_the_order_of_the_rows() -> None:
    """Whatever the batches are: a row's code is its own."""
    narrow = model(latent_dim=5)
    all_codes, _ = encode_patches(narrow, PATCHES, ROWS, target_range="unit")
    some, _ = encode_patches(narrow, PATCHES, [7, 3, 7], target_range="unit")
    assert some == pytest.approx(all_codes[[7, 3, 7]], abs=1e-6)


def test_more_patches_than_a_batch_are_encoded_alike() -> None:
    """Six hundred rows, the first thirty of them again and again."""
    narrow = model(latent_dim=5)
    codes, _ = encode_patches(narrow, PATCHES, list(ROWS) * 20, target_range="unit")
    first, _ = encode_patches(narrow, PATCHES, ROWS, target_range="unit")
    assert codes == pytest.approx(np.tile(first, (20, 1)), abs=1e-6)


@pytest.mark.parametrize("view", ["fourier", "fft_denoised"])
def test_a_model_of_another_view_sees_that_view(view: str) -> None:
    """A model that was trained on spectra is shown spectra."""
    narrow = model(latent_dim=5)
    codes, _ = encode_patches(narrow, PATCHES, ROWS, target_range="signed", view=view, threshold=0.2)
    batch = PATCHES.batch(torch.arange(30), target_range="signed")
    seen = view_patches(batch, view=view, target_range="signed", threshold=0.2)
    with torch.inference_mode():
        expected = narrow.mean_code(seen).numpy()
    assert codes == pytest.approx(expected, abs=1e-5)
    assert not np.allclose(codes, encode_patches(narrow, PATCHES, ROWS, target_range="signed")[0], atol=1e-3)


@pytest.mark.parametrize("rows", [[], [30], [-1]], ids=["none", "beyond", "before"])
def test_rows_that_are_not_there_are_refused(rows: list[int]) -> None:
    """An empty index and one that leaves the set."""
    with pytest.raises(ValueError, match=r"an index must|rows .* are asked for"):
        encode_patches(model(), PATCHES, rows, target_range="unit")
