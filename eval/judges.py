"""Who judges generated faces: the recogniser plain and, where its weights are there, the embedder identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fer.errors import RegistryError
from fer.models.base import Embedder, Recognizer
from fer.types import EMOTIONS, Emotion

RECOGNIZER, EMBEDDER = "plain", "identity"


@dataclass(frozen=True, eq=False)
class Judge:
    """A model that judges, and what identifies it."""

    name: str
    weights_id: str
    weights_sha256: str
    model: Any

    def identity(self) -> dict[str, str]:
        """JSON values for a result."""
        return {"name": self.name, "weights": self.weights_id, "weights_sha256": self.weights_sha256}


def recognizer(device: str) -> Judge:
    """The bundled recogniser. Raises WeightsError."""
    return _judge(RECOGNIZER, Recognizer, device)


def embedder(device: str) -> Judge | None:
    """The bundled embedder; None where no weights of it are bundled. Damaged ones are a WeightsError."""
    from fer.registry import MODEL_NAMES
    from fer.weights import BUNDLED

    if EMBEDDER not in MODEL_NAMES or not (BUNDLED / f"{EMBEDDER}.safetensors").is_file():
        return None
    return _judge(EMBEDDER, Embedder, device)


def _judge(name: str, capability: type, device: str) -> Judge:
    import fer
    from fer.weights import find

    found = find(name)
    model = fer.load(name, device=device)
    if not isinstance(model, capability):
        raise RegistryError(f"The model {name} cannot judge: it is no {capability.__name__}.")
    return Judge(name, found.id, found.sha256, model)


def named(**judging: Judge | None) -> dict[str, Any]:
    """Entries of a result that name the judges by their roles, and say what could not be measured without one."""
    notes = [] if judging["embedder"] else ["Identity was not measured: no weights of its embedder are bundled."]
    return {"judges": {role: judge.identity() if judge else None for role, judge in judging.items()}, "notes": notes}


def is_neutral(judge: Judge, faces: Tensor) -> Tensor:
    """Which aligned faces (B, 3, S, S) the judge calls neutral, before all seven others: bool (B,)."""
    prediction = judge.model.recognize(faces)
    neutral = torch.tensor([label is Emotion.NEUTRAL for label in prediction.labels])
    if not neutral.any():
        raise RegistryError(f"The model {judge.name} cannot judge: it does not know {EMOTIONS[0]}.")
    return neutral[prediction.probs.argmax(1)]
