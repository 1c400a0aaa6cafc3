"""Which patches stand for the others: drawn by seed, from different images, of every label value."""

import numpy as np
import polars as pl

from deepdlt.seeds import derive_seed


def choose_examples(patches: pl.DataFrame, n: int, *, seed: int = 0, by: str | None = None) -> pl.DataFrame:
    """Choose a few patches: no image has a second one before every image has its first.

    Parameters
    ----------
    patches : polars.DataFrame
        ``patch_id``, ``image_id`` and whatever else is wanted back.
    n : int
        Patches wanted, at least 1; fewer come back where there are fewer.
    seed : int
        Seed of the draw, which does not depend on the order of rows.
    by : str, optional
        A column whose values take turns, e.g. a label's; rows without a value are left out.

    Returns
    -------
    polars.DataFrame
        The chosen rows, sorted by `by` where it is given (numbers by size), else in the order of the draw.

    Raises
    ------
    ValueError
        If `n` is below 1.

    Examples
    --------
    >>> rows = pl.DataFrame({"patch_id": ["a", "b", "c"], "image_id": ["1", "1", "2"]})
    >>> choose_examples(rows, 2)["image_id"].n_unique()
    2
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    rng = np.random.default_rng(derive_seed(seed, "examples"))
    known = patches.sort("patch_id") if by is None else patches.filter(pl.col(by).is_not_null()).sort("patch_id")
    images = (
        known["image_id"]
        .unique()
        .sort()
        .to_frame()
        .with_columns(_order=pl.Series(rng.permutation(known["image_id"].n_unique())))
    )
    drawn = known.with_columns(_draw=pl.Series(rng.permutation(known.height))).join(images, on="image_id")
    drawn = drawn.with_columns(_turn=pl.col("_draw").rank("ordinal").over("image_id"))
    turn_of_value = pl.lit(0) if by is None else pl.col("_order").rank("ordinal").over("_turn", by)
    chosen = drawn.with_columns(_place=turn_of_value).sort("_turn", "_place", "_order", "_draw").head(n)
    if by is not None:
        chosen = chosen.sort(pl.col(by).cast(pl.Float64, strict=False), by, maintain_order=True)
    return chosen.select(patches.columns)
