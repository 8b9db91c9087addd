"""From rows of a dataset to labelled pictures, and from pictures to faces that a recogniser takes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from eval.benchmark import View
from eval.records import Record, Status
from fer.errors import DataError, ImageError
from fer.faces import detect_many
from fer.images import open_image, to_tensor
from fer.models.base import Recognizer
from fer.types import EMOTIONS, Framing, Prediction


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture on its way: its record so far, and its pixels once it was read."""

    record: Record
    picture: Image.Image | None = None


def label_reader(rows: Any, view: View) -> Callable[[Mapping[str, Any]], str | None]:
    """How the name of a row's label is read: None where the row has none that the dataset itself declares."""
    if view.label is None:
        return lambda row: str(view.constant)
    from datasets import ClassLabel

    column, feature = view.label, rows.features[view.label]
    if isinstance(feature, ClassLabel):
        names = feature.names
        return lambda row: names[row[column]] if row[column] is not None and 0 <= row[column] < len(names) else None
    if getattr(feature, "dtype", None) in ("string", "large_string"):
        return lambda row: row[column]
    raise DataError(f'The column "{column}" holds {feature}; expected a ClassLabel with names, or strings.')


def read(row: Mapping[str, Any], place: int, view: View, name: str | None) -> Sample:
    """One picture of a row, with its label looked up and its pixels decoded where it will be predicted."""
    data = (row[view.image] or {}).get("bytes")
    digest = hashlib.sha256(data).digest() if data else b""
    label = view.constant if view.label is None else view.labels.get(name or "")
    declared = view.label is None or name in view.labels
    if not declared:
        raw = name if name is not None else row[view.label or ""]
        return Sample(Record(place, view.image, digest, None, Status.UNKNOWN_LABEL, note=str(raw)))
    if label is None:
        return Sample(Record(place, view.image, digest, None, Status.OUTSIDE_PROTOCOL, note=str(name)))
    record = Record(place, view.image, digest, label, Status.PREDICTED)
    if not data:
        return Sample(replace(record, status=Status.BROKEN, note="The row holds no picture."))
    try:
        return Sample(record, open_image(data))
    except ImageError as error:
        return Sample(replace(record, status=Status.BROKEN, note=str(error)))


def faces_of(pictures: Sequence[Image.Image], framing: Framing) -> list[Tensor | None]:
    """Faces float32 (3, S, S) in [-1, 1] as ``framing`` wants them; None where no face was found."""
    if framing is Framing.TIGHT:
        return [to_tensor(picture) for picture in pictures]
    return [found[0].pixels if found else None for found in detect_many(pictures)]


def predict(samples: Sequence[Sample], recognizer: Recognizer, framing: Framing) -> list[Record]:
    """Records of the samples with probabilities filled in; those that cannot be predicted keep their status."""
    readable = [(i, s.picture) for i, s in enumerate(samples) if s.picture is not None]
    records = [s.record for s in samples]
    faces = faces_of([picture for _, picture in readable], framing) if readable else []
    by_size: dict[torch.Size, list[tuple[int, Tensor]]] = {}
    for (i, _), face in zip(readable, faces, strict=True):
        if face is None:
            records[i] = replace(records[i], status=Status.NO_FACE)
        elif face.shape[1] != face.shape[2]:
            size = f"{face.shape[2]} x {face.shape[1]} px"
            records[i] = replace(records[i], status=Status.BROKEN, note=f"A tight crop must be square; it is {size}.")
        else:
            by_size.setdefault(face.shape, []).append((i, face))
    for group in by_size.values():
        probs = canonical(recognizer.recognize(torch.stack([face for _, face in group]), framing))
        for (i, _), row in zip(group, probs.tolist(), strict=True):
            records[i] = replace(records[i], probs=tuple(row))
    return records


def canonical(prediction: Prediction) -> Tensor:
    """Probabilities (B, 8) in the canonical order; 0 for an expression that the model does not know."""
    probs = torch.zeros(len(prediction.probs), len(EMOTIONS))
    probs[:, [EMOTIONS.index(label) for label in prediction.labels]] = prediction.probs.float().cpu()
    return probs
