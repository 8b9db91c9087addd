"""From rows of a dataset to labelled pictures, and from pictures to faces that a model takes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from eval.benchmark import Benchmark, View
from eval.records import Record, Status
from eval.source import Source, picture_bytes
from fer import framing
from fer.errors import DataError, ImageError
from fer.faces import FACE_SIZE_PX, detect_many
from fer.images import open_image, to_tensor
from fer.types import EMOTIONS, Emotion, Framing, Prediction


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture on its way: its record so far, and its pixels once it was read."""

    record: Record
    picture: Image.Image | None = None


def is_text(feature: Any) -> bool:
    """Whether a column holds words."""
    return getattr(feature, "dtype", None) in ("string", "large_string")


def is_integer(feature: Any) -> bool:
    """Whether a column holds whole numbers; those of a ``ClassLabel`` have names, and it is one too."""
    return str(getattr(feature, "dtype", None)).lstrip("u").startswith("int")


def label_reader(rows: Any, view: View) -> Callable[[Mapping[str, Any]], str | None]:
    """How the name of a row's label is read: None where the row has none that the dataset itself declares.

    A number is its own name where the view maps numbers.
    """
    if view.label is None:
        return lambda row: str(view.constant)
    from datasets import ClassLabel

    column, feature = view.label, rows.features[view.label]
    if isinstance(feature, ClassLabel):
        names = feature.names
        return lambda row: names[row[column]] if row[column] is not None and 0 <= row[column] < len(names) else None
    if is_text(feature):
        return lambda row: row[column]
    if is_integer(feature) and all(name.lstrip("-").isdecimal() for name in view.labels):
        return lambda row: None if row[column] is None else str(row[column])
    raise DataError(f'The column "{column}" holds {feature}; expected a ClassLabel with names, or strings.')


def read(row: Mapping[str, Any], place: int, view: View, name: str | None) -> Sample:
    """One picture of a row, with its label looked up and its pixels decoded where it will be predicted."""
    data = picture_bytes(row[view.image])
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


def faces_of(pictures: Sequence[Image.Image], cut: Framing) -> list[Tensor | None]:
    """Faces float32 (3, S, S) in [-1, 1] as ``cut`` wants them; None where no face was found."""
    if cut is Framing.TIGHT:
        return [to_tensor(picture) for picture in pictures]
    return [found[0].pixels if found else None for found in detect_many(pictures)]


class Split:
    """The pictures of a benchmark's split by number: every view of the first row, then of the second, ...

    images, others: columns that a row needs besides the pictures and labels of the views. limit: only the first rows.
    """

    def __init__(
        self,
        benchmark: Benchmark,
        source: Source,
        views: Sequence[View],
        limit: int | None,
        images: Sequence[str] = (),
        others: Sequence[str] = (),
    ) -> None:
        labels = [view.label for view in views if view.label is not None]
        self.rows = source.open(benchmark.split, [*(view.image for view in views), *images], [*labels, *others])
        self.views: list[tuple[View, Any]] = [(view, label_reader(self.rows, view)) for view in views]
        self.n_rows = int(self.rows.num_rows if limit is None else min(limit, self.rows.num_rows))

    def __len__(self) -> int:
        return self.n_rows * len(self.views)

    def key(self, number: int) -> tuple[int, str]:
        """What identifies the picture in its record."""
        row, view = divmod(number, len(self.views))
        return row, self.views[view][0].image

    def label(self, number: int) -> Emotion | None:
        """The label of a picture, which is not opened; None where it is unknown or outside the protocol."""
        place, index = divmod(number, len(self.views))
        view, name_of = self.views[index]
        return view.constant or view.labels.get(name_of(self.rows[place]) or "")

    def sample(self, number: int) -> Sample:
        """Read one picture."""
        return self.sample_and_row(number)[0]

    def sample_and_row(self, number: int) -> tuple[Sample, Mapping[str, Any]]:
        """Read one picture, and the row that holds it."""
        place, index = divmod(number, len(self.views))
        view, name_of = self.views[index]
        row: Mapping[str, Any] = self.rows[place]
        return read(row, place, view, name_of(row)), row

    def faces_of_people(
        self, numbers: Sequence[int], cut: Framing, person: str, sources: str | None
    ) -> tuple[list[Record], dict[int, Tensor]]:
        """See ``single_faces``; the records say who is shown, by the columns ``person`` and ``sources``."""
        read = [self.sample_and_row(number) for number in numbers]
        records, faces = single_faces([sample for sample, _ in read], cut)
        return [whose(record, row, person, sources) for record, (_, row) in zip(records, read, strict=True)], faces


def not_square(face: Tensor) -> str:
    """Why a face (3, H, W) that is given to a model as it is cannot be used, or nothing."""
    if face.shape[1] == face.shape[2]:
        return ""
    return f"A tight crop must be square; it is {face.shape[2]} x {face.shape[1]} px."


def by_size(faces: Mapping[int, Tensor]) -> Iterator[tuple[list[int], Tensor]]:
    """Faces by number -> batches of one size, with their numbers."""
    groups: dict[torch.Size, list[int]] = {}
    for i, face in faces.items():
        groups.setdefault(face.shape, []).append(i)
    for numbers in groups.values():
        yield numbers, torch.stack([faces[i] for i in numbers])


def single_faces(samples: Sequence[Sample], cut: Framing) -> tuple[list[Record], dict[int, Tensor]]:
    """Records of the samples with what became of each picture, and the usable faces by their place in ``samples``."""
    readable = [(i, s.picture) for i, s in enumerate(samples) if s.picture is not None]
    records = [s.record for s in samples]
    faces: dict[int, Tensor] = {}
    found = faces_of([picture for _, picture in readable], cut) if readable else []
    for (i, _), face in zip(readable, found, strict=True):
        if face is None:
            records[i] = replace(records[i], status=Status.NO_FACE)
        elif reason := not_square(face):
            records[i] = replace(records[i], status=Status.BROKEN, note=reason)
        else:
            faces[i] = face
    return records, faces


def canonical_crops(samples: Sequence[Sample]) -> tuple[list[Record], dict[int, Tensor]]:
    """Records, and tight crops in the canonical square (3, S, S) by their place in ``samples``."""
    records, crops = single_faces(samples, Framing.TIGHT)
    faces = {i: framing.canonical(crop[None], Framing.TIGHT, FACE_SIZE_PX)[0] for i, crop in crops.items()}
    return records, faces


def whose(record: Record, row: Mapping[str, Any], person: str | None, sources: str | None) -> Record:
    """The record with who is shown. person, sources: the columns that say so; without one, nobody else is."""
    name = str(record.row) if person is None else str(row[person])
    return replace(record, person=name, sources=tuple(row[sources]) if sources else ())


def canonical(prediction: Prediction) -> Tensor:
    """Probabilities (B, 8) in the canonical order; 0 for an expression that the model does not know."""
    probs = torch.zeros(len(prediction.probs), len(EMOTIONS))
    probs[:, [EMOTIONS.index(label) for label in prediction.labels]] = prediction.probs.float().cpu()
    return probs
