"""deepface: the most used face library. Its emotion model is a small network on 48 px grey faces, run by ONNX here."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.foreign.declaration import Peer

OWN_NAMES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

PEER = Peer(
    name="deepface",
    package="deepface",
    bare=("deepface==0.0.103",),  # it asks for a second detector, and that for tensorflow; neither is used
    requirements=(
        "numpy",
        "opencv-python-headless<5",
        "onnxruntime",
        "gdown",
        "requests",
        "tqdm",
        "pandas",
        "werkzeug",
    ),
    labels=("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"),
    licence="MIT",
    homepage="https://github.com/serengil/deepface",
    citation="Serengil, Ozpinar 2026, Boosted LightFace: A Hybrid DNN and GBM Model for Boosted Facial Recognition",
    doi="10.35378/gujs.1794891",
    notes='DeepFace.analyze with detector_backend="skip", which takes the picture for the face; ONNX backend.',
    settings=(("DEEPFACE_BACKEND_ENGINE", "onnx"),),
)


def weights() -> list[Path]:
    """Files that hold its weights."""
    return [Path.home() / ".deepface" / "weights" / "facial_expression_model_weights.onnx"]


def load() -> Callable[[NDArray[np.uint8]], NDArray[Any]]:
    """A function of faces (B, S, S, 3), RGB from 0 to 255, to probabilities (B, 7) in the order of PEER.labels."""
    deepface = importlib.import_module("deepface.DeepFace")
    deepface.build_model("Emotion", task="facial_attribute")

    def recognize(faces: NDArray[np.uint8]) -> NDArray[Any]:
        return np.array([_percents(deepface, face) for face in faces]) / 100

    return recognize


def _percents(deepface: Any, face: NDArray[np.uint8]) -> list[float]:
    found = deepface.analyze(
        img_path=np.ascontiguousarray(face[..., ::-1]),  # it takes BGR
        actions=("emotion",),
        enforce_detection=False,
        detector_backend="skip",
        align=False,
        silent=True,
    )
    return [float(found[0]["emotion"][name]) for name in OWN_NAMES]
