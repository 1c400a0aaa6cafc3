"""Patches: where they lie, how bright they are made, what they are called."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepdlt.digest import digest_bytes
from deepdlt.errors import DeepdltError

DRAWS_PER_PATCH = 3
"""Row, column, gain: each patch takes this many numbers from its image's stream, in this order."""

PATCH_SCHEMA = pl.Schema(
    {
        "patch_id": pl.String,
        "image_id": pl.String,
        "recipe_id": pl.String,
        "patch_index": pl.Int32,
        "origin_row": pl.Int32,
        "origin_col": pl.Int32,
        "gain": pl.Float64,
    }
)
"""Columns of `patch_frame`; the lake adds where the pixels are stored."""

DRAW_DTYPE = np.dtype([("index", "<i4"), ("row", "<i4"), ("col", "<i4"), ("gain", "<f8")])
"""One draw as bytes, little-endian on every machine, so that patch names agree between machines."""


class ImageTooSmall(DeepdltError):
    """An image holds no patch of the size asked for."""

    def __init__(self, *, image_id: str, shape: tuple[int, int], size_px: int) -> None:
        self.image_id = image_id
        self.shape = shape
        self.size_px = size_px
        super().__init__(
            f"Image {image_id} is {shape[0]} x {shape[1]} px, smaller than a patch of {size_px} px: "
            f"leave the image out, or ask for patches of at most {min(shape)} px."
        )


@dataclass(frozen=True)
class PatchPlan:
    """Where the patches of one image lie and how bright they are made.

    Attributes
    ----------
    origin_row, origin_col : ndarray of int32, shape (n,)
        Top-left corners, in pixels.
    gain : ndarray of float64, shape (n,)
        Brightness factors, dimensionless.
    """

    origin_row: NDArray[np.int32]
    origin_col: NDArray[np.int32]
    gain: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.gain)


def plan_patches(
    image_id: str,
    shape: tuple[int, int],
    *,
    size_px: int,
    n_per_image: int,
    gain_low: float,
    gain_high: float,
    seed: int,
) -> PatchPlan:
    """Draw the origins and gains of one image's patches from that image's own random stream.

    The stream depends on `seed` and `image_id` alone: other images, their order and their number
    change nothing, and the first k of n draws are the same for every n.

    Parameters
    ----------
    image_id : str
        Digest of the image's pixels.
    shape : tuple of int
        Height and width of the image, in pixels.
    size_px : int
        Side of a patch, in pixels.
    n_per_image : int
        Patches to draw.
    gain_low, gain_high : float
        Bounds of the uniform brightness factor, dimensionless, 0 <= low <= high.
    seed : int
        Seed of the recipe, not negative.

    Returns
    -------
    PatchPlan
        `n_per_image` draws, every patch inside the image.

    Raises
    ------
    ImageTooSmall
        If a side of the image is shorter than `size_px`.
    ValueError
        If a size, count, gain or seed is out of its bounds.
    """
    _check_recipe(size_px, n_per_image, gain_low, gain_high, seed)
    if min(shape) < size_px:
        raise ImageTooSmall(image_id=image_id, shape=shape, size_px=size_px)
    uniform = _uniform_stream(image_id, n_per_image, seed)  # (n, 3)
    gain = gain_low + (gain_high - gain_low) * uniform[:, 2]
    return PatchPlan(
        origin_row=_scaled_to(uniform[:, 0], shape[0] - size_px + 1),
        origin_col=_scaled_to(uniform[:, 1], shape[1] - size_px + 1),
        gain=np.minimum(gain, gain_high),  # the sum may round to one step above the bound
    )


def cut_patches(pixels: NDArray[np.uint8], plan: PatchPlan, *, size_px: int) -> NDArray[np.uint8]:
    """Cut the planned patches and apply their gains by the report's rule.

    A pixel p becomes ``clip(gain * p, 0, 255)`` truncated to 8 bits. Since p has 256 values only,
    each patch takes them from a table of its own.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (M, N)
        Grey image.
    plan : PatchPlan
        n origins and gains.
    size_px : int
        Side S of a patch, in pixels.

    Returns
    -------
    ndarray of uint8, shape (n, S, S)
        The patches, in the plan's order.

    Raises
    ------
    ValueError
        If the image is not two-dimensional uint8 or a patch reaches over its edge.
    """
    if pixels.ndim != 2 or pixels.dtype != np.uint8:
        raise ValueError(f"pixels must be a uint8 array of shape (M, N), got {pixels.dtype} {pixels.shape}")
    _check_inside(pixels.shape, plan, size_px)
    tables = np.clip(plan.gain[:, None] * np.arange(256), 0, 255).astype(np.uint8)  # (n, 256)
    patches = np.empty((len(plan), size_px, size_px), np.uint8)
    for patch, table, row, col in zip(patches, tables, plan.origin_row.tolist(), plan.origin_col.tolist(), strict=True):
        crop = pixels[row : row + size_px, col : col + size_px]  # (S, S)
        np.take(table, crop, out=patch, mode="clip")  # "clip" spares take a buffer; no index is out of bounds
    return patches


def patch_frame(image_id: str, recipe_id: str, plan: PatchPlan) -> pl.DataFrame:
    """Return the manifest rows of one image's patches, without the place of their pixels.

    Parameters
    ----------
    image_id, recipe_id : str
        What the patches were cut from, and by which recipe.
    plan : PatchPlan
        n draws.

    Returns
    -------
    polars.DataFrame
        n rows, one per patch, columns as in `PATCH_SCHEMA`. `patch_id` is the digest of image,
        recipe, draw number, origin and gain; the number tells equal draws apart.
    """
    n = len(plan)
    draws = np.empty(n, DRAW_DTYPE)
    draws["index"] = np.arange(n)
    draws["row"], draws["col"], draws["gain"] = plan.origin_row, plan.origin_col, plan.gain
    names = (image_id.encode(), recipe_id.encode())
    columns = {
        "patch_id": [digest_bytes(*names, draw.tobytes()) for draw in draws],
        "image_id": [image_id] * n,
        "recipe_id": [recipe_id] * n,
        "patch_index": draws["index"],
        "origin_row": plan.origin_row,
        "origin_col": plan.origin_col,
        "gain": plan.gain,
    }
    return pl.DataFrame(columns, schema=PATCH_SCHEMA)


def dataset_id_of(recipe_id: str, patch_ids: Sequence[str] | pl.Series) -> str:
    """Name a training set after its recipe and its patches, in whatever order they come.

    Parameters
    ----------
    recipe_id : str
        The recipe of the patches.
    patch_ids : sequence of str
        The patches, each once.

    Returns
    -------
    str
        32 hexadecimal digits.

    Raises
    ------
    ValueError
        If a patch is named twice.
    """
    ordered = sorted(patch_ids)
    if len(set(ordered)) != len(ordered):
        raise ValueError(f"a data set holds each patch once: {len(ordered) - len(set(ordered))} ids are repeated")
    return digest_bytes(recipe_id.encode(), "\n".join(ordered).encode())


def _uniform_stream(image_id: str, n: int, seed: int) -> NDArray[np.float64]:
    """Return (n, 3) numbers in [0, 1) from the image's own stream; row i does not depend on n."""
    key = int(digest_bytes(image_id.encode()), 16)
    raw = np.random.Philox(np.random.SeedSequence([seed, key])).random_raw(n * DRAWS_PER_PATCH)
    # Raw words are what numpy promises never to change; 53 of their 64 bits fill a double.
    uniform = (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return uniform.reshape(n, DRAWS_PER_PATCH)


def _scaled_to(uniform: NDArray[np.float64], n_places: int) -> NDArray[np.int32]:
    """Map [0, 1) onto 0 .. n_places - 1; the product may round up to n_places itself."""
    return np.minimum(uniform * n_places, n_places - 1).astype(np.int32)


def _check_recipe(size_px: int, n_per_image: int, gain_low: float, gain_high: float, seed: int) -> None:
    """Refuse sizes, counts, gains and seeds that make no sense."""
    if size_px < 1:
        raise ValueError(f"size_px must be at least 1, got {size_px}")
    if n_per_image < 0:
        raise ValueError(f"n_per_image must not be negative, got {n_per_image}")
    if not 0 <= gain_low <= gain_high < np.inf:
        raise ValueError(f"gains must satisfy 0 <= low <= high < inf, got {gain_low} and {gain_high}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")


def _check_inside(shape: tuple[int, ...], plan: PatchPlan, size_px: int) -> None:
    """Refuse a plan made for another image or another patch size."""
    for origins, side, axis in ((plan.origin_row, shape[0], "row"), (plan.origin_col, shape[1], "column")):
        if len(origins) and not (origins.min() >= 0 and origins.max() + size_px <= side):
            raise ValueError(
                f"a patch of {size_px} px reaches over the image's {side} px along its {axis}s: "
                f"origins run from {origins.min()} to {origins.max()}"
            )
