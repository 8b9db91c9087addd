"""pyemotion: four convolutions on 48 px grey faces, weights included; facial-emotion-recognition 0.3.4 has the same."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.foreign.declaration import Peer

SIDE = 48

PEER = Peer(
    name="pyemotion",
    package="pyemotion",
    bare=("pyemotion==1.0.0",),  # it asks for a detector, windows and coloured letters; none is used
    requirements=("numpy==2.4.6", "pillow==12.3.0", "torch==2.13.0"),
    labels=("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"),
    licence="MIT; weights learnt from FER2013",
    homepage="https://pypi.org/project/PyEmotion/1.0.0",
    citation=(
        "Goodfellow et al. 2013, Challenges in Representation Learning: A report on three machine learning contests"
    ),
    arxiv="1307.0414",
    notes=(
        "Its network, its weights read as plain tensors, and its preprocessing: grey, 48 px, -1 to 1. It ends in a "
        "sigmoid for each expression and takes the exponential for the score; divided by their sum here, so that no "
        "probability is above 0.32, which its ECE and NLL show. Its output for disgust is dead: always near 0. What it "
        "learnt from is named by facial-emotion-recognition 0.3.4, where the same file of weights lies."
    ),
    learnt_from=("FER2013",),  # its answers on the training pictures, and on no others, are nearly all right
)


def weights() -> list[Path]:
    """Files that hold its weights."""
    return [_inside("model/main_model.pkl")]


def load() -> Callable[[NDArray[np.uint8]], NDArray[Any]]:
    """A function of faces (B, S, S, 3), RGB from 0 to 255, to probabilities (B, 7) in the order of PEER.labels."""
    torch = importlib.import_module("torch")
    network = _networks().NetworkV2(in_c=1, nl=32, out_f=len(PEER.labels))
    # a pickle, of which only tensors and plain values are read; the package itself leaves this to torch's version
    state = torch.load(weights()[0], map_location="cpu", weights_only=True)
    network.load_state_dict(state["network"])
    network.eval()

    def recognize(faces: NDArray[np.uint8]) -> NDArray[Any]:
        grey = np.stack([_grey(face) for face in faces])
        with torch.inference_mode():
            return np.asarray(network(torch.from_numpy(grey)).softmax(1))

    return recognize


def _grey(face: NDArray[np.uint8]) -> NDArray[np.float32]:
    image = importlib.import_module("PIL.Image")
    small = image.fromarray(face).convert("L").resize((SIDE, SIDE), image.Resampling.BILINEAR)
    return np.asarray(small, np.float32)[None] / 127.5 - 1


def _inside(name: str) -> Path:
    return Path(str(distribution(PEER.package).locate_file(f"PyEmotion/{name}")))


def _networks() -> Any:
    """The module of its network. To import the package would ask for all that its camera needs."""
    spec = importlib.util.spec_from_file_location("pyemotion_networks", _inside("networks.py"))
    if spec is None or spec.loader is None:
        raise ImportError("PyEmotion/networks.py is no Python file.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
