"""Calibration of a recogniser on validation data."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature in [0.3, 3] of least cross-entropy for logits (N, C) (Guo et al. 2017, arXiv 1706.04599)."""
    candidates = torch.exp(torch.linspace(math.log(0.3), math.log(3.0), 400))
    losses = torch.stack([F.cross_entropy(logits / t, labels) for t in candidates])
    return round(float(candidates[losses.argmin()]), 4)
