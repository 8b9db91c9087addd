"""py-feat: the toolbox of facial expression research. Its classic emotion model is a Residual Masking Network."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.foreign.declaration import Peer

PEER = Peer(
    name="py_feat",
    package="py-feat",
    requirements=("py-feat==2.1.5",),
    labels=("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"),
    licence="MIT; weights learnt from FER2013",
    homepage="https://github.com/cosanlab/py-feat",
    citation="Cheong, Jolly, Xie, Byrne, Kenney, Chang 2023, Py-Feat: Python Facial Expression Analysis Toolbox",
    doi="10.1007/s42761-023-00191-4",
    notes=(
        "Detectorv1 with resmasknet alone. The whole picture is the face: enlarged to 224 px, RGB from 0 to 1, as the "
        "package gives it the box that it found."
    ),
)


def weights() -> list[Path]:
    """Files that hold its weights; a name without a folder where the package has not fetched them."""
    name = "ResMaskNet_Z_resmasking_dropout1_rot30.pth"
    spec = importlib.util.find_spec("feat")
    roots = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    kept = [path for root in roots for path in Path(root, "resources").glob(f"models--py-feat--resmasknet/*/*/{name}")]
    return kept[:1] or [Path(name)]


def load() -> Callable[[NDArray[np.uint8]], NDArray[Any]]:
    """A function of faces (B, S, S, 3), RGB from 0 to 255, to probabilities (B, 7) in the order of PEER.labels."""
    torch = importlib.import_module("torch")
    detector = importlib.import_module("feat.detector").Detectorv1(
        landmark_model=None, au_model=None, emotion_model="resmasknet", identity_model=None, gaze_model=None
    )

    def recognize(faces: NDArray[np.uint8]) -> NDArray[Any]:
        pixels = torch.from_numpy(faces).permute(0, 3, 1, 2).float() / 255
        enlarged = torch.nn.functional.interpolate(pixels, (224, 224), mode="bilinear", align_corners=False)
        with torch.inference_mode():
            return np.asarray(detector.emotion_detector(enlarged).softmax(1))

    return recognize
