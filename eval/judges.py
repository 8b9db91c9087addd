"""Who judges generated faces: the recogniser plain and, where its weights are there, the embedder identity.

Edits of Action Units are judged by au, from whose answers no editor of them may learn.

Editors are also judged by derl, a second recogniser from whose answers none of them may learn. It is not wholly
apart from fesgan and degan, whose decoders set out from the layers that derl reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fer.errors import RegistryError
from fer.framing import tight_luminance
from fer.models.base import ActionUnitReader, Embedder, Recognizer
from fer.models.plain import Plain, logits_of_views
from fer.types import Emotion, Framing

RECOGNIZER, SECOND_RECOGNIZER, EMBEDDER, UNIT_READER = "plain", "derl", "identity", "au"
KEPT = {EMBEDDER: "identity-s0"}  # weights that go on judging where a model has newer ones: verdicts stay comparable


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


def second_recognizer(device: str) -> Judge:
    """The bundled recogniser from whose answers no editor learnt. Raises WeightsError."""
    return _judge(SECOND_RECOGNIZER, Recognizer, device)


def unit_reader(device: str) -> Judge:
    """The bundled reader of Action Units, from whose answers no editor of them learnt. Raises WeightsError."""
    return _judge(UNIT_READER, ActionUnitReader, device)


def embedder(device: str) -> Judge | None:
    """The bundled embedder; None where no weights of it are bundled. Damaged ones are a WeightsError."""
    return _judge(EMBEDDER, Embedder, device) if Path(weights_of(EMBEDDER)).is_file() else None


def weights_of(name: str) -> str:
    """The file of the weights that a model judges with."""
    from fer import weights

    return str(weights.BUNDLED / f"{KEPT.get(name, name)}.safetensors")


def _judge(name: str, capability: type, device: str) -> Judge:
    import fer
    from fer.weights import find

    found = find(name, weights_of(name))
    model = fer.load(name, weights_of(name), device)
    if not isinstance(model, capability):
        raise RegistryError(f"The model {name} cannot judge: it is no {capability.__name__}.")
    return Judge(name, found.id, found.sha256, model)


def named(**judging: Judge | None) -> dict[str, Any]:
    """Entries of a result that name the judges by their roles, and say what could not be measured without one."""
    notes = [] if judging["embedder"] else ["Identity was not measured: no weights of its embedder are bundled."]
    return {"judges": {role: judge.identity() if judge else None for role, judge in judging.items()}, "notes": notes}


def shows(judge: Judge, faces: Tensor, wanted: Sequence[Emotion]) -> tuple[Tensor, Tensor]:
    """Probability (B,) of what is wanted of each aligned face (B, 3, S, S), and whether it comes first: bool (B,)."""
    prediction = judge.model.recognize(faces)
    if unknown := sorted(set(wanted) - set(prediction.labels)):
        raise RegistryError(f"The model {judge.name} cannot judge: it does not know {', '.join(unknown)}.")
    column = torch.tensor([prediction.labels.index(emotion) for emotion in wanted])
    return prediction.probs.gather(1, column[:, None])[:, 0], prediction.probs.argmax(1) == column


def shown(judge: Judge, pictures: Mapping[str, Tensor], wanted: Sequence[Emotion]) -> dict[str, Tensor]:
    """``shows`` of pictures as "probability" and "top", by names that end as the pictures' do: float64 (B,)."""
    found = {}
    for end, each in pictures.items():
        probability, top = shows(judge, each, wanted)
        found[f"probability{end}"], found[f"top{end}"] = probability.double(), top.double()
    return found


def identity_cosine(judge: Judge | None, outputs: Tensor, faces: Tensor) -> dict[str, Tensor]:
    """How like the faces they were made from outputs (B, 3, S, S) look: float64 (B,); nothing without a judge."""
    if judge is None:
        return {}
    return {"identity_cosine": (judge.model.embed(outputs) * judge.model.embed(faces)).sum(1).double()}


def vectors(judge: Judge | None, faces: Tensor) -> list[tuple[float, ...]]:
    """Embeddings of faces (B, 3, S, S) as records keep them; empty ones without a judge."""
    return [tuple(each) for each in judge.model.embed(faces).tolist()] if judge else [()] * len(faces)


def is_neutral(judge: Judge, faces: Tensor) -> Tensor:
    """Which aligned faces (B, 3, S, S) the judge calls neutral, before all seven others: bool (B,)."""
    return shows(judge, faces, [Emotion.NEUTRAL] * len(faces))[1]


@torch.inference_mode()
def features(judge: Judge, faces: Tensor) -> Tensor:
    """What ``plain`` hands to its last layer, 256 means of rectified feature maps of aligned faces: (B, 256), CPU.

    The mean over a face's zooms and mirror pictures, as its logits are.
    """
    model = judge.model
    if not isinstance(model, Plain):
        raise RegistryError(f"The model {judge.name} cannot judge: its features are read as those of plain.")
    luminance = tight_luminance(faces.to(next(model.parameters()).device), Framing.ALIGNED, model.config.size_px)
    return logits_of_views(model.network[:-1], luminance, model.config).cpu()
