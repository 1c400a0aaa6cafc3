"""Which of two models is the better one, by a rule that is stated before: a challenger has to prove itself.

A challenger takes a champion's place if, on images that it was not trained on,

1. its error is below that of every baseline that spends no more numbers a patch than its code has,
2. its error is below the champion's by more than chance: the 95 % interval over images lies below zero,
3. no label value is worse than with the champion by more than `MOST_WORSE`.

The two are compared on the images that both were tested on; where these are fewer than `LEAST_COMMON`, since
another split was drawn, each on its own. Where there is no champion yet, the first part alone decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from deepdlt.quality.intervals import Group, Interval, bootstrap_means, difference_interval, mean_interval
from deepdlt.seeds import derive_seed

MOST_WORSE = 0.05
"""Share by which the error of one label value may grow."""

N_BOOTSTRAP = 2000
CONFIDENCE = 0.95
LEAST_IMAGES = 3
"""Test images from which an interval is worth its name."""

LEAST_COMMON = 5
"""Images that both were tested on from which these alone are compared, each image with itself."""

LEAST_OF_VALUE = 2
"""Images of a label value from which its error counts."""

NUMBERS = {"flat patch": 1, "PCA-8": 8, "PCA-32": 32, "PCA-128": 128, "PCA-512": 512}
"""Numbers a patch that each baseline spends."""

Errors = Mapping[str, float]
"""Mean squared error of each image, target range."""

Labels = Mapping[str, Mapping[str, str]]
"""Label to image to value, as people write it; images without a value are left out."""


@dataclass(frozen=True)
class Evidence:
    """What is known of a model on images that it was not trained on.

    Attributes
    ----------
    errors : mapping of str to float
        Mean squared error of each test image, target range.
    mse : float
        Mean over test patches, which the baselines are compared with.
    baselines : mapping of str to float
        Mean squared errors of the baselines over the same patches, by the names in `NUMBERS`.
    n_code : int or None
        Numbers in the code of a patch; None for feature maps, which are more than any baseline spends.
    """

    errors: Errors
    mse: float
    baselines: Mapping[str, float]
    n_code: int | None

    @property
    def mean(self) -> float:
        """Mean over images."""
        return float(np.mean(list(self.errors.values())))


@dataclass(frozen=True)
class Verdict:
    """What the rule says.

    Attributes
    ----------
    is_promoted : bool
    reason : str
        Which part of the rule decided, in a sentence.
    difference, ci_low, ci_high : float or None
        Candidate minus champion; None where the two were not compared.
    n_common : int or None
        Images that both were tested on, where these alone were compared.
    """

    is_promoted: bool
    reason: str
    difference: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    n_common: int | None = None


def judge(candidate: Evidence, champion: Evidence | None, labels: Labels, *, most_worse: float = MOST_WORSE) -> Verdict:
    """Decide whether a candidate becomes champion.

    Parameters
    ----------
    candidate : Evidence
    champion : Evidence or None
        Of the same preset; None where there is none.
    labels : mapping of str to mapping of str to str
        Of all images.
    most_worse : float
        Share by which the error of one label value may grow.

    Returns
    -------
    Verdict
    """
    if len(candidate.errors) < LEAST_IMAGES:
        return Verdict(False, f"it has {len(candidate.errors)} test images, {LEAST_IMAGES} are needed to tell")
    above = _baseline_not_beaten(candidate)
    if champion is None:
        return Verdict(not above, above or "it is the first that is better than every baseline")
    common = candidate.errors.keys() & champion.errors.keys()
    is_paired = len(common) >= LEAST_COMMON
    one, other = ((_only(each.errors, common) if is_paired else each.errors) for each in (candidate, champion))
    difference, interval = _difference(one, other, is_paired=is_paired)
    against = above or _not_better(difference, interval) or _worse_value(one, other, labels, most_worse)
    better = f"its error is lower by {-difference:.3g}, {_words(interval)}"
    n_common = len(common) if is_paired else None
    return Verdict(not against, against or better, difference, interval.low, interval.high, n_common)


def _only(errors: Errors, images: Iterable[str]) -> dict[str, float]:
    """Return the errors of some images."""
    return {image: errors[image] for image in images}


def _baseline_not_beaten(candidate: Evidence) -> str:
    """Return which baseline does as well with no more numbers; '' for none."""
    fair = {
        name: mse
        for name, mse in candidate.baselines.items()
        if candidate.n_code is None or NUMBERS[name] <= candidate.n_code
    }
    if not fair:
        return "its baselines were not measured"
    name, least = min(fair.items(), key=lambda pair: pair[1])
    if candidate.mse < least:
        return ""
    return f"it is no better than the baseline {name}: {candidate.mse:.4g} against {least:.4g}"


def _not_better(difference: float, interval: Interval) -> str:
    """Return why the difference proves nothing; '' where it does."""
    if difference >= 0:
        return f"its error is not lower than the champion's, but higher by {difference:.3g}"
    return "" if interval.excludes_zero else f"it is lower by {-difference:.3g}, maybe by chance: {_words(interval)}"


def _words(interval: Interval) -> str:
    """Return an interval of a gain in words; the interval is that of the loss."""
    if interval.low is None or interval.high is None:
        return "from too few images for an interval"
    return f"95 % interval {-interval.high:.3g} to {-interval.low:.3g}"


def _worse_value(candidate: Errors, champion: Errors, labels: Labels, most_worse: float) -> str:
    """Return which label value has got worse by too much; '' for none."""
    ours, theirs = _by_value(candidate, labels), _by_value(champion, labels)
    worse = {key: ours[key] / max(theirs[key], 1e-12) - 1 for key in sorted(ours.keys() & theirs.keys())}
    if not worse or max(worse.values()) <= most_worse:
        return ""
    (label, value), share = max(worse.items(), key=lambda pair: pair[1])
    return f"{label} = {value} is worse by {100 * share:.1f} %, more than {100 * most_worse:g} %"


def _by_value(errors: Errors, labels: Labels) -> dict[tuple[str, str], float]:
    """Return the mean error of each label and value with enough images."""
    found: dict[tuple[str, str], list[float]] = {}
    for label, values in labels.items():
        for image in errors.keys() & values.keys():
            found.setdefault((label, values[image]), []).append(errors[image])
    return {key: float(np.mean(each)) for key, each in found.items() if len(each) >= LEAST_OF_VALUE}


def _difference(candidate: Errors, champion: Errors, *, is_paired: bool) -> tuple[float, Interval]:
    """Return candidate minus champion, and its interval over images.

    Paired where both were tested on the same images, else each draws from its own.
    """
    rng = np.random.default_rng(derive_seed(0, "champion", *sorted(candidate)))
    if is_paired:
        apart = _group([candidate[image] - champion[image] for image in sorted(candidate)])
        draws = bootstrap_means(apart, n_draws=N_BOOTSTRAP, rng=rng)
        return apart.mean, mean_interval(apart, draws, confidence=CONFIDENCE)
    ours, theirs = (_group([errors[image] for image in sorted(errors)]) for errors in (candidate, champion))
    one, other = (bootstrap_means(each, n_draws=N_BOOTSTRAP, rng=rng) for each in (ours, theirs))
    return ours.mean - theirs.mean, difference_interval(ours, theirs, one, other, confidence=CONFIDENCE)


def _group(values: Sequence[float]) -> Group:
    """Return images that count the same, however many patches they have."""
    return Group(np.asarray(values, dtype=np.float64), np.ones(len(values)))
