"""PCA codes are those of scikit-learn, and errors those of the pictures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.decomposition import PCA

from deepdlt.analysis.pca import PatchPca, fit_pca, gain_offset


def textures(n: int, size_px: int = 12, seed: int = 0) -> np.ndarray:
    """Return n 8-bit patches of fringes with noise, no two alike."""
    rng = np.random.default_rng(seed)
    rows, cols = np.mgrid[:size_px, :size_px]
    phase, turn, strength = rng.uniform(0, 6, n), rng.uniform(0, 3, n), rng.uniform(20, 80, n)
    waves = np.cos(0.9 * (np.outer(np.cos(turn), cols) + np.outer(np.sin(turn), rows)) + phase[:, None])
    grey = 120 + strength[:, None] * waves + rng.normal(0, 8, waves.shape)
    return grey.reshape(n, size_px, size_px).clip(0, 255).astype(np.uint8)


def unit_rows(patches: np.ndarray) -> np.ndarray:
    """Return 8-bit patches as rows on [0, 1]."""
    return np.asarray(patches.reshape(len(patches), -1) / 255)


@pytest.mark.parametrize("n_train", [60, 400], ids=["fewer patches than pixels", "more patches than pixels"])
@pytest.mark.parametrize("solver", ["exact", "randomised"])
def test_the_fit_is_that_of_scikit_learn(n_train: int, solver: str) -> None:
    """Mean, variances, components up to their sign and errors on new patches agree with `PCA(svd_solver="full")`."""
    train, test = textures(n_train), textures(50, seed=1)
    ours = fit_pca(train, n_components=20, solver=solver)  # type: ignore[arg-type]
    theirs = PCA(20, svd_solver="full").fit(unit_rows(train))
    assert np.allclose(ours.mean, theirs.mean_, atol=1e-6)
    assert np.allclose(ours.variance, theirs.explained_variance_, rtol=1e-4)
    overlap = np.abs((ours.components * theirs.components_).sum(axis=1))
    assert np.allclose(overlap, 1, atol=1e-3)
    rebuilt = theirs.inverse_transform(theirs.transform(unit_rows(test)))
    errors = ((rebuilt - unit_rows(test)) ** 2).mean(axis=1)
    assert np.allclose(ours.mse(test, counts=[20])[20], errors, rtol=1e-3)


def test_one_fit_gives_the_errors_of_several_component_counts() -> None:
    """Errors for every k are those of the pictures that k components give, and fall with k."""
    train, test = textures(400), textures(40, seed=1)
    pca = fit_pca(train, n_components=64)
    errors = pca.mse(test, counts=[64, 0, 8, 3])
    assert sorted(errors) == [0, 3, 8, 64]
    for count, found in errors.items():
        difference = pca.reconstruct(test, n_components=count).reshape(40, -1) - unit_rows(test)
        assert np.allclose(found, (difference**2).mean(axis=1), rtol=1e-4)
    assert (errors[0] >= errors[3]).all()
    assert (errors[3] >= errors[8]).all()
    assert (errors[8] >= errors[64]).all()


def test_training_patches_come_back_whole_from_all_their_directions() -> None:
    """30 patches vary in 29 directions: no more are kept, and these give every training patch back."""
    train = textures(30)
    pca = fit_pca(train, n_components=512)
    assert pca.n_components == 29
    assert np.allclose(pca.reconstruct(train) * 255, train, atol=1e-3)
    assert pca.mse(train, counts=[29])[29].max() < 1e-10


@pytest.mark.parametrize("n_train", [4, 400])
def test_patches_that_do_not_vary_have_no_components(n_train: int) -> None:
    """Equal patches leave the mean alone; new patches are measured against it."""
    pca = fit_pca(np.full((n_train, 12, 12), 77, np.uint8), n_components=5)
    assert pca.n_components == 0
    assert np.allclose(pca.mse(np.full((2, 12, 12), 128, np.uint8), counts=[0])[0], (51 / 255) ** 2, rtol=1e-5)
    assert pca.codes(textures(3)).shape == (3, 0)


def test_errors_on_the_signed_range_are_four_times_those_on_the_unit_range() -> None:
    """The scale is stated, and doubling it squares into the error."""
    train, test = textures(300), textures(20, seed=1)
    unit = fit_pca(train, n_components=8).mse(test, counts=[8])[8]
    signed = fit_pca(train, n_components=8, target_range="signed").mse(test, counts=[8])[8]
    assert np.allclose(signed, 4 * unit, rtol=1e-4)


def test_grey_levels_and_floats_on_the_target_range_are_the_same_patches() -> None:
    """Bytes are scaled to the range; floats are on it already."""
    patches = textures(200)
    grey = fit_pca(patches, n_components=6, target_range="signed")
    floats = fit_pca((patches / 127.5 - 1).astype(np.float32), n_components=6, target_range="signed")
    assert np.allclose(grey.components, floats.components, atol=1e-4)
    assert np.allclose(grey.codes(patches), floats.codes(patches / 127.5 - 1), atol=1e-4)


def test_chunks_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven patches at a time give what all at once give."""
    train, test = textures(300), textures(25, seed=1)
    whole = fit_pca(train, n_components=10)
    monkeypatch.setattr("deepdlt.analysis.pca.CHUNK", 7)
    parts = fit_pca(train, n_components=10)
    assert np.allclose(whole.components, parts.components, atol=1e-4)
    assert np.allclose(whole.mse(test, counts=[10])[10], parts.mse(test, counts=[10])[10], rtol=1e-4)


def test_no_patches_give_no_errors() -> None:
    """An empty held-out side is an empty answer of the right shape."""
    pca = fit_pca(textures(20), n_components=4)
    none = np.empty((0, 12, 12), np.uint8)
    assert pca.mse(none, counts=[2])[2].shape == (0,)
    assert pca.codes(none).shape == (0, 4)
    assert pca.reconstruct(none).shape == (0, 12, 12)
    assert gain_offset(none, pca.mean, target_range="unit").mse.shape == (0,)


@pytest.mark.parametrize(
    ("patches", "changes", "message"),
    [
        (np.zeros((1, 4, 4), np.uint8), {}, "at least two patches"),
        (np.zeros((5, 4, 3), np.uint8), {}, "at least two patches"),
        (np.zeros((5, 4, 4), np.uint8), {"n_components": 0}, "n_components"),
        (np.zeros((5, 4, 4), np.uint8), {"target_range": "byte"}, "target_range"),
        (np.zeros((5, 4, 4), np.int32), {}, "uint8 grey levels or floats"),
        (np.full((5, 4, 4), np.nan), {}, "leave those out"),
    ],
    ids=["one patch", "not square", "no component", "range", "type", "NaN"],
)
def test_what_cannot_be_fitted_is_refused(patches: np.ndarray, changes: dict[str, object], message: str) -> None:
    """The error says what is wrong with patches or settings."""
    with pytest.raises(ValueError, match=message):
        fit_pca(patches, **changes)  # type: ignore[arg-type]


def test_more_components_than_there_are_is_refused() -> None:
    """PCA-512 of few patches is an error, not silently something else."""
    pca = fit_pca(textures(20), n_components=5)
    with pytest.raises(ValueError, match="6 components were asked for, the fit has 0 to 5"):
        pca.mse(textures(2), counts=[6])
    with pytest.raises(ValueError, match="patches must have shape"):
        pca.codes(textures(2, size_px=8))


@settings(max_examples=50, deadline=None)
@given(
    hnp.arrays(np.uint8, (6, 5, 5)),
    hnp.arrays(np.float64, (5, 5), elements=st.floats(0, 1, width=32)),
    st.sampled_from(["unit", "signed"]),
)
def test_gain_and_offset_are_the_least_squares_fit(patches: np.ndarray, mean: np.ndarray, target_range: str) -> None:
    """Errors equal those of `numpy.linalg.lstsq`, and never exceed the flat patch's."""
    fit = gain_offset(patches, mean, target_range=target_range)
    rows = unit_rows(patches) * (2 if target_range == "signed" else 1) - (1 if target_range == "signed" else 0)
    flat = rows.var(axis=1)
    assert (fit.mse <= flat + 1e-6).all()
    rebuilt = fit.gain[:, None] * mean.ravel() + fit.offset[:, None]
    assert np.allclose(((rebuilt - rows) ** 2).mean(axis=1), fit.mse, atol=1e-6)
    if np.ptp(mean) > 1e-3:
        design = np.column_stack([mean.ravel(), np.ones(25)])
        best = design @ np.linalg.lstsq(design, rows.T, rcond=None)[0]
        assert np.allclose(((best.T - rows) ** 2).mean(axis=1), fit.mse, atol=1e-6)


def test_patches_that_are_the_mean_made_brighter_are_explained_wholly() -> None:
    """Gain and offset are recovered where they are all that differs."""
    mean = np.linspace(0.2, 0.6, 36).reshape(6, 6)
    fit = gain_offset(np.stack([1.5 * mean - 0.1, 0.5 * mean + 0.3]), mean, target_range="unit")
    assert np.allclose(fit.gain, [1.5, 0.5], atol=1e-5)
    assert np.allclose(fit.offset, [-0.1, 0.3], atol=1e-5)
    assert fit.mse.max() < 1e-12


def test_a_constant_mean_patch_leaves_the_flat_patch() -> None:
    """Without a shape to scale, gain is 0 and the error the patch's own variance."""
    patches = textures(5)
    for level in (0.0, 0.1, 0.3, 0.7, 1.0):  # means of some of these round to another number
        fit = gain_offset(patches, np.full((12, 12), level), target_range="unit")
        assert (fit.gain == 0).all()
        assert np.allclose(fit.mse, unit_rows(patches).var(axis=1), rtol=1e-5)


def test_a_mean_patch_of_another_size_is_refused() -> None:
    """Rather than broadcast into nonsense."""
    with pytest.raises(ValueError, match="do not fit a mean patch"):
        gain_offset(textures(3), np.zeros(100), target_range="unit")


def test_the_fit_is_what_it_says_in_its_fields() -> None:
    """Components are orthonormal and variances those of the training codes."""
    train = textures(300)
    pca = fit_pca(train, n_components=10)
    assert isinstance(pca, PatchPca)
    assert np.allclose(pca.components @ pca.components.T, np.eye(10), atol=1e-5)
    assert np.allclose(pca.codes(train).var(axis=0, ddof=1), pca.variance, rtol=1e-3)
    assert (pca.size_px, pca.target_range) == (12, "unit")
