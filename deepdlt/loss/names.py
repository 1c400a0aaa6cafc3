"""The names of what training can minimise, and mixtures of them."""

import math
from collections.abc import Mapping

OBJECTIVES = ("mse", "l1", "log_mse", "ssim", "spectral", "feature_matching", "perceptual")


def objective_weights(loss: str | Mapping[str, float]) -> dict[str, float]:
    """Return the weight of each loss in a mixture, in the order of `OBJECTIVES`.

    Parameters
    ----------
    loss : str or mapping of str to float
        A name, or weights by name: finite, above 0. They are taken as they are, whatever their sum.

    Returns
    -------
    dict of str to float

    Raises
    ------
    ValueError
        If a name is not known, a weight out of its bounds, or there is none at all.

    Examples
    --------
    >>> objective_weights({"ssim": 0.2, "mse": 1})
    {'mse': 1.0, 'ssim': 0.2}
    """
    weights = {loss: 1.0} if isinstance(loss, str) else dict(loss)
    unknown = [name for name in weights if name not in OBJECTIVES]
    if unknown or not weights:
        what = f"{', '.join(map(repr, unknown))} is not known" if unknown else "is empty"
        raise ValueError(f"loss {what}: use one or more of {', '.join(OBJECTIVES)}")
    for name, weight in weights.items():
        if not 0 < weight < math.inf:
            raise ValueError(
                f"the weight of {name} must be finite and above 0, got {weight}: leave out what is not wanted"
            )
    return {name: float(weights[name]) for name in OBJECTIVES if name in weights}
