"""One seed for a run, and streams of it that do not touch each other."""

from deepdlt.digest import digest_json

SEED_HEX_DIGITS = 15
"""60 bits: fits every generator's signed 64-bit seed."""


def derive_seed(seed: int, *purpose: str | int) -> int:
    """Return the seed of one stream of a run, e.g. the order of patches in epoch 3.

    Streams are named, not drawn one after another: epoch 7 has the same numbers whether or not
    epochs 1 to 6 ran in this process, which is what makes an exact resume need no generator state.

    Parameters
    ----------
    seed : int
        Seed of the run.
    *purpose : str or int
        What the stream is for, e.g. ``"order", 3``.

    Returns
    -------
    int
        In [0, 2**60).

    Examples
    --------
    >>> derive_seed(0, "order", 1) == derive_seed(0, "order", 2)
    False
    """
    return int(digest_json([seed, *purpose])[:SEED_HEX_DIGITS], 16)
