"""How far a reconstruction is from its target: one differentiable number a patch, 0 for the same patch."""

from torch import Tensor, cat
from torch.nn.functional import avg_pool2d

from deepdlt.inputs.scale import widened
from deepdlt.inputs.spectrum import log_power
from deepdlt.loss.losses import squared_error
from deepdlt.quality.metrics import SSIM_K1, SSIM_K2, SSIM_WINDOW_PX

LOG_FLOOR = 1e-4
"""Mean squared error, on [0, 1], below which a better patch hardly counts for `log_squared_error`: 40 dB."""


def absolute_error(reconstruction: Tensor, target: Tensor) -> Tensor:
    """Return the mean absolute error of each patch.

    Parameters
    ----------
    reconstruction, target : Tensor of float, shape (B, 1, S, S)
        On the run's target range.

    Returns
    -------
    Tensor, shape (B,)
        In [0, 1] on the unit range, [0, 2] on the signed one.
    """
    return (reconstruction - target).abs().flatten(1).mean(1)


def log_squared_error(reconstruction: Tensor, target: Tensor) -> Tensor:
    r"""Return the logarithm of the mean squared error of each patch, over `LOG_FLOOR`.

    :math:`\log(1 + e / e_0)`. Its mean over patches falls with the mean of their PSNR, to which faint patches
    count as much as strong ones; the mean of the squared error itself is mostly that of the strong ones.

    Parameters
    ----------
    reconstruction, target : Tensor of float, shape (B, 1, S, S)
        On [0, 1].

    Returns
    -------
    Tensor, shape (B,)
        In [0, 9.3]; 10 dB of PSNR are 2.3 of it, where the error is well above the floor.
    """
    return squared_error(widened(reconstruction), target).div(LOG_FLOOR).log1p()


def ssim_error(reconstruction: Tensor, target: Tensor) -> Tensor:
    """Return one minus the structural similarity of each patch: window 7 px, data range 1.

    The same number as ``1 - deepdlt.quality.metrics.ssim(...)``, in the precision of the patches: training
    needs no float64. Windows are averaged by pooling, which keeps full precision under autocast and
    TF32, where a matrix product or a convolution would not.

    Parameters
    ----------
    reconstruction, target : Tensor of float, shape (B, 1, S, S)
        On [0, 1], S at least 7.

    Returns
    -------
    Tensor, shape (B,)
        In [0, 2].

    Raises
    ------
    ValueError
        If the patches are smaller than the window.

    References
    ----------
    Wang et al. 2004, doi:10.1109/TIP.2003.819861
    """
    x, y = widened(reconstruction), widened(target)
    if min(x.shape[-2:]) < SSIM_WINDOW_PX:
        raise ValueError(f"a patch of {min(x.shape[-2:])} px is smaller than the SSIM window of {SSIM_WINDOW_PX} px")
    maps = cat((x, y, x * x + y * y, x * y), 1)  # (B, 4, S, S)
    means = avg_pool2d(avg_pool2d(maps, (SSIM_WINDOW_PX, 1), 1), (1, SSIM_WINDOW_PX), 1)
    mean_x, mean_y, mean_squares, mean_xy = means.unbind(1)  # (B, S - 6, S - 6) each
    n_window, c1, c2 = SSIM_WINDOW_PX**2, SSIM_K1**2, SSIM_K2**2
    sample = n_window / (n_window - 1)
    product, squares = mean_x * mean_y, mean_x.square() + mean_y.square()
    numerator = (2 * product + c1) * (2 * sample * (mean_xy - product) + c2)
    denominator = (squares + c1) * (sample * (mean_squares - squares) + c2)
    return 1 - (numerator / denominator).mean((1, 2))


def spectral_error(reconstruction: Tensor, target: Tensor) -> Tensor:
    """Return the mean squared difference between the log power spectra of each pair of patches.

    Spectra are those of `deepdlt.inputs.spectrum.log_power`: power below that of 8-bit rounding noise,
    `deepdlt.inputs.spectrum.ROUNDING_POWER`, hardly counts, and the scale ends at 1. Where things are in a
    patch does not count: shift it around its edges, and the error stays 0. Give it company.

    Parameters
    ----------
    reconstruction, target : Tensor of float, shape (B, 1, S, S)
        On [0, 1].

    Returns
    -------
    Tensor, shape (B,)
        In [0, 1].

    Raises
    ------
    ValueError
        If the shape is another one.
    TypeError
        If the patches are no floats.
    """
    return (log_power(reconstruction) - log_power(target)).square().flatten(1).mean(1)
