"""Labelled faces in an endless shuffled order."""

from __future__ import annotations

import torch
from torch import Tensor

from fer.errors import TrainingError
from fer.types import EMOTIONS

LABEL_CONFIDENCE = 0.9  # of a label by one person (or by design): less certain than ten votes


class Shuffled:
    """Faces of one source, uint8 (N, ...), and distributions (N, 8). A batch is a function of the step."""

    def __init__(self, pixels: Tensor, target: Tensor, per_batch: int, seed: int) -> None:
        """per_batch: 0 or more. Raises TrainingError."""
        if per_batch < 0:
            raise TrainingError(f"A batch cannot hold {per_batch} faces of a source. Give 0 or more.")
        self.pixels, self.target, self.per_batch, self.seed = pixels, target, per_batch, seed
        self.orders: dict[int, Tensor] = {}

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Pixels (per_batch, ...) and distributions (per_batch, 8)."""
        positions = range(step * self.per_batch, (step + 1) * self.per_batch)
        rows = torch.tensor([self._row(*divmod(each, len(self.target))) for each in positions], dtype=torch.long)
        return self.pixels[rows], self.target[rows]

    def _row(self, epoch: int, offset: int) -> int:
        if epoch not in self.orders:
            generator = torch.Generator().manual_seed(self.seed * 9_973 + epoch)
            self.orders = {epoch: torch.randperm(len(self.target), generator=generator)} | {
                kept: order for kept, order in self.orders.items() if kept == epoch - 1
            }
        return int(self.orders[epoch][offset])


def softened(labels: Tensor) -> Tensor:
    """Labels (N,) -> distributions (N, 8) that leave the label some doubt."""
    target = torch.full((len(labels), len(EMOTIONS)), (1 - LABEL_CONFIDENCE) / (len(EMOTIONS) - 1))
    target[torch.arange(len(labels)), labels] = LABEL_CONFIDENCE
    return target
