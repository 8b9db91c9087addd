"""A peer as a recogniser of this project: faces go to its process, and probabilities come back."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eval.foreign.declaration import Peer
from eval.foreign.process import ANSWER_SECONDS, Process, start
from fer.errors import EvaluationError
from fer.framing import tight
from fer.images import to_bytes
from fer.models.base import Recognizer
from fer.types import Emotion, Framing, Prediction

FROM_ONE = 0.05  # how far the sum of a face's probabilities may be from 1: quantised networks round


class PeerRecognizer(Recognizer):
    """Somebody else's recogniser.

    Tight crops go in as they are, aligned faces as the tight crop of the same pixels: what detectors cut, and what
    recognisers of others expect. Its own preprocessing enlarges them.
    """

    def __init__(self, peer: Peer, process: Process, seconds: float = ANSWER_SECONDS) -> None:
        """seconds: how long an answer may take."""
        self.peer, self.process, self.seconds = peer, process, seconds
        self.labels = tuple(Emotion(name) for name in peer.labels)
        self.took = 0.0  # seconds that the last answer took, in its own process
        self.peak_memory_mb = process.identity.get("peak_memory_mb")

    def recognize(self, faces: Tensor, framing: Framing = Framing.ALIGNED) -> Prediction:
        """See ``Recognizer.recognize``. Raises EvaluationError."""
        pixels = to_bytes(tight(faces, framing)).permute(0, 2, 3, 1).contiguous().cpu().numpy()
        told, probs = self.process.exchange(f"on {len(faces)} faces", self.seconds, pixels)
        if reason := _wrong(probs, (len(faces), len(self.labels))):
            raise EvaluationError(f"{self.process.name} answered with {reason}")
        self.peak_memory_mb = told.get("peak_memory_mb")
        self.took = float(told["seconds"])
        found = torch.from_numpy(np.asarray(probs, np.float32))
        return Prediction(found / found.sum(1, keepdim=True), self.labels)

    def told(self) -> dict[str, Any]:
        """What a result says of it beside name and weights: JSON values."""
        return {
            "package": self.peer.package,
            "version": self.process.identity["version"],
            "files": self.process.identity["files"],
            "licence": self.peer.licence,
            "lacks": list(self.peer.lacks),
            "load_seconds": self.process.identity["load_seconds"],
            "peak_memory_mb": self.peak_memory_mb,
        }


def _wrong(probs: Any, shape: tuple[int, int]) -> str:
    """Why an answer cannot be used, or nothing."""
    if probs is None or probs.shape != shape or probs.dtype.kind != "f":
        got = "nothing" if probs is None else f"{probs.dtype} of shape {probs.shape}"
        return f"{got}; expected floats of shape {shape}"
    if not np.isfinite(probs).all():
        return "numbers that are not finite"
    if (probs < 0).any() or (abs(probs.sum(1) - 1) > FROM_ONE).any():
        return "numbers that are no probabilities: below 0, or with a sum that is not 1"
    return ""


def enter(peer: Peer, file: Path) -> tuple[PeerRecognizer, str, str]:
    """Start a peer: the recogniser, the name of its weights and their SHA-256, over all where they are several files.

    Raises AbsentError, EvaluationError.
    """
    process = start(peer, file)
    files: dict[str, str] = process.identity["files"]
    together = "".join(f"{name} {digest}\n" for name, digest in sorted(files.items()))
    digest = next(iter(files.values())) if len(files) == 1 else hashlib.sha256(together.encode()).hexdigest()
    return PeerRecognizer(peer, process), f"{peer.package}-{process.identity['version']}", digest
