"""Pictures say of patches what is drawn of them."""

import tracemalloc
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from deepdlt.figures.imagined import samples_figure, traversals_figure
from tasks.drawing import of_data_set, of_models, of_vae

LAKE: Any = None


def subject(target_range: str) -> Any:
    """A run of a target range."""
    run = SimpleNamespace(
        run_id="r", name="vae", standing="profile paper", seed=0, source="/s", choices={"target_range": target_range}
    )
    return SimpleNamespace(run=run)


@pytest.mark.parametrize(("target_range", "grey"), [("signed", "0.75"), ("unit", "0.50")])
def test_samples_are_drawn_on_the_grey_scale_of_their_run(
    monkeypatch: pytest.MonkeyPatch, target_range: str, grey: str
) -> None:
    """And are described by the grey levels that are seen."""
    samples = torch.full((24, 1, 8, 8), 0.5)
    monkeypatch.setattr(of_vae, "_vae", lambda *_: None)
    monkeypatch.setattr(of_vae, "sample_prior", lambda *_, **__: samples)
    drawn = of_vae.draw_samples(LAKE, subject(target_range))
    assert drawn.png == samples_figure(samples.numpy(), target_range=target_range, title=drawn.title)
    assert f"from {grey} to {grey}" in drawn.alt


@pytest.mark.parametrize("target_range", ["signed", "unit"])
def test_traversals_are_drawn_on_the_grey_scale_of_their_run(
    monkeypatch: pytest.MonkeyPatch, target_range: str
) -> None:
    """As the ways between patches are."""
    walks = torch.rand((6, 7, 8, 8), generator=torch.Generator().manual_seed(0))
    for name, made in {
        "_vae": None,
        "patches_of_fold": None,
        "choose": None,
        "patch_set": _Patches(),
        "information_of_numbers": torch.linspace(1, 0, 6),
        "traverse": walks,
    }.items():
        monkeypatch.setattr(of_vae, name, lambda *_, _made=made, **__: _made)
    names = [f"number {number}\n{value:.2g} nats" for number, value in enumerate(torch.linspace(1, 0, 6).tolist())]
    drawn = of_vae.draw_traversals(LAKE, subject(target_range))
    assert drawn.png == traversals_figure(
        walks.numpy(), steps=of_vae.STEPS, names=names, target_range=target_range, title=drawn.title
    )


class _Patches:
    """Patches that are all alike."""

    def __len__(self) -> int:
        return 4

    def index(self, rows: range) -> torch.Tensor:
        return torch.tensor(rows)

    def batch(self, rows: torch.Tensor, **_: object) -> torch.Tensor:
        return torch.zeros((len(rows), 1, 8, 8))


def test_a_value_that_a_side_lacks_has_no_share_of_it() -> None:
    """Its least share is 0 %, not the least of those that are there."""
    train = [(1, "train", "H", 50), (1, "train", "V", 40), (1, "train", "D", 10)]
    test = [(1, "test", "V", 5), (1, "test", "D", 5)]
    counts = pl.DataFrame([*train, *test], schema=["fold", "split", "label_value", "n_patches"], orient="row")
    assert of_data_set.varies_most(counts) == {"label_value": "H", "low": 0.0, "high": 0.5}


def test_spectra_say_how_many_patches_their_numbers_are_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the most frequent pixel size, where there are several."""
    chosen = pl.DataFrame({"patch_id": list("abcde"), "image_id": list("vwxyz")})
    sizes = pl.DataFrame({"image_id": list("vwxyz"), "pixel_size_nm": [30.0, 30.0, 30.0, 60.0, 60.0]})
    patches = np.random.default_rng(0).random((5, 1, 16, 16))
    monkeypatch.setattr(of_models, "patches_of_fold", lambda *_: chosen)
    monkeypatch.setattr(of_models, "choose", lambda *_: chosen)
    monkeypatch.setattr(of_models, "label_texts", lambda *_: sizes)
    monkeypatch.setattr(
        of_models, "give_back", lambda *_: SimpleNamespace(originals=patches, reconstructions=patches / 2)
    )
    alt = of_models.draw_spectra(LAKE, subject("unit")).alt
    assert "of 3 test patches, those with the most frequent of 2 pixel sizes: reconstructions have 25.0%" in alt


def test_grey_levels_of_many_patches_are_those_of_all_at_once_and_take_little_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Bit by bit; floats of a few patches are held at a time."""
    pixels = np.random.default_rng(0).integers(0, 256, (300, 64, 64), dtype=np.uint8)
    scaled = pixels.astype(np.float32) / 255
    monkeypatch.setattr(of_data_set, "CHUNK", 7)
    tracemalloc.start()
    brightness, contrast = of_data_set.grey_of(pixels)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(brightness, scaled.mean((1, 2)))
    np.testing.assert_array_equal(contrast, scaled.std((1, 2)))
    assert peak < pixels.nbytes / 2
