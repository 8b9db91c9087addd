"""Pure functions from pairs of pictures to distances.

Pictures are RGB (B, 3, S, S) in [-1, 1], distances are those of [0, 1]. Each gives one number per picture, inside a
mask, bool (S, S).
"""

from __future__ import annotations

import torch
from torch import Tensor

SSIM = {"data_range": 1.0, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}  # Wang et al. 2004
LOWEST_MSE = 1e-6  # 60 dB: about what rounding to 8 bits costs; keeps identical pictures finite
EYE_CORNERS = (36, 45)  # outer corners among the 68 points


def unit(pictures: Tensor) -> Tensor:
    """Pictures of [-1, 1] in [0, 1], double precision; values beyond are cut off as they are when shown."""
    return (pictures.double().clamp(-1, 1) + 1) / 2


def l1(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference over the mask and the channels: (B,)."""
    return (unit(a) - unit(b)).abs()[..., mask].mean((1, 2))


def largest(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """Largest absolute difference over the mask and the channels: (B,)."""
    return (unit(a) - unit(b)).abs()[..., mask].amax((1, 2))


def psnr(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """10 log10(1 / mean squared difference) in dB over the mask and the channels, 60 at the most: (B,)."""
    mse = (unit(a) - unit(b)).square()[..., mask].mean((1, 2))
    return -10 * mse.clamp(min=LOWEST_MSE).log10()


def ssim(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """Structural similarity (Wang et al. 2004, doi 10.1109/TIP.2003.819861), its map averaged over mask and channels.

    Gaussian window of sigma 1.5 px, population covariance, each channel for itself; scikit-image's: (B,).
    """
    from skimage.metrics import structural_similarity

    values = []
    for one, other in zip(unit(a), unit(b), strict=True):
        _, picture = structural_similarity(  # type: ignore[no-untyped-call]
            one.numpy(), other.numpy(), channel_axis=0, full=True, **SSIM
        )
        values.append(torch.from_numpy(picture)[:, mask].mean())
    return torch.stack(values)


def landmark_error(points: Tensor, truth: Tensor) -> Tensor:
    """Mean distance of points (B, 68, 2) to the truth, in % of the truth's distance of outer eye corners: (B,)."""
    left, right = (truth[:, corner].double() for corner in EYE_CORNERS)
    distance = (points.double() - truth.double()).square().sum(2).sqrt().mean(1)
    return 100 * distance / (right - left).square().sum(1).sqrt()
