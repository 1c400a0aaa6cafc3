"""Patches lie inside their image, follow the report's rule and come from a stream of their own."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from deepdlt.dataset.patches import (
    PATCH_SCHEMA,
    ImageTooSmall,
    PatchPlan,
    cut_patches,
    dataset_id_of,
    patch_frame,
    plan_patches,
)

IMAGE_IDS = st.text("0123456789abcdef", min_size=32, max_size=32)


def plan_of(image_id: str = "a" * 32, shape: tuple[int, int] = (96, 128), **changes: float) -> PatchPlan:
    """Return a plan by the default recipe, with some settings changed."""
    settings = {"size_px": 64, "n_per_image": 20, "gain_low": 0.8, "gain_high": 1.2, "seed": 0} | changes
    return plan_patches(image_id, shape, **settings)  # type: ignore[arg-type]


def draws_of(plan: PatchPlan) -> np.ndarray:
    """Return the draws as one (n, 3) array."""
    return np.column_stack([plan.origin_row, plan.origin_col, plan.gain])


@settings(deadline=None)
@given(IMAGE_IDS, st.integers(8, 200), st.integers(8, 200), st.integers(1, 8), st.integers(0, 2**40))
def test_every_patch_lies_inside_its_image(image_id: str, height: int, width: int, size: int, seed: int) -> None:
    """Whatever the image's shape, no patch reaches over an edge and no gain leaves its bounds."""
    plan = plan_of(image_id, (height, width), size_px=size, seed=seed)
    assert (plan.origin_row >= 0).all()
    assert (plan.origin_row + size <= height).all()
    assert (plan.origin_col >= 0).all()
    assert (plan.origin_col + size <= width).all()
    assert ((plan.gain >= 0.8) & (plan.gain <= 1.2)).all()


@settings(deadline=None)
@given(IMAGE_IDS, st.integers(0, 30), st.integers(0, 30), st.integers(0, 2**40))
def test_the_first_draws_do_not_depend_on_their_number(image_id: str, few: int, more: int, seed: int) -> None:
    """The first k of n draws are the same for every n."""
    short = draws_of(plan_of(image_id, n_per_image=few, seed=seed))
    longer = draws_of(plan_of(image_id, n_per_image=few + more, seed=seed))
    assert np.array_equal(short, longer[:few])


def test_the_stream_never_changes() -> None:
    """Three draws are pinned: were the stream to change, every stored patch would be made anew."""
    plan = plan_of(n_per_image=3, shape=(960, 1280))
    assert plan.origin_row.tolist() == [538, 773, 132]
    assert plan.origin_col.tolist() == [217, 899, 1035]
    assert plan.gain.tolist() == [0.9426364777564555, 0.8860034021601763, 1.049432982012207]


def test_streams_of_different_images_and_seeds_are_independent() -> None:
    """Draws of 200 images and seeds are all different and uncorrelated with each other."""
    by_image = [draws_of(plan_of(f"{i:032x}", (960, 1280), n_per_image=100)) for i in range(100)]
    by_seed = [draws_of(plan_of(shape=(960, 1280), n_per_image=100, seed=i + 1)) for i in range(100)]
    gains = np.array(by_image + by_seed)[:, :, 2]  # (200, 100)
    assert np.unique(gains).size == gains.size
    correlation = np.corrcoef(gains)[np.triu_indices(200, 1)]
    # 19,900 correlations of 100 draws each: standard deviation 0.1, so the largest is near 0.42.
    assert np.abs(correlation).max() < 0.55
    assert abs(correlation.std() - 0.1) < 0.01


def test_origins_and_gains_are_uniform() -> None:
    """A Kolmogorov-Smirnov test on 20,000 draws sees no departure from uniform."""
    draws = np.concatenate([draws_of(plan_of(f"{i:032x}", (960, 1280), n_per_image=100)) for i in range(200)])
    for column, low, high in ((0, -0.5, 897 - 0.5), (1, -0.5, 1217 - 0.5), (2, 0.8, 1.2)):
        assert stats.kstest(draws[:, column], stats.uniform(low, high - low).cdf).pvalue > 1e-3
    assert draws[:, 0].min() == 0
    assert draws[:, 0].max() == 896


def test_an_image_of_exactly_one_patch_gives_that_patch() -> None:
    """The smallest image that is allowed has one origin only."""
    plan = plan_of(shape=(64, 64))
    assert not plan.origin_row.any()
    assert not plan.origin_col.any()


@pytest.mark.parametrize("shape", [(63, 1280), (960, 63), (1, 1)])
def test_an_image_smaller_than_a_patch_is_refused_with_its_size(shape: tuple[int, int]) -> None:
    """The error carries the image, its shape and the size asked for."""
    with pytest.raises(ImageTooSmall, match="smaller than a patch of 64 px") as caught:
        plan_of("b" * 32, shape)
    assert (caught.value.image_id, caught.value.shape, caught.value.size_px) == ("b" * 32, shape, 64)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size_px": 0}, "size_px"),
        ({"n_per_image": -1}, "n_per_image"),
        ({"gain_low": 1.3}, "gains"),
        ({"gain_low": -0.1}, "gains"),
        ({"gain_high": float("inf")}, "gains"),
        ({"gain_low": float("nan")}, "gains"),
        ({"seed": -1}, "seed"),
    ],
)
def test_settings_out_of_bounds_are_named(changes: dict[str, float], message: str) -> None:
    """A setting that makes no sense is refused by its name."""
    with pytest.raises(ValueError, match=message):
        plan_of(**changes)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 4), st.floats(0, 4))
def test_cutting_equals_the_plain_form_of_the_report(seed: int, one: float, other: float) -> None:
    """The table gives exactly clip(gain * pixel, 0, 255) truncated to 8 bits, for every pixel value."""
    pixels = np.arange(32 * 40, dtype=np.uint32).astype(np.uint8).reshape(32, 40)
    plan = plan_of(shape=(32, 40), size_px=16, gain_low=min(one, other), gain_high=max(one, other), seed=seed)
    plain = [
        np.clip(pixels[row : row + 16, col : col + 16] * gain, 0, 255).astype(np.uint8)
        for row, col, gain in zip(plan.origin_row, plan.origin_col, plan.gain, strict=True)
    ]
    assert np.array_equal(cut_patches(pixels, plan, size_px=16), np.array(plain))


def test_a_plan_without_draws_cuts_nothing() -> None:
    """No draws give an empty stack of the right shape."""
    cut = cut_patches(np.zeros((96, 128), np.uint8), plan_of(n_per_image=0), size_px=64)
    assert cut.shape == (0, 64, 64)
    assert cut.dtype == np.uint8


def test_a_plan_for_another_image_is_refused() -> None:
    """Cutting never reads over an edge."""
    with pytest.raises(ValueError, match="reaches over the image's 80 px"):
        cut_patches(np.zeros((80, 128), np.uint8), plan_of(n_per_image=100), size_px=64)


@pytest.mark.parametrize("pixels", [np.zeros((96, 128)), np.zeros((96, 128, 1), np.uint8)], ids=["float", "3-D"])
def test_only_grey_8_bit_images_are_cut(pixels: np.ndarray) -> None:
    """Pixels of another kind would break the report's rule without a word."""
    with pytest.raises(ValueError, match="uint8 array of shape"):
        cut_patches(pixels, plan_of(), size_px=64)


def test_the_manifest_repeats_the_plan() -> None:
    """One row a patch, numbered from 0, with the plan's own numbers."""
    plan = plan_of()
    frame = patch_frame("a" * 32, "r" * 32, plan)
    assert frame.schema == PATCH_SCHEMA
    assert frame["patch_index"].to_list() == list(range(20))
    assert np.array_equal(frame.select("origin_row", "origin_col", "gain").to_numpy(), draws_of(plan))
    assert frame["patch_id"].n_unique() == 20


def test_equal_draws_have_different_names() -> None:
    """With one possible origin and one gain every draw is the same patch, and is still told apart."""
    plan = plan_of(shape=(64, 64), gain_low=1.0, gain_high=1.0)
    assert patch_frame("a" * 32, "r" * 32, plan)["patch_id"].n_unique() == 20


def test_a_patch_name_changes_with_image_recipe_and_draw() -> None:
    """Whatever makes a patch another patch makes its name another name."""
    plan = plan_of(n_per_image=1)
    moved = PatchPlan(plan.origin_row + np.int32(1), plan.origin_col, plan.gain)
    brighter = PatchPlan(plan.origin_row, plan.origin_col, np.nextafter(plan.gain, 2))
    frames = [
        patch_frame("a" * 32, "r" * 32, plan),
        patch_frame("b" * 32, "r" * 32, plan),
        patch_frame("a" * 32, "s" * 32, plan),
        patch_frame("a" * 32, "r" * 32, moved),
        patch_frame("a" * 32, "r" * 32, brighter),
    ]
    assert pl.concat(frames)["patch_id"].n_unique() == 5


@settings(deadline=None)
@given(st.lists(IMAGE_IDS, unique=True), st.randoms(use_true_random=False))
def test_a_data_set_is_named_by_content_not_by_order(ids: list[str], random: object) -> None:
    """Shuffling the patches keeps the name; another recipe or one patch more changes it."""
    shuffled = ids.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    name = dataset_id_of("r", ids)
    assert dataset_id_of("r", pl.Series(shuffled, dtype=pl.String)) == name
    assert dataset_id_of("s", ids) != name
    assert dataset_id_of("r", [*ids, "one more"]) != name


def test_a_data_set_with_a_repeated_patch_is_refused() -> None:
    """A patch counted twice would weigh twice in training."""
    with pytest.raises(ValueError, match="1 ids are repeated"):
        dataset_id_of("r", ["a", "b", "a"])
