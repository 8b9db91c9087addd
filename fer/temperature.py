"""How well a recogniser reads validation data, and its calibration there."""

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


def reading_scores(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Accuracy and mean cross-entropy in nats of logits (N, C) for labels (N,), as trainings log them."""
    return {
        "validation_accuracy": float((logits.argmax(1) == labels).float().mean()),
        "validation_nll": float(F.cross_entropy(logits, labels)),
    }


def calibrated(logits: Tensor, labels: Tensor) -> tuple[float, dict[str, float]]:
    """The temperature of ``fit_temperature`` and the scores at it, rounded for a card."""
    temperature = fit_temperature(logits, labels)
    return temperature, {name: round(v, 5) for name, v in reading_scores(logits / temperature, labels).items()}
