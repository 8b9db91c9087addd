"""The few values that move between the core, the page and the evaluation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


class Emotion(StrEnum):
    """The eight expression labels, in the canonical order. They name what a face shows, not what a person feels."""

    NEUTRAL = "neutral"
    HAPPINESS = "happiness"
    SURPRISE = "surprise"
    SADNESS = "sadness"
    ANGER = "anger"
    DISGUST = "disgust"
    FEAR = "fear"
    CONTEMPT = "contempt"


EMOTIONS: tuple[Emotion, ...] = tuple(Emotion)


class Framing(StrEnum):
    """How a square face picture was cut."""

    ALIGNED = "aligned"  # canonical: five points at fixed places (fer.canonical.CANONICAL_POINTS)
    TIGHT = "tight"  # a detector's tight crop as in FER2013 (about 0.84 of the canonical square)


@dataclass(frozen=True, eq=False)
class Face:
    """One face found in a photograph.

    pixels: float32 (3, S, S), RGB in [-1, 1], canonically aligned.
    box: (x0, y0, x1, y1) in pixels of the photograph.
    landmarks: float32 (5, 2), x and y in pixels of the photograph: left eye, right eye, nose tip, left and right
        mouth corner, left and right as the viewer sees them.
    confidence: the detector's, in [0, 1].
    to_source: float32 (2, 3) affine map from aligned pixel coordinates to pixels of the photograph.
    """

    pixels: Tensor
    box: tuple[float, float, float, float]
    landmarks: Tensor
    confidence: float
    to_source: Tensor

    def __post_init__(self) -> None:
        size = self.pixels.shape[-1]
        if tuple(self.pixels.shape) != (3, size, size):
            raise ValueError(f"Face.pixels must be (3, S, S), got {tuple(self.pixels.shape)}.")
        if tuple(self.landmarks.shape) != (5, 2) or tuple(self.to_source.shape) != (2, 3):
            raise ValueError("Face.landmarks must be (5, 2) and Face.to_source (2, 3).")

    @property
    def size_px(self) -> float:
        """The longer side of the box in pixels of the photograph."""
        x0, y0, x1, y1 = self.box
        return max(x1 - x0, y1 - y0)


@dataclass(frozen=True, eq=False)
class Prediction:
    """Probabilities of expressions. probs: float32 (B, C), rows sum to 1; labels: the C classes in column order."""

    probs: Tensor
    labels: tuple[Emotion, ...] = EMOTIONS

    def __post_init__(self) -> None:
        if self.probs.ndim != 2 or self.probs.shape[1] != len(self.labels):
            raise ValueError(f"Prediction.probs must be (B, {len(self.labels)}), got {tuple(self.probs.shape)}.")
        if not self.probs.sum(1).allclose(self.probs.new_ones(len(self.probs)), atol=1e-3):
            raise ValueError("Every row of Prediction.probs must sum to 1.")

    @classmethod
    def of(cls, logits: Tensor, temperature: float) -> Prediction:
        """The softmax of logits (B, 8) over a temperature, on the CPU."""
        return cls((logits.float() / temperature).softmax(1).cpu())

    @classmethod
    def of_each(cls, names: Iterable[str], logits: Tensor, temperature: float) -> dict[str, Prediction]:
        """As ``of``, by the names of several logits (N, B, 8)."""
        return {name: cls.of(each, temperature) for name, each in zip(names, logits, strict=True)}

    def top(self, row: int = 0) -> tuple[Emotion, float]:
        """The most probable label of a row and its probability."""
        best = int(self.probs[row].argmax())
        return self.labels[best], float(self.probs[row, best])

    def as_dict(self, row: int = 0) -> dict[str, float]:
        """Label -> probability of a row, in column order."""
        return {str(label): float(p) for label, p in zip(self.labels, self.probs[row], strict=True)}


@dataclass(frozen=True, eq=False)
class ActionUnits:
    """Strengths of Action Units. strengths: float32 (B, N) in [0, 1], 1 as strong as it gets; names: as in FACS."""

    strengths: Tensor
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.strengths.ndim != 2 or self.strengths.shape[1] != len(self.names):
            raise ValueError(
                f"ActionUnits.strengths must be (B, {len(self.names)}), got {tuple(self.strengths.shape)}."
            )
        if not bool(((self.strengths >= 0) & (self.strengths <= 1)).all()):  # false for nan
            raise ValueError("Every strength of ActionUnits must lie in [0, 1].")

    def as_dict(self, row: int = 0) -> dict[str, float]:
        """Name -> strength of a row, in column order."""
        return {name: float(strength) for name, strength in zip(self.names, self.strengths[row], strict=True)}


@dataclass(frozen=True, eq=False)
class Edit:
    """A generated face. image: float32 (B, 3, S, S) in [-1, 1]; parts: named tensors that show how it was made."""

    image: Tensor
    parts: Mapping[str, Tensor]


@dataclass(frozen=True)
class TargetSpace:
    """What an editor can be asked for: names with the lowest and highest value of each."""

    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.low) == len(self.high):
            raise ValueError("TargetSpace needs one low and one high value per name.")
        bad = [n for n, a, b in zip(self.names, self.low, self.high, strict=True) if not (math.isfinite(a) and a < b)]
        if bad:
            raise ValueError(f"TargetSpace needs low < high for every name; not so for {bad}.")

    def checked(self, target: Tensor, count: int) -> Tensor:
        """The target as float32 (count, names); ValueError where its shape or a value is outside of the space."""
        if tuple(target.shape) != (count, len(self.names)):
            raise ValueError(
                f"A target for {count} faces must be {(count, len(self.names))}, not {tuple(target.shape)}."
            )
        target = target.float()
        low, high = (target.new_tensor(values) for values in (self.low, self.high))
        fits = ((target >= low) & (target <= high)).all(0)  # false for nan
        if not bool(fits.all()):
            wrong = ", ".join(
                f"{name} from {a:g} to {b:g}"
                for name, a, b, good in zip(self.names, self.low, self.high, fits.tolist(), strict=True)
                if not good
            )
            raise ValueError(f"The target is outside of what can be asked for: {wrong}.")
        return target
