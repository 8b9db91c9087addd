"""Parts of the canonical square."""

from __future__ import annotations

import torch
from torch import Tensor

FACE_ELLIPSE = (0.5, 0.51, 0.31, 0.36)  # centre x, y and half axes, in the unit square


def face_ellipse(size_px: int, ellipse: tuple[float, float, float, float] = FACE_ELLIPSE) -> Tensor:
    """1 inside the face and 0 outside: float32 (size_px, size_px)."""
    x0, y0, half_x, half_y = ellipse
    centres = (torch.arange(size_px) + 0.5) / size_px
    return (((centres[None] - x0) / half_x) ** 2 + ((centres[:, None] - y0) / half_y) ** 2 < 1).float()
