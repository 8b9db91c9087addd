"""Random changes of face pictures that two or more trainings share. All draw from torch's global random state."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

# The landmark that takes the place of each of the 68 when a face is mirrored.
MIRROR_68 = [
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *range(54, 47, -1),
    *range(59, 54, -1),
    *range(64, 59, -1),
    *range(67, 64, -1),
]


def uniform(shape: Sequence[int], low: float, high: float) -> Tensor:
    """Uniform numbers in [low, high)."""
    return torch.rand(*shape) * (high - low) + low


def similarities(count: int, turn: float, move: float, mirrored: float = 0.5) -> Tensor:
    """Affine maps (count, 2, 3) from places in the new picture to the old, in [-1, 1]: mirror, turn, zoom, shift.

    mirrored: the share of them; turn: the largest angle in rad; move: the largest zoom and shift.
    """
    angle, scale = uniform((count,), -turn, turn), 1 + uniform((count,), -move, move)
    mirror = (torch.rand(count) < 1 - mirrored).float() * 2 - 1
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = torch.cos(angle) * scale * mirror, -torch.sin(angle) * scale
    theta[:, 1, 0], theta[:, 1, 1] = torch.sin(angle) * scale * mirror, torch.cos(angle) * scale
    theta[:, :, 2] = uniform((count, 2), -move, move)
    return theta


def moved(x: Tensor, theta: Tensor, size_px: int | None = None) -> Tensor:
    """Pictures (B, C, S, S) read through affine maps (B, 2, 3) at size_px (S), reflected at the border."""
    size_px = size_px or x.shape[-1]
    if not len(x):  # which affine_grid refuses
        return x.new_zeros(0, x.shape[1], size_px, size_px)
    grid = F.affine_grid(theta, [len(x), 1, size_px, size_px], align_corners=False)
    return F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)


def moved_landmarks(points: Tensor, theta: Tensor) -> Tensor:
    """68 landmarks, and places without names behind them, (B, K, 2) in the unit square where ``moved`` takes them.

    The landmarks' names are swapped where it mirrors.
    """
    centred = points * 2 - 1 - theta[:, None, :, 2]
    places = torch.linalg.solve(theta[:, :, :2], centred.transpose(1, 2)).transpose(1, 2) / 2 + 0.5
    mirrored = torch.linalg.det(theta[:, :, :2]) < 0
    order = [*MIRROR_68, *range(len(MIRROR_68), places.shape[1])]
    return torch.where(mirrored[:, None, None], places[:, order], places)


def soften(x: Tensor, share: float, lowest: float = 0.4) -> Tensor:
    """Take resolution from about ``share`` of the pictures: ``lowest`` to 0.95 of the size and back."""
    chosen = torch.nonzero(torch.rand(len(x)) < share)[:, 0]
    if len(chosen):
        size = x.shape[-1]
        small = int(size * float(uniform((1,), lowest, 0.95)))
        low = F.interpolate(x[chosen], (small, small), mode="bilinear", antialias=True, align_corners=False)
        x = x.index_copy(0, chosen, F.interpolate(low, (size, size), mode="bilinear", align_corners=False))
    return x


def erase(x: Tensor, share: float) -> Tensor:
    """Fill a random box with the mean in about ``share`` of the pictures (Zhong et al. 2020, arXiv 1708.04896)."""
    count, size = len(x), x.shape[-1]
    place = torch.arange(size, dtype=torch.float32)
    centre = torch.rand(2, count, 1) * size
    half = uniform((2, count, 1), 0.06, 0.21) * size
    inside_x, inside_y = ((place[None] - centre[k]).abs() < half[k] for k in range(2))
    mask = inside_y[:, :, None] & inside_x[:, None, :] & (torch.rand(count, 1, 1) < share)
    return x.masked_fill(mask[:, None], 0.0)


def photograph(x: Tensor, strength: float = 1.0) -> Tensor:
    """RGB (B, 3 k, S, S) in [-1, 1] in another light: gamma, contrast, tint, a gradient; grey for one in five.

    The k pictures of a row are changed alike.
    """
    count, channels, size, _ = x.shape
    light = ((x + 1) / 2).clamp(0, 1) ** torch.exp(uniform((count, 1, 1, 1), -0.35, 0.35) * strength)
    across = torch.linspace(-0.5, 0.5, size)
    angle = uniform((count, 1, 1), 0, 6.2832)
    slope = torch.cos(angle) * across[None, None] + torch.sin(angle) * across[None, :, None]
    slope = torch.exp(uniform((count, 1, 1), -0.4, 0.4) * strength * slope)[:, None]
    tint = torch.exp(uniform((count, 3, 1, 1), -0.08, 0.08) * strength).repeat(1, channels // 3, 1, 1)
    light = light * slope * tint * torch.exp(uniform((count, 1, 1, 1), -0.15, 0.15) * strength)
    grey = torch.rand(count, 1, 1, 1) < 0.2 * strength
    pictures = light.view(count, channels // 3, 3, size, size)
    means = pictures.mean(2, keepdim=True).expand_as(pictures).reshape(light.shape)
    return (torch.where(grey, means, light) * 2 - 1).clamp(-1, 1)
