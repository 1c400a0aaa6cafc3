"""Cut the patches of one image: when it is asked for, or early, while an ingest has its pixels at hand.

Decoding is most of the work between an image and its patches. An ingest decodes each new image to name
it; a night then wants its patches. What the ingest cuts on the way is kept here, in this process, until
it is asked for, so that an image is decoded once.
"""

import threading
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepdlt.config import PatchRecipe
from deepdlt.dataset.patches import cut_patches, patch_frame, plan_patches

MAX_BYTES = 2**28
"""Pixels of early cuts that are held at most: 655 images of 100 patches; further images are decoded twice."""


@dataclass(frozen=True)
class Cut:
    """The patches of one image."""

    manifest: pl.DataFrame
    pixels: NDArray[np.uint8]


def cut_image(image_id: str, pixels: NDArray[np.uint8], recipe: PatchRecipe) -> Cut:
    """Cut the patches of one image.

    Parameters
    ----------
    image_id : str
        Digest of the pixels.
    pixels : ndarray of uint8, shape (M, N)
        Grey levels.
    recipe : PatchRecipe
        How patches are cut.

    Returns
    -------
    Cut

    Raises
    ------
    ImageTooSmall
        If no patch fits in.
    """
    plan = plan_patches(image_id, pixels.shape, **recipe.model_dump())
    manifest = patch_frame(image_id, recipe.recipe_id, plan)
    return Cut(manifest=manifest, pixels=cut_patches(pixels, plan, size_px=recipe.size_px))


class EarlyCuts:
    """Cuts by image that were made before anyone asked; may be used by several threads.

    Parameters
    ----------
    recipe : PatchRecipe
        How they are cut: the recipe that nights use.
    max_bytes : int
        Pixels that are held at most; what comes beyond is not kept.
    """

    def __init__(self, recipe: PatchRecipe, *, max_bytes: int = MAX_BYTES) -> None:
        self.recipe = recipe
        self.max_bytes = max_bytes
        self._mutex = threading.Lock()
        self._held: dict[str, Cut] = {}
        self._n_bytes = 0

    def offer(self, image_id: str, pixels: NDArray[np.uint8]) -> None:
        """Cut an image whose pixels are at hand, where there is room and a patch fits in."""
        n_bytes = self.recipe.n_per_image * self.recipe.size_px**2
        if min(pixels.shape) < self.recipe.size_px:
            return
        with self._mutex:
            if image_id in self._held or self._n_bytes + n_bytes > self.max_bytes:
                return
            self._n_bytes += n_bytes
        cut = cut_image(image_id, pixels, self.recipe)
        with self._mutex:
            if image_id in self._held:  # another file of equal pixels was cut in the meantime
                self._n_bytes -= n_bytes
            self._held[image_id] = cut

    def take(self, image_id: str, recipe: PatchRecipe) -> Cut | None:
        """Hand over the cut of an image under a recipe, and keep it no longer; None where it is not held."""
        if recipe != self.recipe:
            return None
        with self._mutex:
            cut = self._held.pop(image_id, None)
            self._n_bytes -= 0 if cut is None else cut.pixels.nbytes
            return cut

    def clear(self) -> None:
        """Forget every cut."""
        with self._mutex:
            self._held.clear()
            self._n_bytes = 0


EARLY = EarlyCuts(PatchRecipe())
"""Those of this process."""
