"""What a model can do. A model is final and inherits only the capabilities that it has."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from fer.types import Edit, Framing, Prediction, TargetSpace


class Recognizer(ABC):
    """Names the expression that a face shows."""

    @abstractmethod
    def recognize(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> Prediction:
        """faces: float32 (B, 3, S, S), RGB in [-1, 1], cut as ``framing`` says -> probabilities (B, 8) on the CPU."""


class Neutralizer(ABC):
    """Removes the expression from a face."""

    @abstractmethod
    def neutralize(self, faces: Tensor) -> Edit:
        """faces: float32 (B, 3, S, S), RGB in [-1, 1], aligned -> the same people without expression."""


class Editor(ABC):
    """Gives a face another expression."""

    @property
    @abstractmethod
    def target_space(self) -> TargetSpace:
        """The names and ranges that ``edit`` understands."""

    @abstractmethod
    def edit(self, faces: Tensor, target: Tensor) -> Edit:
        """faces: (B, 3, S, S) in [-1, 1], aligned; target: (B, len(target_space.names)) -> the edited faces."""
