"""How a new image looks to a model that was trained without it: like the known ones, or why not.

The verdict is the first of these that holds:

- *bad image*: nothing is to be seen (its contrast is below half the least of the held-out images), or nothing of what
  is seen can be given back (noise: its error is above that of every held-out image, and the share of its contrast
  that the model misses is nearer to all than to the largest of the held-out images),
- *microscope changed*: its pixel size or its field of view is none of the known ones, within `SIZE_TOLERANCE`,
- *new condition*: a label has a value that the model has not seen,
- *bad image*: its settings are known, and yet its error is above that of every held-out image and of
  `HIGH_PERCENTILE` per cent of the held-out patches,
- *microscope changed*: its settings are known and its error is usual, and yet its code is `FAR` times as far from
  the nearest known image's as any known image's is from its nearest,
- *known*.

A held-out image that shows nothing, or less than the model adds, says nothing of what a model gives back: contrasts and
shares missed are compared with those of the other held-out images, as long as there are any.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Looks = Literal["known", "new condition", "microscope changed", "bad image"]

HIGH_PERCENTILE = 99.0
FAR = 1.5
LEAST_CONTRAST = 0.5
SIZE_TOLERANCE = 0.01
ROUNDING = 1e-9
"""Contrast of a flat image: less than that of a patch with one pixel a grey level off."""

LEAST_CODES = 5
"""Known images from which a distance between codes says anything."""


@dataclass(frozen=True)
class Reference:
    """What a model knows: its held-out patches and images, and the settings of all images of its data set.

    Attributes
    ----------
    patch_errors : ndarray of float64, shape (n,)
        Mean squared error of each held-out patch.
    image_errors, contrasts : ndarray of float64, shape (I,)
        Of each held-out image, means over its patches: of the error, and of that of a flat patch.
    codes : ndarray of float64, shape (J, L)
        Mean code of each image whose codes are known.
    pixel_sizes_nm, fields_of_view_um : sequence of float
    labels : mapping of str to set of str
        Values by label, as people write them.
    """

    patch_errors: NDArray[np.float64]
    image_errors: NDArray[np.float64]
    contrasts: NDArray[np.float64]
    codes: NDArray[np.float64]
    pixel_sizes_nm: Sequence[float]
    fields_of_view_um: Sequence[float]
    labels: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Newcomer:
    """A new image, as the model sees it.

    Attributes
    ----------
    error, contrast : float
        Means over its patches: of the model's squared error, and of a flat patch's.
    code : ndarray of float64, shape (L,)
        Mean over its patches.
    pixel_size_nm, field_of_view_um : float or None
    labels : mapping of str to str
        Value by label; a label without a value is left out.
    """

    error: float
    contrast: float
    code: NDArray[np.float64]
    pixel_size_nm: float | None
    field_of_view_um: float | None
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Drift:
    """What is said of a new image; see the columns of the table `drift`."""

    verdict: Looks
    reason: str
    loss_percentile: float
    latent_distance: float | None
    unseen_labels: str


class Judge:
    """Judges new images by what a model knows.

    Parameters
    ----------
    reference : Reference
        At least one held-out image.
    """

    def __init__(self, reference: Reference) -> None:
        self._known = reference
        spread = reference.codes.std(axis=0) if len(reference.codes) else np.zeros(0)
        self._spread = np.where(spread > 0, spread, 1.0)  # (L,)
        self._loneliest = self._loneliest_known()
        missed = _missed(reference.image_errors, reference.contrasts)
        is_told = (reference.contrasts > ROUNDING) & (missed < 1)
        is_told |= not is_told.any()
        self._missed = float(missed[is_told].max())
        self._least_contrast = float(reference.contrasts[is_told].min())

    def judge(self, one: Newcomer) -> Drift:
        """Return what a new image is."""
        percentile = 100.0 * float(np.mean(self._known.patch_errors < one.error))
        distance = None if self._loneliest is None else self._nearest(one.code, self._known.codes) / self._loneliest
        unseen = [f"{label}={value}" for label, value in sorted(one.labels.items()) if not self._has(label, value)]
        verdict, reason = (
            self._cannot_be_seen(one)
            or self._is_set_otherwise(one, unseen)
            or self._is_odd(one, percentile, distance)
            or ("known", "settings, error and code are as known")
        )
        return Drift(verdict, reason, percentile, distance, ", ".join(unseen))

    def _cannot_be_seen(self, one: Newcomer) -> tuple[Looks, str] | None:
        """Tell an image that shows nothing, or noise."""
        least = self._least_contrast
        if one.contrast < LEAST_CONTRAST * least:
            return "bad image", f"there is little to see: contrast {one.contrast:.3g}, known images have {least:.3g}"
        missed = float(_missed(one.error, one.contrast))
        is_hard = one.error > float(self._known.image_errors.max())
        if is_hard and missed > max(self._missed, (1 + self._missed) / 2):
            return "bad image", f"it looks like noise: {missed:.0%} is missed, of known ones {self._missed:.0%} at most"
        return None

    def _is_set_otherwise(self, one: Newcomer, unseen: Sequence[str]) -> tuple[Looks, str] | None:
        """Tell an image of a microscope or a laser that is set as none before."""
        if not _is_among(one.pixel_size_nm, self._known.pixel_sizes_nm):
            return "microscope changed", f"no known image has a pixel size of {one.pixel_size_nm:.4g} nm"
        if not _is_among(one.field_of_view_um, self._known.fields_of_view_um):
            return "microscope changed", f"no known image has a field of view of {one.field_of_view_um:.4g} um"
        return ("new condition", f"not seen before: {', '.join(unseen)}") if unseen else None

    def _is_odd(self, one: Newcomer, percentile: float, distance: float | None) -> tuple[Looks, str] | None:
        """Tell an image that looks unlike the known ones of its settings."""
        if percentile >= HIGH_PERCENTILE and one.error > float(self._known.image_errors.max()):
            return "bad image", f"its settings are known, its error is above {percentile:.1f} % of the held-out patches"
        if distance is not None and distance > FAR:
            return "microscope changed", f"its settings are known, its code is {distance:.1f} times as far as any known"
        return None

    def _has(self, label: str, value: str) -> bool:
        return value in self._known.labels.get(label, frozenset())

    def _loneliest_known(self) -> float | None:
        """Return the largest distance of a known image's code to its nearest other; None where too few are known."""
        codes = self._known.codes
        if len(codes) < LEAST_CODES:
            return None
        return max(self._nearest(code, np.delete(codes, place, axis=0)) for place, code in enumerate(codes)) or None

    def _nearest(self, code: NDArray[np.float64], others: NDArray[np.float64]) -> float:
        """Return the distance to the nearest of some codes, each number in units of its spread over images."""
        return float(np.sqrt((((others - code) / self._spread) ** 2).mean(axis=1)).min())


def _missed(error: float | NDArray[np.float64], contrast: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of what there is to see that is not given back; 1: no better than a flat patch."""
    return np.asarray(error / np.maximum(contrast, 1e-12), dtype=np.float64)


def _is_among(size: float | None, known: Sequence[float]) -> bool:
    """Tell whether a size is known, or nothing is known of it."""
    sizes = np.asarray(known, dtype=np.float64)
    return size is None or not sizes.size or bool(np.any(np.abs(sizes - size) <= SIZE_TOLERANCE * sizes))
