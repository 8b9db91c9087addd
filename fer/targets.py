"""What editors are asked for: the seven expressions in degrees, or strengths of the 23 Action Units."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from fer.action_units import ACTION_UNITS
from fer.types import EMOTIONS, TargetSpace


def unit_space(names: Sequence[str]) -> TargetSpace:
    """A target space of these names, each from 0 to 1."""
    return TargetSpace(tuple(map(str, names)), (0.0,) * len(names), (1.0,) * len(names))


EMOTION_TARGETS = unit_space(EMOTIONS[1:])  # zeros are neutral
UNIT_TARGETS = unit_space(ACTION_UNITS)  # zeros are neutral


def code_of(emotion: Tensor, intensity: Tensor) -> Tensor:
    """Target codes (B, 7) of emotions (B,) in 0..7 at intensities (B,); zeros for neutral."""
    return F.one_hot(emotion, len(EMOTIONS))[:, 1:].float() * intensity[:, None]


def distribution_of(code: Tensor) -> Tensor:
    """Distributions (B, 8) of codes (B, 7) whose sum is at most 1: what is missing is neutral."""
    return torch.cat([1 - code.sum(1, keepdim=True), code], 1)
