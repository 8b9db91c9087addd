"""Read a face by removing its expression: detection and recognition behind one small API.

import fer

faces = fer.detect("photograph.jpg")
prediction = fer.load("plain").recognize(fer.stack(faces))
print(prediction.top())
"""

from collections.abc import Sequence

import torch

from fer.faces import detect, detect_many
from fer.load import load
from fer.types import EMOTIONS, Emotion, Face, Framing, Prediction

__all__ = ["EMOTIONS", "Emotion", "Face", "Framing", "Prediction", "detect", "detect_many", "load", "stack"]


def stack(faces: Sequence[Face]) -> torch.Tensor:
    """The aligned pixels of faces of one size as a batch: float32 (B, 3, S, S) in [-1, 1]; (0, 3, 1, 1) for none."""
    return torch.stack([face.pixels for face in faces]) if faces else torch.zeros(0, 3, 1, 1)
