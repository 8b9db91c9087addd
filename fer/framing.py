"""The two ways in which a face picture is cut, and how one becomes the other."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from fer.canonical import TIGHT_WINDOW
from fer.types import Framing

LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601


def mirrored(read: Callable[[Tensor], Tensor], pictures: Tensor) -> Tensor:
    """What is read of pictures (B, C, S, S), as the mean of each and its mirror picture."""
    return (read(pictures) + read(pictures.flip(3))) / 2


def tight(faces: Tensor, framing: Framing) -> Tensor:
    """Faces (B, C, S, S) as tight crops (B, C, s, s) of the same pixels: s = S for tight crops, else about 0.84 S."""
    if framing is Framing.TIGHT:
        return faces
    x0, y0, side = (round(v * faces.shape[-1]) for v in TIGHT_WINDOW)
    return faces[:, :, y0 : y0 + side, x0 : x0 + side]


def canonical(faces: Tensor, framing: Framing, size_px: int) -> Tensor:
    """Faces (B, C, S, S) in the canonical square at size_px; around a tight crop its border is repeated."""
    if framing is Framing.ALIGNED:
        return resized(faces, size_px)
    x0, y0, side = TIGHT_WINDOW
    faces = resized(faces, min(faces.shape[-1], round(side * size_px)))  # a larger crop is reduced without aliasing
    centres = (torch.arange(size_px, device=faces.device, dtype=faces.dtype) + 0.5) / size_px
    x, y = (centres - x0) / side * 2 - 1, (centres - y0) / side * 2 - 1
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)[None].expand(len(faces), -1, -1, -1)
    return F.grid_sample(faces, grid, mode="bilinear", padding_mode="border", align_corners=False)


def resized(faces: Tensor, size_px: int) -> Tensor:
    """Faces (B, C, S, S) -> (B, C, size_px, size_px), anti-aliased."""
    if faces.shape[-1] == size_px:
        return faces
    return F.interpolate(faces, (size_px, size_px), mode="bilinear", antialias=True, align_corners=False)


def standardise(luminance: Tensor) -> Tensor:
    """(B, 1, S, S) of any scale -> mean 0, deviation about 1 per picture (a flat picture becomes zeros)."""
    mean = luminance.mean((2, 3), keepdim=True)
    return (luminance - mean) / (luminance.std((2, 3), keepdim=True) + 0.05)


def tight_luminance(faces: Tensor, framing: Framing, size_px: int) -> Tensor:
    """Faces (B, 3, S, S) in [-1, 1] -> luminance (B, 1, size_px, size_px) in [0, 1], tight framing."""
    weights = torch.tensor(LUMINANCE, device=faces.device)[:, None, None]
    grey = ((faces.float() + 1) / 2 * weights).sum(1, keepdim=True)
    return resized(tight(grey, framing), size_px).clamp(0, 1)
