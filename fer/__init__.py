"""Read a face by removing its expression: detection and recognition behind one small API.

import fer

faces = fer.detect("photograph.jpg")
prediction = fer.load("plain").recognize(fer.stack(faces))
print(prediction.top())

Importing it imports no torch; the first detection or the first model does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fer.load import load
from fer.types import EMOTIONS, Emotion, Face, Framing, Prediction

if TYPE_CHECKING:
    import torch

    from fer.faces import detect, detect_many

__all__ = ["EMOTIONS", "Emotion", "Face", "Framing", "Prediction", "detect", "detect_many", "load", "stack"]


def __getattr__(name: str) -> Any:
    """``detect`` and ``detect_many``, which need torch, when they are asked for."""
    if name not in ("detect", "detect_many"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from fer import faces

    return getattr(faces, name)


def stack(faces: Sequence[Face]) -> torch.Tensor:
    """The aligned pixels of faces of one size as a batch: float32 (B, 3, S, S) in [-1, 1]; (0, 3, 1, 1) for none."""
    import torch

    return torch.stack([face.pixels for face in faces]) if faces else torch.zeros(0, 3, 1, 1)
