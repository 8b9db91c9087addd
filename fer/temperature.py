"""How well a recogniser reads validation data, and its calibration there."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fer.data import ferplus

M = TypeVar("M", bound=nn.Module)


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature in [0.3, 3] of least cross-entropy for logits (N, C) (Guo et al. 2017, arXiv 1706.04599)."""
    candidates = torch.exp(torch.linspace(math.log(0.3), math.log(3.0), 400))
    losses = torch.stack([F.cross_entropy(logits / t, labels) for t in candidates])
    return round(float(candidates[losses.argmin()]), 4)


def reading_scores(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Accuracy and mean cross-entropy in nats of logits (N, C) for labels (N,), as trainings log them."""
    logits = logits.float()
    return {
        "validation_accuracy": float((logits.argmax(1) == labels).float().mean()),
        "validation_nll": float(F.cross_entropy(logits, labels)),
    }


def calibrated(logits: Tensor, labels: Tensor) -> tuple[float, dict[str, float]]:
    """The temperature of ``fit_temperature`` and the scores at it, rounded for a card."""
    temperature = fit_temperature(logits, labels)
    return temperature, {name: round(v, 5) for name, v in reading_scores(logits / temperature, labels).items()}


@dataclass(frozen=True, eq=False)
class HeldOut:
    """FER+ validation, which trainings are followed by: tight faces uint8 (N, 48, 48) and labels (N,)."""

    pixels: Tensor
    labels: Tensor

    @classmethod
    def load(cls, root: Path) -> HeldOut:
        """Raises DataError."""
        return cls(*ferplus.load_validation(root))

    def scores(self, read: Callable[[Tensor], Tensor]) -> dict[str, float]:
        """``reading_scores`` of the logits that ``read`` gives for the faces, on the CPU in bfloat16 where it can."""
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = read(self.pixels)
        return reading_scores(logits, self.labels)

    def calibrate(
        self, build: Callable[[Any], M], config: Any, trained: M, read: Callable[[Tensor], Tensor]
    ) -> tuple[M, dict[str, float]]:
        """The trained model as it is shipped, with the temperature that fits in its configuration, and its scores.

        read: gives the logits of the trained model for the faces.
        """
        temperature, numbers = calibrated(read(self.pixels), self.labels)
        model = build(replace(config, temperature=temperature))
        model.load_state_dict(trained.state_dict())
        return model.eval(), numbers
