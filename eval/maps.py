"""Maps that say which pixels matter, and how a recogniser's answer changes when they go or come.

A map is (B, side, side), not negative, over the part of the canonical square that a tight crop shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eval.pictures import canonical
from fer.errors import RegistryError
from fer.framing import standardise, tight, tight_luminance
from fer.models.base import Neutralizer, Recognizer
from fer.models.plain import Plain, logits_of_views
from fer.types import Framing

BLUR_SHARE = 0.08  # standard deviation of the blur, in sides of the picture
RESIDUE = "residue.pixel"


def window(maps: Tensor) -> Tensor:
    """Maps (B, S, S) of the canonical square -> the part that a tight crop shows."""
    return tight(maps[:, None], Framing.ALIGNED)[:, 0]


def residue(model: Neutralizer, faces: Tensor) -> Tensor:
    """Size of the removed residue, summed over the channels. faces: (B, 3, S, S), aligned."""
    parts = model.neutralize(faces).parts
    if RESIDUE not in parts:
        raise RegistryError(f'This model shows no "{RESIDUE}" among the parts of its answer, so nothing can be mapped.')
    return window(parts[RESIDUE].float().cpu().abs().sum(1))


def grad_cam(
    features: Callable[[Tensor], Tensor], head: Callable[[Tensor], Tensor], inputs: Tensor, classes: Tensor
) -> Tensor:
    """Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391): (B, h, w) of the feature maps.

    The positive part of the feature maps' sum, each weighted by the mean gradient of its class's logit. features:
    inputs -> (B, C, h, w); head: those -> logits (B, K); classes: (B,).
    """
    with torch.enable_grad():
        activations = features(inputs).detach().requires_grad_()
        logit = head(activations).gather(1, classes[:, None]).sum()
        (gradient,) = torch.autograd.grad(logit, activations)
    weights = gradient.mean((2, 3), keepdim=True)
    return (weights * activations.detach()).sum(1).clamp(min=0)


def plain_grad_cam(judge: Plain, faces: Tensor, classes: Tensor) -> Tensor:
    """Grad-CAM at the last convolution of ``plain``, the mean of a face and its mirror picture, enlarged."""
    view = standardise(tight_luminance(faces, Framing.ALIGNED, judge.config.size_px))
    place = next(i for i, layer in enumerate(judge.network) if isinstance(layer, nn.AdaptiveAvgPool2d))
    features, head = judge.network[:place], judge.network[place:]
    straight, mirrored = (grad_cam(features, head, each, classes) for each in (view, view.flip(3)))
    side = window(faces[:, 0]).shape[-1]
    both = (straight + mirrored.flip(2)) / 2
    return F.interpolate(both[:, None], (side, side), mode="bilinear", align_corners=False)[:, 0]


def plain_gradient(judge: Plain, faces: Tensor, classes: Tensor) -> Tensor:
    """Size of the gradient of the class's logit by the pixels, summed over channels (Simonyan, arXiv 1312.6034)."""
    with torch.enable_grad():
        pixels = faces.clone().requires_grad_()
        luminance = tight_luminance(pixels, Framing.ALIGNED, judge.config.size_px)
        logit = logits_of_views(judge.network, luminance, judge.config).gather(1, classes[:, None]).sum()
        (gradient,) = torch.autograd.grad(logit, pixels)
    return window(gradient.abs().sum(1))


def contrast(faces: Tensor) -> Tensor:
    """How much the blur changes each pixel, summed over the channels: what any difference of pictures may amount to."""
    return window((faces - blurred(faces)).abs().sum(1))


def chance(count: int, side: int, seeds: Sequence[int]) -> Tensor:
    """Uniform noise (count, side, side), one seed per map."""
    drawn = [torch.rand(side, side, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.stack(drawn) if count else torch.zeros(0, side, side)


def ranks(maps: Tensor, seeds: Sequence[int]) -> Tensor:
    """Place (B, n) of each pixel when the largest come first, from 0; equal pixels are ordered by chance."""
    flat = maps.flatten(1)
    shuffled = chance(len(maps), maps.shape[-1], seeds).flatten(1).argsort(1)
    order = shuffled.gather(1, flat.gather(1, shuffled).argsort(dim=1, descending=True, stable=True))
    places = torch.arange(flat.shape[1]).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, places)


def blurred(faces: Tensor) -> Tensor:
    """A heavily blurred copy of faces (B, 3, S, S): Gaussian, reflected at the border."""
    sigma = BLUR_SHARE * faces.shape[-1]
    reach = min(int(3 * sigma), faces.shape[-1] - 1)
    offsets = torch.arange(-reach, reach + 1, dtype=faces.dtype)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).repeat(3, 1)
    padded = F.pad(faces, [reach] * 4, mode="reflect")
    across = F.conv2d(padded, kernel[:, None, None, :], groups=3)
    return F.conv2d(across, kernel[:, None, :, None], groups=3)


def replaced(first: Tensor, second: Tensor, places: Tensor, percent: int) -> Tensor:
    """``first`` (B, 3, S, S) with the highest-ranked ``percent`` % of the window's pixels taken from ``second``.

    places: ``ranks`` of a map.
    """
    count, _, size, _ = first.shape
    inside = window(torch.arange(size * size).reshape(1, size, size)).flatten()
    taken = torch.zeros(count, size * size, dtype=torch.bool)
    taken[:, inside] = places < round(percent / 100 * len(inside))
    return torch.where(taken.reshape(count, 1, size, size), second, first)


def curve(
    judge: Recognizer, first: Tensor, second: Tensor, places: Tensor, percents: Sequence[int], classes: Tensor
) -> Tensor:
    """Probability (B, K) that the judge gives to each face's class while ``second`` replaces ``first``."""
    steps = [canonical(judge.recognize(replaced(first, second, places, percent))) for percent in percents]
    return torch.stack([probs.gather(1, classes[:, None])[:, 0] for probs in steps], 1)


def area(curves: Tensor, percents: Sequence[int]) -> Tensor:
    """Area (B,) under curves (B, K) over the share of pixels, by trapezoids: in [0, 1]."""
    return torch.trapezoid(curves.double(), torch.tensor(percents, dtype=torch.float64) / 100, dim=1)
