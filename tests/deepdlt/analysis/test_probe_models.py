"""Readers that fit many labellings at once give what scikit-learn gives for each."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.utils.class_weight import compute_sample_weight

from deepdlt.analysis import probe_models
from deepdlt.analysis.probe_models import (
    ProbeFold,
    logistic_scores,
    neighbour_numbers,
    neighbour_scores,
    ridge_predictions,
    standardised_fold,
)


def fold_of(seed: int = 0, n_features: int = 6) -> tuple[ProbeFold, np.ndarray]:
    """Return a fold of 150 training and 50 test patches with correlated features, and what they depend on."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((200, n_features)) @ rng.standard_normal((n_features, n_features)) + 3
    number = np.arange(200)
    fold = standardised_fold(features, number % 4 == 0, number % 4 == 1)
    return fold, features[number % 4 != 0] @ rng.standard_normal(n_features)


def labellings(truth: np.ndarray, n_classes: int) -> np.ndarray:
    """Return noisy classes in unequal shares, (n, 3): a good, a bad and a shuffled labelling."""
    rng = np.random.default_rng(1)
    noisy = [truth + spread * truth.std() * rng.standard_normal(len(truth)) for spread in (0.2, 2.0)]
    columns = [np.searchsorted(np.quantile(one, [0.5, 0.85][: n_classes - 1]), one) for one in noisy]  # 50, 35, 15 %
    return np.column_stack([*columns, rng.permutation(columns[0])])


def sklearn_logistic(penalty: float, x: np.ndarray, y: np.ndarray) -> LogisticRegression:
    """Fit one labelling. For two classes scikit-learn has one vector of coefficients, the difference of our two."""
    share = 0.5 if len(set(y.tolist())) == 2 else 1.0
    model = LogisticRegression(C=1 / (share * penalty * len(y)), class_weight="balanced", tol=1e-8, max_iter=5000)
    return model.fit(x, y)


def test_features_are_put_on_the_scale_of_the_training_side() -> None:
    """Training features have mean 0 and deviation 1; one that does not vary is 0; the test side uses the same scale."""
    rng = np.random.default_rng(0)
    features = np.column_stack([rng.normal(5, 3, 40), np.full(40, 0.1), rng.normal(-1, 1e-3, 40)])
    is_test = np.arange(40) < 10
    features[is_test] += 7
    fold = standardised_fold(features, is_test, np.arange(40) % 2 == 0)
    assert np.allclose(fold.train.mean(axis=0), 0)
    assert np.allclose(fold.train.std(axis=0), [1, 0, 1])
    assert np.allclose(fold.test[:, 0], (features[:10, 0] - features[10:, 0].mean()) / features[10:, 0].std())
    assert (fold.test[:, 1] == 0).all()
    assert fold.is_inner.sum() == 15


def test_ridge_is_that_of_scikit_learn_with_its_best_penalty() -> None:
    """For each labelling, the penalty that predicts the inner patches best is refitted on all training patches."""
    fold, truth = fold_of()
    rng = np.random.default_rng(1)
    targets = np.column_stack([truth, truth + 20 * rng.standard_normal(150), rng.standard_normal(150)]) + 5
    expected, chosen = [], []
    for target in targets.T:
        errors = []
        for penalty in probe_models.PENALTIES:
            rest = ~fold.is_inner
            model = Ridge(alpha=penalty * rest.sum()).fit(fold.train[rest], target[rest])
            errors.append(((model.predict(fold.train[~rest]) - target[~rest]) ** 2).mean())
        chosen.append(probe_models.PENALTIES[int(np.argmin(errors))])
        expected.append(Ridge(alpha=chosen[-1] * 150).fit(fold.train, target).predict(fold.test))
    assert len(set(chosen)) > 1
    assert np.allclose(ridge_predictions(fold, targets), np.transpose(expected))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_logistic_regression_is_that_of_scikit_learn_with_its_best_penalty(n_classes: int) -> None:
    """Probabilities agree with `LogisticRegression(class_weight="balanced")`, fitted labelling by labelling."""
    fold, truth = fold_of()
    codes = labellings(truth, n_classes)
    found = logistic_scores(fold, codes, n_classes)
    assert found.shape == (50, n_classes, 3)
    inner, rest = fold.is_inner, ~fold.is_inner
    chosen = []
    for column, target in enumerate(codes.T):
        tried = [sklearn_logistic(penalty, fold.train[rest], target[rest]) for penalty in probe_models.PENALTIES]
        weights = compute_sample_weight("balanced", target[inner])
        losses = [log_loss(target[inner], one.predict_proba(fold.train[inner]), sample_weight=weights) for one in tried]
        chosen.append(probe_models.PENALTIES[int(np.argmin(losses))])
        expected = sklearn_logistic(chosen[-1], fold.train, target).predict_proba(fold.test)
        assert np.allclose(found[:, :, column], expected, atol=5e-3)
    assert len(set(chosen)) > 1


def test_a_strong_label_is_read_and_a_class_that_is_missing_in_training_is_not_invented() -> None:
    """With a class of no training patch, the others still share the answers, and nothing is NaN."""
    fold, truth = fold_of()
    codes = (truth > truth.mean()).astype(int)[:, None] * 2  # class 1 does not occur
    for model in (logistic_scores, neighbour_scores):
        found = model(fold, codes, 3)
        assert np.isfinite(found).all()
        assert np.allclose(found.sum(axis=1), 1)
        assert set(found.argmax(axis=1).ravel()) == {0, 2}


def test_features_that_repeat_each_other_are_read_in_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve features that differ by a hundredth: 30 steps give what scikit-learn gives in as many as it takes."""
    monkeypatch.setattr(probe_models, "MAX_ITERATIONS", 30)
    monkeypatch.setattr(probe_models, "PENALTIES", (1e-2,))
    plain, truth = fold_of(n_features=2)
    rng = np.random.default_rng(0)
    train, test = (
        np.repeat(side, 6, axis=1) + 0.01 * rng.standard_normal((len(side), 12)) for side in (plain.train, plain.test)
    )
    codes = labellings(truth, 3)
    found = logistic_scores(ProbeFold(train, test, plain.is_inner), codes, 3)
    for column, target in enumerate(codes.T):
        expected = sklearn_logistic(1e-2, train, target).predict_proba(test)
        assert np.allclose(found[:, :, column], expected, atol=2e-3)


def test_neighbours_are_those_of_scikit_learn() -> None:
    """Numbers are means of 15 neighbours; classes are their shares over the classes' shares in training."""
    fold, truth = fold_of()
    codes = labellings(truth, 3)
    targets = codes * 2.5
    numbers = KNeighborsRegressor(15).fit(fold.train, targets).predict(fold.test)
    assert np.allclose(neighbour_numbers(fold, targets), numbers)
    for column, target in enumerate(codes.T):
        shares = KNeighborsClassifier(15).fit(fold.train, target).predict_proba(fold.test)
        lift = shares / (np.bincount(target) / len(target))
        found = neighbour_scores(fold, codes, 3)[:, :, column]
        assert np.allclose(found, lift / lift.sum(axis=1, keepdims=True))


def test_few_patches_and_chunks_leave_neighbours_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """With fewer training patches than neighbours all of them count; chunks change nothing."""
    fold, truth = fold_of()
    few = ProbeFold(fold.train[:4], fold.test, fold.is_inner[:4])
    assert np.allclose(neighbour_numbers(few, truth[:4, None]), truth[:4].mean())
    whole = neighbour_numbers(fold, truth[:, None])
    monkeypatch.setattr(probe_models, "CHUNK", 7)
    assert np.allclose(neighbour_numbers(fold, truth[:, None]), whole)
