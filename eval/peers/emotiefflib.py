"""emotiefflib, formerly hsemotion: EfficientNet-B0 on 224 px colour faces, learnt from AffectNet and VGAF, by ONNX."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.foreign.declaration import Peer

MODEL = "enet_b0_8_best_vgaf"  # its default

PEER = Peer(
    name="emotiefflib",
    package="emotiefflib",
    bare=("emotiefflib==1.1.1",),  # it asks for an OpenCV with windows
    requirements=("numpy", "onnx", "onnxruntime", "opencv-python-headless<5", "pillow"),
    labels=("anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"),
    licence="Apache-2.0; weights learnt from AffectNet (research)",
    homepage="https://github.com/sb-ai-lab/EmotiEffLib",
    citation=(
        "Savchenko, Savchenko, Makarov 2022, Classifying emotions and engagement in online learning based on a single "
        "facial expression recognition neural network"
    ),
    doi="10.1109/TAFFC.2022.3188390",
    notes=f"The model {MODEL} with the ONNX engine, and its own preprocessing.",
)


def weights() -> list[Path]:
    """Files that hold its weights."""
    return [Path.home() / ".emotiefflib" / f"{MODEL}.onnx"]


def load() -> Callable[[NDArray[np.uint8]], NDArray[Any]]:
    """A function of faces (B, S, S, 3), RGB from 0 to 255, to probabilities (B, 8) in the order of PEER.labels."""
    library = importlib.import_module("emotiefflib.facial_analysis")
    model = library.EmotiEffLibRecognizer(engine="onnx", model_name=MODEL)

    def recognize(faces: NDArray[np.uint8]) -> NDArray[Any]:
        return np.asarray(model.predict_emotions(list(faces), logits=False)[1])

    return recognize
