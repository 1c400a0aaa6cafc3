"""Simple readers of a code: ridge and logistic regression, and nearest neighbours, for many labellings at once.

A permutation test fits the same features to many shuffled labels. All labellings of one fold are
fitted together: one eigendecomposition, one table of neighbours, one minimisation.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize

PENALTIES = (10.0, 1.0, 1e-1, 1e-2)
"""Weights of the squared coefficients, per patch and for standardised features; each labelling picks its own."""

N_NEIGHBOURS = 15

MAX_ITERATIONS = 100
GRADIENT_TOLERANCE = 1e-4
"""Of the mean log loss, for unknowns of curvature 1: probabilities are then right to about 1e-3."""

CONSTANT = 1e-10
"""Features that vary by a smaller share of their size do not vary."""

CHUNK = 512
"""Test patches whose distances to all training patches are held at once."""


@dataclass(frozen=True, eq=False)
class ProbeFold:
    """Standardised features of one fold.

    Attributes
    ----------
    train : ndarray of float64, shape (n, F)
        Training patches, mean 0 and standard deviation 1 in every feature that varies.
    test : ndarray of float64, shape (m, F)
        Held-out patches on the same scale.
    is_inner : ndarray of bool, shape (n,)
        Training patches, of images of their own, on which penalties are compared.
    """

    train: NDArray[np.float64]
    test: NDArray[np.float64]
    is_inner: NDArray[np.bool_]


def standardised_fold(
    features: NDArray[np.float64], is_test: NDArray[np.bool_], is_inner: NDArray[np.bool_]
) -> ProbeFold:
    """Split features and put both sides on the scale of the training side.

    Parameters
    ----------
    features : ndarray of float64, shape (N, F)
        All patches.
    is_test, is_inner : ndarray of bool, shape (N,)
        Held-out patches, and training patches to compare penalties on.

    Returns
    -------
    ProbeFold
        A feature that does not vary in training is 0 there.
    """
    train = features[~is_test]
    mean, spread = train.mean(axis=0), train.std(axis=0)
    spread = np.where(spread > CONSTANT * np.abs(mean), spread, np.inf)
    return ProbeFold((train - mean) / spread, (features[is_test] - mean) / spread, is_inner[~is_test])


def ridge_predictions(fold: ProbeFold, targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Predict numbers by linear regression with a penalty on squared coefficients.

    The mean squared error plus penalty times the sum of squared coefficients is minimised, the
    intercept free. The penalty is, for each labelling, the one of `PENALTIES` that predicts the
    inner images best from the others.

    Parameters
    ----------
    fold : ProbeFold
        n training and m test patches.
    targets : ndarray of float64, shape (n, T)
        Numbers to learn, one column a labelling.

    Returns
    -------
    ndarray of float64, shape (m, T)
    """
    inner, rest = fold.is_inner, ~fold.is_inner
    tried = _ridge(fold.train[rest], targets[rest], fold.train[inner])  # (P, inner, T)
    best = ((tried - targets[inner]) ** 2).mean(axis=1).argmin(axis=0)  # (T,)
    predictions = _ridge(fold.train, targets, fold.test)  # (P, m, T)
    return predictions[best, :, np.arange(targets.shape[1])].T


def logistic_scores(fold: ProbeFold, codes: NDArray[np.int64], n_classes: int) -> NDArray[np.float64]:
    """Predict categories by multinomial logistic regression in which every class weighs the same.

    The log loss, averaged within each class and then over classes, plus half the penalty times the
    sum of squared coefficients is minimised, intercepts free. Penalties are picked as for the ridge.

    Parameters
    ----------
    fold : ProbeFold
        n training and m test patches.
    codes : ndarray of int64, shape (n, T)
        Classes 0 .. n_classes - 1, one column a labelling.
    n_classes : int
        K.

    Returns
    -------
    ndarray of float64, shape (m, K, T)
        Probabilities.
    """
    inner, rest = fold.is_inner, ~fold.is_inner
    tried = _Softmax.of(fold.train[rest], codes[rest], n_classes)
    losses, coefficients = [], tried.start()
    for penalty in PENALTIES:  # from the strongest, each starting where the last one ended
        coefficients = tried.fit(np.full(codes.shape[1], penalty), coefficients)
        losses.append(_balanced_log_loss(tried.log_probabilities(fold.train[inner], coefficients), codes[inner]))
    best = np.asarray(PENALTIES)[np.argmin(losses, axis=0)]  # (T,)
    chosen = _Softmax.of(fold.train, codes, n_classes)
    return np.exp(chosen.log_probabilities(fold.test, chosen.fit(best, chosen.start())))


def neighbour_numbers(fold: ProbeFold, targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Predict numbers by the mean of the nearest training patches.

    Parameters
    ----------
    fold : ProbeFold
        n training and m test patches.
    targets : ndarray of float64, shape (n, T)
        Numbers, one column a labelling.

    Returns
    -------
    ndarray of float64, shape (m, T)
    """
    predictions: NDArray[np.float64] = targets[_neighbours(fold)].mean(axis=1)
    return predictions


def neighbour_scores(fold: ProbeFold, codes: NDArray[np.int64], n_classes: int) -> NDArray[np.float64]:
    """Predict categories by the nearest training patches, each class weighing the same.

    Parameters
    ----------
    fold : ProbeFold
        n training and m test patches.
    codes : ndarray of int64, shape (n, T)
        Classes, one column a labelling.
    n_classes : int
        K.

    Returns
    -------
    ndarray of float64, shape (m, K, T)
        Share of each class among the neighbours over its share among all training patches, scaled
        to add up to 1 over classes.
    """
    near = codes[_neighbours(fold)]  # (m, k, T)
    found = np.stack([(near == code).mean(axis=1) for code in range(n_classes)], axis=1)  # (m, K, T)
    shares = np.stack([(codes == code).mean(axis=0) for code in range(n_classes)])  # (K, T)
    lift = found / np.where(shares > 0, shares, 1.0)
    scores: NDArray[np.float64] = lift / lift.sum(axis=1, keepdims=True)
    return scores


def _ridge(x: NDArray[np.float64], y: NDArray[np.float64], x_new: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return predictions (P, m, T) for every penalty."""
    centre, level = x.mean(axis=0), y.mean(axis=0)
    values, vectors = linalg.eigh((x - centre).T @ (x - centre) / len(x))
    turned = vectors.T @ ((x - centre).T @ (y - level) / len(x))  # (F, T)
    turned_new = (x_new - centre) @ vectors  # (m, F)
    shrunk = [turned / (np.maximum(values, 0.0) + penalty)[:, None] for penalty in PENALTIES]
    predictions: NDArray[np.float64] = level + np.stack([turned_new @ part for part in shrunk])
    return predictions


@dataclass(frozen=True, eq=False)
class _Softmax:
    """Multinomial logistic regression of all labellings, minimised as one separable problem.

    Features are turned to their principal axes, and the unknowns scaled so that the curvature where
    all classes are equally likely is 1 in every direction: with features as alike as neighbouring
    bins of a spectrum, that is what makes the minimisation short.

    Attributes
    ----------
    axes : ndarray of float64, shape (F, F)
        Principal axes, one a column.
    x : ndarray of float64, shape (n, F + 1)
        Turned features, and 1 for the intercept.
    spread : ndarray of float64, shape (F + 1,)
        Mean square of each column of `x`.
    is_class : ndarray of bool, shape (n, K, T)
    weights : ndarray of float64, shape (n, 1, T)
        Adding up to 1 a labelling.
    """

    axes: NDArray[np.float64]
    x: NDArray[np.float64]
    spread: NDArray[np.float64]
    is_class: NDArray[np.bool_]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, x: NDArray[np.float64], codes: NDArray[np.int64], n_classes: int) -> "_Softmax":
        """Turn features (n, F) and lay out classes (n, T)."""
        values, axes = linalg.eigh(x.T @ x / len(x))
        return cls(
            axes=axes,
            x=_with_one(x @ axes),
            spread=np.append(np.maximum(values, 0.0), 1.0),
            is_class=codes[:, None, :] == np.arange(n_classes)[:, None],
            weights=_class_weights(codes, n_classes)[:, None, :],
        )

    def start(self) -> NDArray[np.float64]:
        """Return coefficients (F + 1, K, T) for which all classes are equally likely."""
        return np.zeros((self.x.shape[1], *self.is_class.shape[1:]))

    def fit(self, penalties: NDArray[np.float64], start: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the coefficients (F + 1, K, T) of least penalised loss; one penalty a labelling."""
        n_classes = start.shape[1]
        damping = np.tile(penalties, (len(start), 1, 1))  # (F + 1, 1, T)
        damping[-1] = 0  # the intercept is free
        curvature = (1 - 1 / n_classes) / n_classes * self.spread[:, None, None]
        scale = 1 / np.sqrt(curvature + damping)

        def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            coefficients = scale * flat.reshape(start.shape)
            log_p = _log_softmax(self.x, coefficients)
            damped = damping * coefficients
            loss = 0.5 * np.vdot(damped, coefficients) - np.vdot(self.weights * log_p, self.is_class)
            errors = self.weights * (np.exp(log_p) - self.is_class)
            gradient = (self.x.T @ errors.reshape(len(errors), -1)).reshape(start.shape) + damped
            return float(loss), (scale * gradient).ravel()

        options = {"maxiter": MAX_ITERATIONS, "gtol": GRADIENT_TOLERANCE}
        # Not L-BFGS-B: on a busy machine its tiny LAPACK calls wait for threads, ten times as long as they take.
        found = optimize.minimize(objective, (start / scale).ravel(), jac=True, method="CG", options=options)
        coefficients: NDArray[np.float64] = scale * found.x.reshape(start.shape)
        return coefficients

    def log_probabilities(self, x: NDArray[np.float64], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return log probabilities (m, K, T) for new features (m, F)."""
        return _log_softmax(_with_one(x @ self.axes), coefficients)


def _with_one(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return features with a column of ones, which carries the intercept."""
    return np.column_stack([x, np.ones(len(x))])


def _log_softmax(x: NDArray[np.float64], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log probabilities (n, K, T) of features (n, F + 1)."""
    logits = (x @ coefficients.reshape(len(coefficients), -1)).reshape(len(x), *coefficients.shape[1:])
    logits -= logits.max(axis=1, keepdims=True)
    log_p: NDArray[np.float64] = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return log_p


def _class_weights(codes: NDArray[np.int64], n_classes: int) -> NDArray[np.float64]:
    """Return weights (n, T) that add up to 1 a labelling, in equal parts for its classes."""
    counts = np.stack([(codes == code).sum(axis=0) for code in range(n_classes)])  # (K, T)
    n_present = (counts > 0).sum(axis=0)
    weights: NDArray[np.float64] = 1 / (np.take_along_axis(counts, codes, axis=0) * n_present)
    return weights


def _balanced_log_loss(log_p: NDArray[np.float64], codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the log loss (T,) of the true classes, each weighing the same."""
    of_truth = np.take_along_axis(log_p, codes[:, None, :], axis=1)[:, 0]  # (n, T)
    loss: NDArray[np.float64] = -(_class_weights(codes, log_p.shape[1]) * of_truth).sum(axis=0)
    return loss


def _neighbours(fold: ProbeFold) -> NDArray[np.int64]:
    """Return rows (m, k) of the training patches nearest to each test patch, in no order."""
    n_near = min(N_NEIGHBOURS, len(fold.train))
    lengths = np.einsum("nf,nf->n", fold.train, fold.train)
    parts = [np.empty((0, n_near), np.int64)]
    for start in range(0, len(fold.test), CHUNK):
        distances = lengths - 2 * fold.test[start : start + CHUNK] @ fold.train.T  # squared, but for a constant a row
        parts.append(np.argpartition(distances, n_near - 1, axis=1)[:, :n_near])
    return np.concatenate(parts)
