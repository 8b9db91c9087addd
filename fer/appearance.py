"""A linear model of the appearance of faces: their shape, and their colours once all have one shape.

Cootes, Edwards, Taylor 2001, "Active Appearance Models" (IEEE TPAMI 23(6), doi 10.1109/34.927467): principal components
of both together. Mixed at random, they give faces that are nobody's. ``fer.puppets.appearance`` finds them.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from fer.framing import LUMINANCE
from fer.warping import resized_field, warped


class Appearance(NamedTuple):
    """Parts of N faces, or of one direction in which faces differ.

    luminance: (N, 1, p, p), of faces in the mean shape, black -1 and white 1. colour: (N, 2, c, c), red and blue less
    luminance. shape: (N, 2, c, c), where each pixel of a face is read in the mean shape, in halves of the side.
    """

    luminance: Tensor
    colour: Tensor
    shape: Tensor


class Components(NamedTuple):
    """mean: of all faces, N = 1. directions: N of them, each as large as one standard deviation. codes: (M, N)."""

    mean: Appearance
    directions: Appearance
    codes: Tensor


def joined(parts: Appearance, size_px: int) -> Tensor:
    """Faces (N, 3, size_px, size_px) of their parts."""
    light, colour = (resized_field(part, size_px) for part in (parts.luminance, parts.colour))
    red, green, blue = LUMINANCE
    rest = -(red * colour[:, :1] + blue * colour[:, 1:]) / green
    same = light + torch.cat([colour[:, :1], rest, colour[:, 1:]], 1)
    return warped(same, resized_field(parts.shape, size_px))
