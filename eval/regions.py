"""Where pixels are compared: one face ellipse and one mouth box, fixed in the canonical unit square.

Checked on averages of train pictures: the box holds the lips of neutral and of smiling faces (of the rendered ones, all
lip points of 99 and of 97 %), the ellipse the face without hair and background.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fer.framing import LUMINANCE, resized
from fer.regions import face_ellipse

MOUTH = (0.30, 0.62, 0.70, 0.84)  # x0, y0, x1, y1


def face(size_px: int) -> Tensor:
    """The pixels of the face: bool (S, S)."""
    return face_ellipse(size_px) > 0


def mouth(size_px: int) -> Tensor:
    """The pixels of the mouth region: bool (S, S)."""
    centres = (torch.arange(size_px) + 0.5) / size_px
    x, y = centres[None, :], centres[:, None]
    x0, y0, x1, y1 = MOUTH
    return (x > x0) & (x < x1) & (y > y0) & (y < y1)


def face_luminance(faces: Tensor, size_px: int) -> Tensor:
    """Luminance of the pixels of aligned faces (B, 3, S, S) that ``face`` holds at size_px: (B, N) in [-1, 1]."""
    grey = resized((faces.float() * torch.tensor(LUMINANCE)[:, None, None]).sum(1, keepdim=True), size_px)
    return grey[:, 0, face(size_px)]
